/**
 * What is told about an imported file: directives left out or changed, and what stops its use.
 * Mutable, lives for one import.
 *
 * @module
 */

/** A place in a file of another program. */
export interface Origin {
  readonly file: string;
  /** From 1; 0 stands for the file as a whole. */
  readonly line: number;
}

/** One thing told, with its place. */
export interface ImportNote extends Origin {
  readonly message: string;
}

/** Notes above this number are counted, not told: nobody reads more. */
export const notesMax = 2000;

/** Longest piece of a file that is repeated in a message. */
const quotedCharactersMax = 60;

/** Collects what is told. */
export interface Notes {
  /** Something left out or changed; the result can be used. */
  warn(at: Origin, message: string): void;
  /** Something that must be mended by hand before the result can be used. */
  problem(at: Origin, message: string): void;
  /** Warnings and problems so far, in the order told, each at most {@link notesMax} and one. */
  finish(file: string): Readonly<Record<"warnings" | "problems", readonly ImportNote[]>>;
}

/** Creates an empty collection. */
export function createNotes(): Notes {
  const warnings = createList();
  const problems = createList();
  return {
    warn: (at, message) => warnings.add(at, message),
    problem: (at, message) => problems.add(at, message),
    finish: (file) => ({ warnings: warnings.finish(file), problems: problems.finish(file) }),
  };
}

function createList() {
  const notes: ImportNote[] = [];
  let omitted = 0;
  return {
    add({ file, line }: Origin, message: string): void {
      if (notes.length < notesMax) notes.push({ file, line, message });
      else omitted += 1;
    },
    finish(file: string): readonly ImportNote[] {
      if (omitted === 0) return notes;
      return [...notes, { file, line: 0, message: `And ${omitted} more` }];
    },
  };
}

/** A word of a file, quoted and cut, fit for a message of one line. */
export function quoted(text: string): string {
  const cut = text.length > quotedCharactersMax ? `${text.slice(0, quotedCharactersMax)}…` : text;
  return JSON.stringify(cut);
}
