/**
 * Markdown, as docs/configuration.md is written, to the macros of man(7). Pure.
 *
 * Headings, paragraphs, lists, fenced code, tables, and inside a line code, bold and links. A table
 * becomes a list: the first column is the term, the others follow, each after its heading.
 *
 * @module
 */

/** Text in which roff sees no request and no escape. */
function escape(text) {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll("'", "\\(aq")
    .replaceAll("`", "\\(ga")
    .replaceAll("~", "\\(ti")
    .replaceAll("^", "\\(ha")
    .replaceAll("…", "\\|.\\|.\\|.")
    .replaceAll("“", "\\(lq")
    .replaceAll("”", "\\(rq");
}

/** A line of text as it is; one that begins as a request does is kept from being one. */
export function quoteLine(text) {
  const escaped = escape(text);
  return /^[.']/.test(escaped) || escaped.startsWith("\\(aq") ? `\\&${escaped}` : escaped;
}

/** Text with Markdown's code, bold and links; code is set bold, a link is its text. */
export function formatText(text) {
  const parts = text
    .replaceAll(/\[((?:[^[\]]|\[[^\]]*\])+)\]\((?:[^()]|\([^)]*\))*\)/g, "$1")
    .split(/(`[^`]+`|\*\*[^*]+\*\*)/);
  const formatted = parts.map((part) => {
    const isCode = part.length > 2 && part.startsWith("`");
    const isBold = part.length > 4 && part.startsWith("**");
    if (isCode) return `\\fB${escape(part.slice(1, -1))}\\fR`;
    if (isBold) return `\\fB${escape(part.slice(2, -2).replaceAll("`", ""))}\\fR`;
    return escape(part);
  });
  const line = formatted.join("");
  return /^[.']/.test(line) || line.startsWith("\\(aq") ? `\\&${line}` : line;
}

/** A term with what it means, indented. */
export function formatItem(term, text) {
  return `.TP\n\\fB${escape(term.replaceAll("`", ""))}\\fR\n${formatText(text)}\n`;
}

/** First line of a page. */
export function formatHead({ name, section, version, date }) {
  return `.TH ${name.toUpperCase()} ${section} "${date}" "appliance ${version}"\n.nh\n.ad l\n`;
}

/** Cells of a line of a table; a bar in code is escaped in Markdown. */
function cellsOf(line) {
  return line
    .trim()
    .replace(/^\||\|$/g, "")
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll("\\|", "|"));
}

function formatTable(lines) {
  const [heads, , ...rows] = lines.map(cellsOf);
  const items = rows.map(([term, ...cells]) => {
    const facts = cells
      .map((cell, index) => [heads[index + 1], cell])
      .filter(([, cell]) => cell !== "");
    const meaning = facts.filter(([head]) => head === "meaning");
    const others = facts
      .filter(([head]) => head !== "meaning")
      .map(([head, cell]) => (head === "default" || head === "reload" ? `${head}: ${cell}` : cell));
    const text = [others.join("; "), ...meaning.map(([, cell]) => cell)].filter(Boolean);
    return formatItem(term, text.join(". "));
  });
  return items.join("");
}

function formatCode(lines) {
  return `.PP\n.RS 4\n.nf\n${lines.map(quoteLine).join("\n")}\n.fi\n.RE\n`;
}

/** What a line begins: the first rule that fits. */
const blocks = [
  { kind: "code", isStart: (line) => line.startsWith("```") },
  { kind: "indented", isStart: (line) => line.startsWith("    ") },
  { kind: "heading", isStart: (line) => /^#{2,} /.test(line) },
  { kind: "table", isStart: (line) => line.startsWith("|") },
  { kind: "item", isStart: (line) => line.startsWith("- ") },
  { kind: "paragraph", isStart: () => true },
];

/** Takes the lines of one block from the front of `lines`. */
function takeWhile(lines, isMore) {
  const end = lines.findIndex((line) => !isMore(line));
  return lines.splice(0, end === -1 ? lines.length : end);
}

const isText = (line) =>
  line.trim() !== "" && blocks.find((one) => one.isStart(line)).kind === "paragraph";

const formatters = {
  code(lines) {
    lines.shift();
    const code = takeWhile(lines, (line) => !line.startsWith("```"));
    lines.shift();
    return formatCode(code);
  },
  indented(lines) {
    const code = takeWhile(lines, (line) => line.startsWith("    "));
    return formatCode(code.map((line) => line.slice(4)));
  },
  heading(lines) {
    const [, marks, text] = /^(#+) (.*)$/.exec(lines.shift());
    const title = text.replaceAll("`", "");
    return marks.length === 2 ? `.SH ${escape(title)}\n` : `.SS ${escape(title)}\n`;
  },
  table: (lines) => formatTable(takeWhile(lines, (line) => line.startsWith("|"))),
  item(lines) {
    const first = lines.shift().slice(2);
    const more = takeWhile(lines, (line) => /^ {2}\S/.test(line)).map((line) => line.trim());
    return `.IP \\(bu 2\n${formatText([first, ...more].join(" "))}\n`;
  },
  paragraph(lines) {
    const text = [lines.shift(), ...takeWhile(lines, isText)];
    return `.PP\n${formatText(text.join(" "))}\n`;
  },
};

/** A Markdown document without its title, as sections of a page. */
export function formatMarkdown(text) {
  const lines = text.split("\n");
  const parts = [];
  while (lines.length > 0) {
    if (lines[0].trim() === "") {
      lines.shift();
      continue;
    }
    const { kind } = blocks.find((one) => one.isStart(lines[0]));
    parts.push(formatters[kind](lines));
  }
  return parts.join("");
}
