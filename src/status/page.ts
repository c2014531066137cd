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

function page(title: string, main: Html): string {
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
</header>
<p id="link" class="notice bad" role="alert" hidden>The director does not answer; trying again.
What you see is old.</p>
${main}
<script>${trusted(pageScript)}</script>
</body>
</html>
`.text;
}

/** The page with what is known at the moment. */
export function renderPage(snapshot: Snapshot): string {
  return page(`${headline(snapshot)} – appliance`, markup`<main>${snapshotView(snapshot)}</main>`);
}

/** The page without any data, which asks for the token and then fetches the other one. */
export function renderLockedPage(message: string): string {
  const main = markup`<main data-locked>
<form>
<p><label for="token">${message}. Read token:</label></p>
<p><input id="token" type="password" autocomplete="off" required> <button>Show</button></p>
</form>
</main>`;
  return page("Token needed – appliance", main);
}
