/**
 * A real server whose behaviour the test switches while others check it: HTTP, and lines of text.
 *
 * @module
 */

import type { Certificate } from "../certificates.ts";

/**
 * What it does from now on. A number: every page has that status. `wrong`: pages and lines say
 * something else. `hang`: it accepts and never answers. `refused`: nobody listens. `stumble`: it
 * fails the next two requests of each client program, then it is well.
 */
export type Behaviour = "ok" | "refused" | "hang" | "wrong" | "stumble" | 404 | 500;

/** What a server has to offer. */
export interface CheckServerOptions {
  readonly address: string;
  /** 0: one that is free. */
  readonly port: number;
  /** Text of each path, or of `host/path`; every other one is 404. Without it: one page for all. */
  readonly pages: Readonly<Record<string, string>> | undefined;
  /** Paths that lead to another one. */
  readonly redirects: Readonly<Record<string, string>>;
  /** It speaks first, and then says the same to every line, as a mail server that likes all. */
  readonly dialogue: Dialogue | undefined;
  /** It speaks TLS. */
  readonly tls: Pick<Certificate, "cert" | "key"> | undefined;
}

/** What a server of a line protocol says, without the ends of the lines. */
export interface Dialogue {
  readonly greeting: string;
  readonly reply: string;
  /** The greeting if it is `wrong`. */
  readonly refusal: string;
}

/** A running one; `[Symbol.dispose]` closes everything. */
export interface CheckServer extends Disposable {
  readonly address: string;
  readonly port: number;
  behave(behaviour: Behaviour): void;
}

/** Page and line of a server that is well. */
const wellText = "Test Page";

/** Requests of each client that `stumble` fails. */
const stumbles = 2;

interface Connection {
  text: string;
}

/** First line and the headers that count. */
interface Request {
  readonly method: string;
  readonly path: string;
  readonly host: string;
  readonly agent: string;
}

function parseRequest(text: string): Request | undefined {
  const [, method, path] = /^(GET|HEAD) (\S+) HTTP/.exec(text) ?? [];
  if (method === undefined || path === undefined) return undefined;
  const header = (name: string): string =>
    new RegExp(`^${name}: *([^\r\n]*)`, "im").exec(text)?.[1] ?? "";
  return { method, path, host: header("host"), agent: header("user-agent") };
}

class Server implements CheckServer {
  readonly #options: CheckServerOptions;
  #behaviour: Behaviour = "ok";
  /** Requests left to fail, by client program. */
  #stumblesLeft = new Map<string, number>();
  #listener: Bun.TCPSocketListener<Connection> | undefined;
  readonly address: string;
  readonly port: number;

  constructor(options: CheckServerOptions) {
    this.#options = options;
    this.address = options.address;
    this.#listener = this.#listen(options.port);
    this.port = this.#listener.port;
  }

  behave(behaviour: Behaviour): void {
    this.#behaviour = behaviour;
    this.#stumblesLeft = new Map();
    if (behaviour === "refused") this.#close();
    else this.#listener ??= this.#listen(this.port);
  }

  [Symbol.dispose](): void {
    this.#close();
  }

  #close(): void {
    this.#listener?.stop(true);
    this.#listener = undefined;
  }

  #listen(port: number): Bun.TCPSocketListener<Connection> {
    return Bun.listen<Connection>({
      hostname: this.address,
      port,
      ...(this.#options.tls && { tls: this.#options.tls }),
      socket: {
        open: (socket) => {
          socket.data = { text: "" };
          const { dialogue } = this.#options;
          if (dialogue === undefined || this.#behaviour === "hang") return;
          const isWell = this.#behaviour === "ok";
          socket.write(`${isWell ? dialogue.greeting : dialogue.refusal}\r\n`);
        },
        data: (socket, bytes) => {
          socket.data.text += bytes.toString("latin1");
          const { dialogue } = this.#options;
          if (dialogue !== undefined) return this.#talk(socket, dialogue);
          const answer = this.#answer(socket.data.text);
          if (answer !== undefined) socket.end(answer);
        },
      },
    });
  }

  #talk(socket: Bun.Socket<Connection>, { reply }: Dialogue): void {
    if (this.#behaviour === "hang") return;
    const lines = socket.data.text.split("\n");
    socket.data.text = lines.pop()!;
    socket.write(`${reply}\r\n`.repeat(lines.length));
  }

  /** Undefined: nothing yet, or ever. */
  #answer(text: string): string | undefined {
    if (this.#behaviour === "hang") return undefined;
    const isHttp = /^(?:GET|HEAD) /.test(text);
    if (!isHttp) {
      if (!text.includes("\n")) return undefined;
      return this.#behaviour === "ok" ? `${wellText}\n` : "another line\n";
    }
    if (!text.includes("\r\n\r\n")) return undefined;
    const request = parseRequest(text);
    return request === undefined ? undefined : this.#page(request);
  }

  #page({ method, path, host, agent }: Request): string {
    const location = this.#options.redirects[path];
    const page = this.#find(path, host);
    const status = this.#status(agent) ?? (location ? 302 : page === undefined ? 404 : 200);
    const body = this.#behaviour === "wrong" ? "something else" : (page ?? "no such page");
    const lines = [
      `HTTP/1.1 ${status} Status`,
      `Content-Length: ${body.length}`,
      "Connection: close",
      ...(location === undefined ? [] : [`Location: ${location}`]),
    ];
    return `${lines.join("\r\n")}\r\n\r\n${method === "HEAD" ? "" : body}`;
  }

  #find(path: string, host: string): string | undefined {
    const { pages } = this.#options;
    return pages === undefined ? wellText : (pages[path] ?? pages[host + path]);
  }

  /** Status whatever the page is. */
  #status(agent: string): number | undefined {
    if (typeof this.#behaviour === "number") return this.#behaviour;
    if (this.#behaviour !== "stumble") return undefined;
    const left = this.#stumblesLeft.get(agent) ?? stumbles;
    this.#stumblesLeft.set(agent, left - 1);
    return left > 0 ? 500 : undefined;
  }
}

/** Starts a server that is well. */
export function startCheckServer(options: CheckServerOptions): CheckServer {
  return new Server(options);
}
