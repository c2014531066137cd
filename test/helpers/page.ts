/**
 * Pages fetched as a browser would, but with a connection of their own each.
 *
 * @module
 */

/** How long one page may take; only a failing test waits that long. */
const pageTimeoutMs = 10_000;

/** Text of the page of a 200 answer. @throws {Error} for any other answer. */
export async function fetchPage(url: string): Promise<string> {
  const signal = AbortSignal.timeout(pageTimeoutMs);
  const answer = await fetch(url, { keepalive: false, signal });
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`${url}: ${answer.status} ${text}`);
  return text.trim();
}

/** How often each page came in `count` fetches, one after the other. */
export async function countPages(url: string, count: number): Promise<Record<string, number>> {
  const pages: Record<string, number> = {};
  for (let index = 0; index < count; index++) {
    const page = await fetchPage(url);
    pages[page] = (pages[page] ?? 0) + 1;
  }
  return pages;
}

/** The page, or undefined if nobody serves it. */
export async function tryPage(url: string): Promise<string | undefined> {
  try {
    return await fetchPage(url);
  } catch {
    return undefined;
  }
}
