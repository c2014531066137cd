/**
 * Characters of a keepalived.conf to words and braces (keepalived.conf(5)).
 *
 * `#` and `!` begin a comment, double quotes hold words together, a backslash at the end of a line
 * continues it. Takes any text, in linear time. Pure.
 *
 * @module
 */

/** Words of one line, up to a brace; or a brace; or a definition `$NAME=VALUE`. */
export type Token =
  | { readonly kind: "words"; readonly line: number; readonly words: readonly string[] }
  | { readonly kind: "open"; readonly line: number }
  | { readonly kind: "close"; readonly line: number }
  | MacroToken;

/** `$NAME=VALUE`; line ends in the value are those of a definition of several lines. */
interface MacroToken {
  readonly kind: "macro";
  readonly line: number;
  readonly name: string;
  readonly value: string;
}

interface Cursor {
  readonly text: string;
  offset: number;
  line: number;
}

const macroPattern = /\$([A-Za-z_]\w*)=/y;

/** Reads the tokens of a text one after the other. */
export function* lex(text: string): Generator<Token, void, undefined> {
  const cursor = { text, offset: text.startsWith("\uFEFF") ? 1 : 0, line: 1 };
  let isLineStart = true;
  while (cursor.offset < text.length) {
    const char = text[cursor.offset]!;
    if (skipNothing(cursor, char)) {
      isLineStart ||= char === "\n";
    } else if (char === "{" || char === "}") {
      cursor.offset += 1;
      isLineStart = false;
      yield { kind: char === "{" ? "open" : "close", line: cursor.line };
    } else {
      const macro = isLineStart && char === "$" ? readMacro(cursor) : undefined;
      isLineStart = false;
      if (macro !== undefined) yield macro;
      else yield* readWords(cursor);
    }
  }
}

/** Goes past a line end, a blank or a comment; false if `char` is none of them. */
function skipNothing(cursor: Cursor, char: string): boolean {
  if (char === "\n") cursor.line += 1;
  if (char === "#" || char === "!") cursor.offset = lineEnd(cursor);
  else if (char === "\n" || isBlank(char)) cursor.offset += 1;
  else return false;
  return true;
}

/** Blanks and controls: a file with NULs must not become words with NULs. */
function isBlank(char: string): boolean {
  return char <= " " && char !== "\n";
}

function lineEnd({ text, offset }: Cursor): number {
  const end = text.indexOf("\n", offset);
  return end === -1 ? text.length : end;
}

/** A definition up to the end of its line, over lines that end with a backslash. */
function readMacro(cursor: Cursor): MacroToken | undefined {
  macroPattern.lastIndex = cursor.offset;
  const match = macroPattern.exec(cursor.text);
  if (match === null) return undefined;
  const { line } = cursor;
  cursor.offset = macroPattern.lastIndex;
  const parts: string[] = [];
  for (;;) {
    const end = lineEnd(cursor);
    const part = cursor.text.slice(cursor.offset, end).trimEnd();
    cursor.offset = end;
    parts.push(part.endsWith("\\") ? part.slice(0, -1).trim() : part.trim());
    if (!part.endsWith("\\") || end >= cursor.text.length) break;
    cursor.offset = end + 1;
    cursor.line += 1;
  }
  return { kind: "macro", line, name: match[1]!, value: parts.join("\n") };
}

/** Words up to a brace, a comment or the end of the line. */
function* readWords(cursor: Cursor): Generator<Token, void, undefined> {
  const { line, text } = cursor;
  const words: string[] = [];
  while (cursor.offset < text.length) {
    const char = text[cursor.offset]!;
    if (char === "\\" && isContinued(cursor)) {
      cursor.offset = lineEnd(cursor) + 1;
      cursor.line += 1;
    } else if (isBlank(char)) cursor.offset += 1;
    else if ("\n{}#!".includes(char)) break;
    else words.push(readWord(cursor));
  }
  if (words.length > 0) yield { kind: "words", line, words };
}

/** True at the last character of a line that another line follows. */
function isContinued({ text, offset }: Cursor): boolean {
  return text[offset + 1] === "\n" || (text[offset + 1] === "\r" && text[offset + 2] === "\n");
}

function readWord(cursor: Cursor): string {
  const { text } = cursor;
  let word = "";
  while (cursor.offset < text.length) {
    const char = text[cursor.offset]!;
    if (char === '"') word += readQuoted(cursor);
    else if (char === "$" && text[cursor.offset + 1] === "{") word += readReference(cursor);
    else if (isBlank(char) || "\n{}#!".includes(char)) break;
    else if (char === "\\" && isContinued(cursor)) break;
    else {
      word += char;
      cursor.offset += 1;
    }
  }
  return word;
}

/** A quoted text; it ends at the latest with its line. A backslash takes the next character. */
function readQuoted(cursor: Cursor): string {
  const { text } = cursor;
  let content = "";
  cursor.offset += 1;
  while (cursor.offset < text.length && text[cursor.offset] !== "\n") {
    const char = text[cursor.offset]!;
    cursor.offset += 1;
    if (char === '"') return content;
    if (char === "\\" && (text[cursor.offset] === '"' || text[cursor.offset] === "\\")) {
      content += text[cursor.offset]!;
      cursor.offset += 1;
    } else if (char === "\t" || !isBlank(char) || char === " ") content += char;
  }
  return content;
}

/** Longest name and default of `${…}`; what is longer is no reference, and no work either. */
const referenceCharactersMax = 256;

/** `${NAME}` stays together; a `${` without its end is two characters of a word. */
function readReference(cursor: Cursor): string {
  const { text, offset } = cursor;
  const window = text.slice(offset, offset + referenceCharactersMax);
  const match = /^\$\{[^{}\n]*\}/.exec(window)?.[0] ?? "$";
  cursor.offset = offset + match.length;
  return match;
}
