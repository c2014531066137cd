/**
 * HTML that cannot be injected into: every value is escaped unless it is {@link Html} itself.
 * Pure.
 *
 * @module
 */

/** Markup that is safe to send. Only {@link markup} and {@link trusted} make it. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text for an element or a quoted attribute. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => entities[character]!);
}

/** What a template takes; `undefined` is nothing. */
export type HtmlValue = string | number | Html | readonly Html[] | undefined;

function toText(value: HtmlValue): string {
  if (value === undefined) return "";
  if (value instanceof Html) return value.text;
  if (typeof value === "object") return value.map(({ text }) => text).join("");
  return escapeHtml(String(value));
}

/**
 * Template tag: values go into elements and quoted attributes, never into tags or scripts. Not
 * called `html`: formatters lay such templates out anew, and blanks matter to the page's hashes.
 */
export function markup(strings: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  let text = strings[0]!;
  for (const [index, value] of values.entries()) text += toText(value) + strings[index + 1]!;
  return new Html(text);
}

/** Markup written in this program, never made from data. */
export function trusted(text: string): Html {
  return new Html(text);
}
