import { expect, test } from "bun:test";

import { markup } from "../../../src/status/html.ts";
import {
  badge,
  cellView,
  emptyCell,
  fact,
  rowView,
  tableView,
  timeView,
} from "../../../src/status/page-part.ts";

const nowMs = Date.parse("2026-03-01T10:01:00.000Z");

test.each([
  ["badge", badge("bad", "✕ <down>"), '<span class="badge bad">✕ &lt;down&gt;</span>'],
  ["fact", fact("in", "1 <kB>"), "<li>in <b>1 &lt;kB&gt;</b></li>"],
  [
    "timeView",
    timeView("2026-03-01T10:00:57.000Z", nowMs),
    '<time datetime="2026-03-01T10:00:57.000Z" title="2026-03-01T10:00:57.000Z">3 s ago</time>',
  ],
  [
    "cellView",
    cellView({ name: "New", kind: "number" }, '"1"/s'),
    '<td role="cell" data-label="New" class="number"><span>&quot;1&quot;/s</span></td>\n',
  ],
  ["emptyCell", emptyCell({ name: "Why" }), '<td role="cell" class="words"></td>\n'],
])("%s() escapes what it is given", (_name, view, expected) => {
  expect(view.text).toBe(expected);
});

test("tableView() writes roles out and puts no text between rows", () => {
  const column = { name: "Since" };
  const rows = ['a"', "b"].map((key) =>
    rowView(key, markup`${key}`, [cellView(column, "now"), emptyCell(column)]),
  );
  expect(tableView("Two <rows>", [column], rows).text).toBe(`<table role="table">
<caption>Two &lt;rows&gt;</caption>
<thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col" class="words">\
Since</th></tr></thead>
<tbody role="rowgroup"><tr role="row" data-key="a&quot;">
<th role="rowheader" scope="row">a&quot;</th>
<td role="cell" data-label="Since" class="words"><span>now</span></td>
<td role="cell" class="words"></td>
</tr><tr role="row" data-key="b">
<th role="rowheader" scope="row">b</th>
<td role="cell" data-label="Since" class="words"><span>now</span></td>
<td role="cell" class="words"></td>
</tr></tbody>
</table>
`);
});
