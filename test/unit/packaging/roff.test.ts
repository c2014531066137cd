import { expect, test } from "bun:test";

interface Roff {
  readonly formatMarkdown: (text: string) => string;
  readonly formatText: (text: string) => string;
  readonly quoteLine: (text: string) => string;
}
const modulePath = new URL("../../../packaging/roff.mjs", import.meta.url).href;
const { formatMarkdown, formatText, quoteLine } = (await import(modulePath)) as Roff;

test.each([
  ["plain words", "plain words"],
  ["`code` and **bold**", String.raw`\fBcode\fR and \fBbold\fR`],
  ["see [the page](page.md#part)", "see the page"],
  ["[`[mail]`](#mail)", String.raw`\fB[mail]\fR`],
  [String.raw`a \d-b`, String.raw`a \ed\-b`],
  [".TH is no request", String.raw`\&.TH is no request`],
  ["'quoted'", String.raw`\&\(aqquoted\(aq`],
  ["and so on…", String.raw`and so on\|.\|.\|.`],
])("formatText writes %p as %p", (text, roff) => {
  expect(formatText(text)).toBe(roff);
});

test.each([
  ["## Title `a`", ".SH Title a\n"],
  ["### Part", ".SS Part\n"],
  ["One\nparagraph.\n\nAnother.", ".PP\nOne paragraph.\n.PP\nAnother.\n"],
  ["- one\n  goes on\n- two", ".IP \\(bu 2\none goes on\n.IP \\(bu 2\ntwo\n"],
  ["```toml\n# a\nb = 1\n```", ".PP\n.RS 4\n.nf\n# a\nb = 1\n.fi\n.RE\n"],
  ["    command --now", ".PP\n.RS 4\n.nf\ncommand \\-\\-now\n.fi\n.RE\n"],
  [
    "| key | type | default | meaning |\n| --- | --- | --- | --- |\n| `a` | 1\\|2 | none | What. |",
    ".TP\n\\fBa\\fR\n1|2; default: none. What.\n",
  ],
])("formatMarkdown writes %p", (markdown, roff) => {
  expect(formatMarkdown(markdown)).toBe(roff);
});

test("quoteLine keeps every line from being a request", () => {
  for (const line of [".so /etc/passwd", "'br", "a.b", "\\X"]) {
    expect(quoteLine(line)).not.toMatch(/^[.']/);
  }
  expect(quoteLine("\\X")).toBe("\\eX");
});
