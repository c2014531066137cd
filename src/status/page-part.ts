/**
 * Pieces that the parts of the live page share. Pure.
 *
 * State is told by words and a sign, never by colour alone.
 *
 * @module
 */

import { markup } from "./html.ts";
import type { Html, HtmlValue } from "./html.ts";
import { formatAgo } from "./human.ts";

/** How good a state is. */
export type Tone = "good" | "warn" | "bad";

/** A state in a word or two, its sign before it. */
export function badge(tone: Tone, text: string): Html {
  return markup`<span class="badge ${tone}">${text}</span>`;
}

/** How long ago `time` was, with the time itself on request. */
export function timeView(time: string, nowMs: number): Html {
  return markup`<time datetime="${time}" title="${time}">${formatAgo(time, nowMs)}</time>`;
}

/** An entry of a list of facts. */
export function fact(name: string, value: HtmlValue): Html {
  return markup`<li>${name} <b>${value}</b></li>`;
}

/** What every part of one page needs. */
export interface PageScope {
  /** Time of the snapshot, ms since 1970. */
  readonly nowMs: number;
  /** Real servers get a button. */
  readonly isChangeable: boolean;
  /** Rows of real servers that may still be shown on this page. */
  rowsLeft: number;
}

/** A column of a table. */
export interface Column {
  readonly name: string;
  /** `number`: to the right; `action`: only once changes are allowed. @default "words" */
  readonly kind?: "number" | "words" | "line" | "wide" | "action" | undefined;
}

/** A cell below `column`, which a narrow screen names before it. */
export function cellView({ name, kind = "words" }: Column, content: HtmlValue): Html {
  return markup`<td role="cell" data-label="${name}" class="${kind}"><span>${content}</span></td>
`;
}

/** A cell with nothing in it, which a narrow screen leaves out. */
export function emptyCell({ kind = "words" }: Column): Html {
  return markup`<td role="cell" class="${kind}"></td>
`;
}

/** A row: what it is of, then its cells. The script finds it again by `key`. */
export function rowView(key: string, name: Html, cells: readonly Html[]): Html {
  return markup`<tr role="row" data-key="${key}">
<th role="rowheader" scope="row">${name}</th>
${cells}</tr>`;
}

function columnHead({ name, kind = "words" }: Column): Html {
  return markup`<th role="columnheader" scope="col" class="${kind}">${name}</th>`;
}

/**
 * A table. Its roles are written out, since style sheets that make cards of rows take them away.
 */
export function tableView(
  caption: string,
  columns: readonly Column[],
  rows: readonly Html[],
): Html {
  return markup`<table role="table">
<caption>${caption}</caption>
<thead role="rowgroup"><tr role="row">${columns.map(columnHead)}</tr></thead>
<tbody role="rowgroup">${rows}</tbody>
</table>
`;
}
