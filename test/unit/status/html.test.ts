import { expect, test } from "bun:test";

import * as fc from "fast-check";

import { escapeHtml, markup, trusted } from "../../../src/status/html.ts";

const numRuns = Number(process.env["FUZZ_RUNS"] ?? 300);
const seed = process.env["FUZZ_SEED"];
const parameters = { numRuns, ...(seed === undefined ? {} : { seed: Number(seed) }) };

test("escapeHtml escapes what ends text or a quoted attribute", () => {
  expect(escapeHtml(`<a href="x" title='y'>&amp;`)).toBe(
    "&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;amp;",
  );
});

test("escapeHtml leaves no character that opens markup, and loses nothing", () => {
  const back: Readonly<Record<string, string>> = {
    "&amp;": "&",
    "&lt;": "<",
    "&gt;": ">",
    "&quot;": '"',
    "&#39;": "'",
  };
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom("<", ">", "&", '"', "'", "a", ";") }), (text) => {
      const escaped = escapeHtml(text);
      expect(escaped).not.toMatch(/[<>"']/);
      expect(escaped.replaceAll(/&[a-z0-9#]+;/g, (entity) => back[entity]!)).toBe(text);
    }),
    parameters,
  );
});

test("markup escapes text and numbers, and takes markup as it is", () => {
  const item = markup`<li>${"<b>"}</li>`;
  const list = markup`<ul title="${'"'}">${[item, item]}${1}${undefined}${trusted("<hr>")}</ul>`;
  expect(list.text).toBe('<ul title="&quot;"><li>&lt;b&gt;</li><li>&lt;b&gt;</li>1<hr></ul>');
});
