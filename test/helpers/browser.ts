/**
 * A real browser, Debian's Chromium without a window, driven by its DevTools protocol: pages are
 * opened, read, clicked, typed into and photographed as a person's would be.
 *
 * @module
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { startProcess } from "./process.ts";
import { createTempFolder } from "./temp-folder.ts";
import { waitFor } from "./wait.ts";
import type { WaitOptions } from "./wait.ts";

/** A browser's start takes seconds on a busy machine. */
const startTimeoutMs = 60_000;

/** Nothing but the pages of the test: no sandbox for root, no traffic of its own. */
const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--disable-dev-shm-usage",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--remote-debugging-port=0",
] as const;

/** Window of a page, and the colours that its reader prefers. */
export interface PageLook {
  readonly width: number;
  readonly height: number;
  /** @default false */
  readonly isDark?: boolean;
}

/**
 * A page in a tab of its own; `await using` closes it. Tabs share the few connections that a browser
 * makes to one host, and each live page holds one.
 */
export interface BrowserPage extends AsyncDisposable {
  /** Value of an expression in the page; it must be JSON. A promise is awaited. */
  evaluate<Value>(expression: string): Promise<Value>;
  /** Waits until the expression is true in the page. */
  waitUntil(expression: string, options: WaitOptions): Promise<void>;
  look(look: PageLook): Promise<void>;
  /** Clicks in the middle of what the selector finds, after scrolling there. */
  click(selector: string): Promise<void>;
  /** Types into what has the focus. */
  type(text: string): Promise<void>;
  /** Presses and releases a key, for example `Tab` or `Enter`. */
  press(key: "Tab" | "Enter"): Promise<void>;
  /** Role and name of all that a screen reader tells, in order. */
  readAloud(): Promise<readonly string[]>;
  /** Writes a PNG of the window, or of all of the page. */
  photograph(path: string, isWhole?: boolean): Promise<void>;
  /** Errors of the console, exceptions and failed requests so far. */
  problems(): readonly string[];
  /** Questions that the page asked by `confirm`; all are answered with yes. */
  questions(): readonly string[];
}

/** A running browser. `await using` ends it. */
export interface Browser extends AsyncDisposable {
  open(url: string, look: PageLook): Promise<BrowserPage>;
}

interface Message {
  readonly id?: number;
  readonly sessionId?: string;
  readonly method?: string;
  // Parameters and results of the protocol are what its documentation says they are.
  // oxlint-disable-next-line no-explicit-any
  readonly params?: any;
  // oxlint-disable-next-line no-explicit-any
  readonly result?: any;
  readonly error?: { readonly message: string };
}

interface Connection {
  send(method: string, params: object, sessionId?: string): Promise<Message["result"]>;
  listen(sessionId: string, listener: (message: Message) => void): void;
  close(): void;
}

async function connect(url: string): Promise<Connection> {
  const socket = new WebSocket(url);
  const answers = new Map<number, PromiseWithResolvers<Message["result"]>>();
  const listeners = new Map<string, (message: Message) => void>();
  let lastId = 0;
  const { promise: opened, resolve, reject } = Promise.withResolvers<void>();
  socket.addEventListener("open", () => resolve());
  socket.addEventListener("close", () => {
    reject(new Error("the browser closed the connection"));
    for (const answer of answers.values()) answer.reject(new Error("the browser ended"));
  });
  socket.addEventListener("message", ({ data }) => {
    const message = JSON.parse(String(data)) as Message;
    if (message.id === undefined) {
      listeners.get(message.sessionId ?? "")?.(message);
      return;
    }
    const answer = answers.get(message.id);
    answers.delete(message.id);
    if (message.error === undefined) answer?.resolve(message.result);
    else answer?.reject(new Error(message.error.message));
  });
  await opened;
  return {
    send(method, params, sessionId) {
      const answer = Promise.withResolvers<Message["result"]>();
      lastId += 1;
      answers.set(lastId, answer);
      socket.send(JSON.stringify({ id: lastId, method, params, sessionId }));
      return answer.promise;
    },
    listen: (sessionId, listener) => void listeners.set(sessionId, listener),
    close: () => socket.close(),
  };
}

type Send = (method: string, params?: object) => Promise<Message["result"]>;

/** What a page tells by itself. */
interface Notes {
  readonly problems: string[];
  readonly questions: string[];
}

function note(message: Message, send: Send, notes: Notes): void {
  const { method, params } = message;
  if (method === "Runtime.exceptionThrown") {
    const { text, exception } = params.exceptionDetails;
    notes.problems.push(`${text} ${exception?.description ?? ""}`);
  } else if (method === "Runtime.consoleAPICalled" && params.type === "error") {
    notes.problems.push(JSON.stringify(params.args));
  } else if (method === "Log.entryAdded" && params.entry.level === "error") {
    notes.problems.push(`${params.entry.text} ${params.entry.url ?? ""}`);
  } else if (method === "Page.javascriptDialogOpening") {
    notes.questions.push(params.message);
    void send("Page.handleJavaScriptDialog", { accept: true });
  }
}

function createPage(send: Send, notes: Notes): BrowserPage {
  const evaluate = async <Value>(expression: string): Promise<Value> => {
    const { result, exceptionDetails } = await send("Runtime.evaluate", {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails !== undefined) {
      throw new Error(`${expression}: ${JSON.stringify(exceptionDetails)}`);
    }
    return result.value as Value;
  };
  const mouse = (type: string, x: number, y: number): Promise<unknown> =>
    send("Input.dispatchMouseEvent", { type, x, y, button: "left", clickCount: 1 });
  const keyCodes = { Tab: [9, ""], Enter: [13, "\r"] } as const;
  return {
    evaluate,
    async waitUntil(expression, options) {
      await waitFor(() => evaluate<boolean>(`Boolean(${expression})`), options);
    },
    async look({ width, height, isDark = false }) {
      const mobile = width < 600;
      await send("Emulation.setDeviceMetricsOverride", {
        width,
        height,
        deviceScaleFactor: 1,
        mobile,
      });
      const value = isDark ? "dark" : "light";
      await send("Emulation.setEmulatedMedia", {
        features: [{ name: "prefers-color-scheme", value }],
      });
    },
    async click(selector) {
      const [x, y] = await evaluate<[number, number]>(`(() => {
        const found = document.querySelector(${JSON.stringify(selector)});
        found.scrollIntoView({ block: "center" });
        const { x, y, width, height } = found.getBoundingClientRect();
        return [x + width / 2, y + height / 2];
      })()`);
      await mouse("mousePressed", x, y);
      await mouse("mouseReleased", x, y);
    },
    async type(text) {
      await send("Input.insertText", { text });
    },
    async press(key) {
      const [windowsVirtualKeyCode, text] = keyCodes[key];
      const common = { key, code: key, windowsVirtualKeyCode };
      await send("Input.dispatchKeyEvent", { type: "keyDown", text, ...common });
      await send("Input.dispatchKeyEvent", { type: "keyUp", ...common });
    },
    async readAloud() {
      const { nodes } = await send("Accessibility.getFullAXTree");
      return (nodes as { ignored: boolean; role: Spoken; name?: Spoken }[])
        .filter(({ ignored }) => !ignored)
        .map(({ role, name }) => `${role.value} ${name?.value ?? ""}`.trim());
    },
    async photograph(path, isWhole = true) {
      const { data } = await send("Page.captureScreenshot", { captureBeyondViewport: isWhole });
      writeFileSync(path, Buffer.from(data as string, "base64"));
    },
    problems: () => notes.problems,
    questions: () => notes.questions,
    async [Symbol.asyncDispose]() {
      await send("Page.close");
    },
  };
}

interface Spoken {
  readonly value: string;
}

async function openPage(connection: Connection, url: string, look: PageLook): Promise<BrowserPage> {
  const { targetId } = await connection.send("Target.createTarget", { url: "about:blank" });
  const { sessionId } = await connection.send("Target.attachToTarget", {
    targetId,
    flatten: true,
  });
  const send: Send = (method, params = {}) => connection.send(method, params, sessionId);
  const notes: Notes = { problems: [], questions: [] };
  connection.listen(sessionId, (message) => note(message, send, notes));
  for (const domain of ["Page", "Runtime", "Log", "Accessibility"]) await send(`${domain}.enable`);
  const page = createPage(send, notes);
  await page.look(look);
  await send("Page.bringToFront");
  await send("Page.navigate", { url });
  await page.waitUntil(`location.href !== "about:blank" && document.readyState === "complete"`, {
    what: url,
    timeoutMs: startTimeoutMs,
  });
  return page;
}

/** Starts a browser with a profile of its own. */
export async function startBrowser(): Promise<Browser> {
  const folder = createTempFolder();
  const child = startProcess(
    ["chromium", ...flags, `--user-data-dir=${join(folder.path, "profile")}`],
    { env: { HOME: folder.path } },
  );
  const end = async (): Promise<void> => {
    await child.stop();
    folder[Symbol.dispose]();
  };
  try {
    const pattern = /DevTools listening on (ws:\/\/\S+)/;
    const [, url] = await child.waitForOutput(pattern, startTimeoutMs);
    const connection = await connect(url!);
    return {
      open: (address, look) => openPage(connection, address, look),
      async [Symbol.asyncDispose]() {
        await connection.send("Browser.close", {}).catch(() => undefined);
        connection.close();
        await end();
      },
    };
  } catch (error) {
    await end();
    throw error;
  }
}
