/**
 * The live page of `GET /`: one document without external assets, readable without its script.
 *
 * Its policy allows exactly its own style and script by their hashes. Pure but for the hashes,
 * which are made once.
 *
 * @module
 */

import { createHash } from "node:crypto";

import { markup, trusted } from "./html.ts";
import type { Html } from "./html.ts";
import { pageScript } from "./page-script.ts";
import { pageStyle } from "./page-style.ts";
import { headline, snapshotView } from "./page-view.ts";
import type { Snapshot } from "./source.ts";

function hashSource(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}

/** Content-Security-Policy of the page. */
export const pagePolicy = [
  "default-src 'none'",
  `script-src ${hashSource(pageScript)}`,
  `style-src ${hashSource(pageStyle)}`,
  "img-src data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** An empty image: browsers ask for /favicon.ico otherwise. */
const icon = "data:,";

/** Where a person gives the write token; the script shows it. */
const accessView = markup`<details id="access" hidden>
<summary>Change servers</summary>
<form id="allow">
<p><label for="write-token">Write token, kept in the memory of this page only:</label></p>
<p><input id="write-token" type="password" autocomplete="off" required>
<button>Allow changes</button></p>
</form>
<p id="allowed" hidden>Each real server has a button now.
<button type="button" id="forget">Forget the token</button></p>
</details>
`;

/** What the page may offer. */
export interface PageOptions {
  /** A write token is configured, so that the page may ask for it. @default false */
  readonly isChangeable?: boolean | undefined;
}

function page(title: string, main: Html, { isChangeable = false }: PageOptions): string {
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="icon" href="${icon}">
<style>${trusted(pageStyle)}</style>
</head>
<body>
<header>
<h1>appliance</h1>
<input id="filter" type="search" hidden placeholder="Filter" aria-label="Filter real servers">
${isChangeable ? accessView : undefined}</header>
<p id="link" class="notice bad" role="alert" hidden>The director does not answer; trying again.
What you see is old.</p>
<p id="told" class="notice" role="status"></p>
${main}
<script>${trusted(pageScript)}</script>
</body>
</html>
`.text;
}

/** The page with what is known at the moment. */
export function renderPage(snapshot: Snapshot, options: PageOptions = {}): string {
  const main = markup`<main>${snapshotView(snapshot, options.isChangeable ?? false)}</main>`;
  return page(`${headline(snapshot)} – appliance`, main, options);
}

/** The page without any data, which asks for the token and then fetches the other one. */
export function renderLockedPage(message: string, options: PageOptions = {}): string {
  const main = markup`<main data-locked>
<form>
<p><label for="token">${message}. Read token:</label></p>
<p><input id="token" type="password" autocomplete="off" required> <button>Show</button></p>
</form>
</main>`;
  return page("Token needed – appliance", main, options);
}
