/**
 * Text for a terminal: colours only where they are welcome, nothing that moves the cursor. Pure
 * but for {@link sleep}.
 *
 * @module
 */

/** Colours by what they say. */
export interface Palette {
  readonly good: (text: string) => string;
  readonly warn: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly soft: (text: string) => string;
  readonly strong: (text: string) => string;
}

/** SGR sequences of ECMA-48. */
function sgr(code: number): (text: string) => string {
  return (text) => `\u001b[${code}m${text}\u001b[0m`;
}

const plain = (text: string): string => text;

/** Colours, or none. */
export function createPalette(color: boolean): Palette {
  if (!color) return { good: plain, warn: plain, bad: plain, soft: plain, strong: plain };
  return { good: sgr(32), warn: sgr(33), bad: sgr(31), soft: sgr(2), strong: sgr(1) };
}

/** Without control characters: what a real server answered must not reach the terminal as such. */
export function cleanText(text: string): string {
  // Which characters are control characters is the very point here.
  // oxlint-disable-next-line no-control-regex
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, "\u00b7");
}

/** A cell: its text, and how it is to be coloured. */
export interface Cell {
  readonly text: string;
  readonly paint?: (text: string) => string;
}

/** Rows with their columns in line, two blanks between them; no blanks at the end of a line. */
export function formatTable(rows: readonly (readonly Cell[])[], indent = ""): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, { text }] of row.entries()) {
      widths[column] = Math.max(widths[column] ?? 0, text.length);
    }
  }
  const lines = rows.map((row) => {
    const last = row.findLastIndex(({ text }) => text !== "");
    const cells = row.slice(0, last + 1).map(({ text, paint }, column) => {
      const padding = column === last ? "" : " ".repeat(widths[column]! - text.length + 2);
      return (paint?.(text) ?? text) + padding;
    });
    return `${indent}${cells.join("")}\n`;
  });
  return lines.join("");
}

/** Settles after `ms`, or at once when `signal` aborts. Never rejects. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) return Promise.resolve();
  const timer = setTimeout(finish, ms);
  function finish(): void {
    clearTimeout(timer);
    signal.removeEventListener("abort", finish);
    resolve();
  }
  signal.addEventListener("abort", finish, { once: true });
  return promise;
}
