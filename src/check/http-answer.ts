/**
 * Reads an HTTP/1.x answer (RFC 9112) as it arrives, as far as a check looks at it.
 *
 * Everything is bounded: the head at {@link headBytesMax}, the body at {@link bodyBytesMax}; no
 * byte beyond is kept. Pure: no clock, no socket. The bytes are untrusted: nothing is thrown.
 *
 * @module
 */

/** Longest head, interim answers included; a real one has some hundred bytes. */
export const headBytesMax = 32 * 1024;
/** How much of a body is looked at: no real server may fill the director's memory. */
export const bodyBytesMax = 64 * 1024;
/** Longest line that starts a chunk, with its extensions. */
const chunkLineBytesMax = 4 * 1024;

/**
 * `head`, `body`: more is wanted. `done`: the body is complete. `full`: it is longer than
 * {@link bodyBytesMax}. `bad`: `fault` says why this is no HTTP answer. `long`: the head exceeds
 * its bound.
 */
export type AnswerState = "head" | "body" | "done" | "full" | "bad" | "long";

type Framing = "chunk-line" | "chunk" | "chunk-end" | "length" | "close" | "none";

const lineFeed = 10;
const carriageReturn = 13;
const statusLineStart = new TextEncoder().encode("HTTP/");
const latin1 = new TextDecoder("latin1");

/** Status and what matters of the headers. */
interface Head {
  readonly status: number;
  readonly location: string | undefined;
  readonly framing: Framing;
  readonly lengthBytes: number;
}

type HeadParsed = Head | { readonly fault: string };

/** Values of a header by its lower-case name, in order. */
function headerValues(lines: readonly string[], name: string): readonly string[] {
  const prefix = `${name}:`;
  return lines
    .filter((line) => line.slice(0, prefix.length).toLowerCase() === prefix)
    .map((line) => line.slice(prefix.length).trim());
}

/** How the end of a body is found (RFC 9112, section 6.3). */
function parseFraming(
  lines: readonly string[],
): { framing: Framing; lengthBytes: number } | { fault: string } {
  const codings = headerValues(lines, "transfer-encoding").join(",").toLowerCase();
  if (/(?:^|,)\s*chunked\s*$/.test(codings)) return { framing: "chunk-line", lengthBytes: 0 };
  if (codings !== "") return { framing: "close", lengthBytes: 0 };
  const lengths = new Set(headerValues(lines, "content-length"));
  if (lengths.size === 0) return { framing: "close", lengthBytes: 0 };
  const [length] = lengths;
  // A length of 16 digits may be no exact number any more.
  if (lengths.size > 1 || !/^\d{1,15}$/.test(length!)) return { fault: "bad Content-Length" };
  return { framing: "length", lengthBytes: Number(length) };
}

/** Parses a head without its empty line. */
function parseHead(text: string, method: "GET" | "HEAD"): HeadParsed {
  const lines = text.split("\n").map((line) => (line.endsWith("\r") ? line.slice(0, -1) : line));
  const statusText = /^HTTP\/1\.\d (\d{3})(?: |$)/.exec(lines[0]!)?.[1];
  if (statusText === undefined) return { fault: `no HTTP status line: ${lines[0]!.slice(0, 60)}` };
  const status = Number(statusText);
  const location = headerValues(lines.slice(1), "location")[0];
  if (method === "HEAD" || status < 200 || status === 204 || status === 304) {
    return { status, location, framing: "none", lengthBytes: 0 };
  }
  const framing = parseFraming(lines.slice(1));
  return "fault" in framing ? framing : { status, location, ...framing };
}

/** An answer that grows with every {@link push}. */
export class HttpAnswer {
  state: AnswerState = "head";
  /** Set once the state is neither `head` nor `long`. */
  status = 0;
  location: string | undefined;
  /** Why the state is `bad`. */
  fault = "";
  readonly #method: "GET" | "HEAD";
  /** Head, then the line of a chunk: bytes of something that ends with a line feed. */
  #line = new Uint8Array(1024);
  #lineBytes = 0;
  #headBytes = 0;
  #body = new Uint8Array(0);
  #bodyBytes = 0;
  #framing: Framing = "close";
  /** Still to come of the body or of the chunk. */
  #leftBytes = 0;

  constructor(method: "GET" | "HEAD") {
    this.#method = method;
  }

  /** The body so far, valid until the next {@link push}. */
  get body(): Uint8Array {
    return this.#body.subarray(0, this.#bodyBytes);
  }

  get bodyBytes(): number {
    return this.#bodyBytes;
  }

  /** True as long as more bytes can change anything. */
  get isOpen(): boolean {
    return this.state === "head" || this.state === "body";
  }

  /** Takes bytes from the connection; those after the end of the answer are ignored. */
  push(bytes: Uint8Array): void {
    let offset = 0;
    while (this.isOpen && offset < bytes.length) {
      offset =
        this.state === "head" ? this.#pushHead(bytes, offset) : this.#pushBody(bytes, offset);
    }
  }

  /** Takes the end of the connection. @returns False if the answer is cut off by it. */
  end(): boolean {
    if (this.state === "body" && this.#framing === "close") this.state = "done";
    return !this.isOpen;
  }

  #fail(fault: string): void {
    this.state = "bad";
    this.fault = fault;
  }

  /** Appends `bytes[from..to]` to the line. */
  #keepLine(bytes: Uint8Array, from: number, to: number): void {
    const needed = this.#lineBytes + to - from;
    if (needed > this.#line.length) {
      const larger = new Uint8Array(Math.max(needed, this.#line.length * 2));
      larger.set(this.#line.subarray(0, this.#lineBytes));
      this.#line = larger;
    }
    this.#line.set(bytes.subarray(from, to), this.#lineBytes);
    this.#lineBytes = needed;
  }

  #takeLine(): string {
    const text = latin1.decode(this.#line.subarray(0, this.#lineBytes));
    this.#lineBytes = 0;
    return text;
  }

  /** Takes bytes up to the next line feed; the head is over with an empty line. */
  #pushHead(bytes: Uint8Array, offset: number): number {
    const feed = bytes.indexOf(lineFeed, offset);
    const end = Math.min(feed === -1 ? bytes.length : feed + 1, offset + headBytesMax + 1);
    this.#headBytes += end - offset;
    if (this.#headBytes > headBytesMax) this.state = "long";
    else {
      this.#keepLine(bytes, offset, end);
      if (feed !== -1 && (this.#isHeadComplete() || !this.#isHttp())) this.#onHead();
    }
    return end;
  }

  /** False for the greeting of another protocol, which may never send an empty line. */
  #isHttp(): boolean {
    return statusLineStart.every((byte, index) => this.#line[index] === byte);
  }

  /** True if the bytes kept end with an empty line. */
  #isHeadComplete(): boolean {
    let at = this.#lineBytes - 2;
    if (at >= 0 && this.#line[at] === carriageReturn) at -= 1;
    return at < 0 || this.#line[at] === lineFeed;
  }

  #onHead(): void {
    const head = parseHead(this.#takeLine().trimEnd(), this.#method);
    if ("fault" in head) return this.#fail(head.fault);
    // An interim answer; the real one follows. Its bytes count on, so there is no endless row.
    if (head.status >= 100 && head.status < 200 && head.status !== 101) return;
    this.status = head.status;
    this.location = head.location;
    this.#framing = head.framing;
    this.#leftBytes = head.lengthBytes;
    const isEmpty =
      head.framing === "none" || (head.framing === "length" && head.lengthBytes === 0);
    this.state = isEmpty ? "done" : "body";
  }

  #pushBody(bytes: Uint8Array, offset: number): number {
    switch (this.#framing) {
      case "chunk-line":
      case "chunk-end":
        return this.#pushChunkLine(bytes, offset);
      case "chunk":
      case "length": {
        const end = Math.min(bytes.length, offset + this.#leftBytes);
        this.#leftBytes -= end - offset;
        this.#keepBody(bytes, offset, end);
        if (this.#leftBytes === 0 && this.state === "body") this.#onPartEnd();
        return end;
      }
      case "close":
      case "none":
        this.#keepBody(bytes, offset, bytes.length);
        return bytes.length;
    }
  }

  #onPartEnd(): void {
    if (this.#framing === "length") this.state = "done";
    else this.#framing = "chunk-end";
  }

  /** Size of the next chunk, or the line end after a chunk (RFC 9112, section 7.1). */
  #pushChunkLine(bytes: Uint8Array, offset: number): number {
    const feed = bytes.indexOf(lineFeed, offset);
    const end = feed === -1 ? bytes.length : feed + 1;
    if (this.#lineBytes + end - offset > chunkLineBytesMax) {
      this.#fail("chunk line too long");
      return end;
    }
    this.#keepLine(bytes, offset, end);
    if (feed === -1) return end;
    const line = this.#takeLine().trim();
    if (this.#framing === "chunk-end") {
      if (line !== "") this.#fail("chunk longer than its size");
      this.#framing = "chunk-line";
      return end;
    }
    const size = /^([0-9a-f]{1,12})\s*(?:;|$)/i.exec(line)?.[1];
    if (size === undefined) this.#fail("bad chunk size");
    else if (Number.parseInt(size, 16) === 0) this.state = "done";
    else {
      this.#leftBytes = Number.parseInt(size, 16);
      this.#framing = "chunk";
    }
    return end;
  }

  #keepBody(bytes: Uint8Array, from: number, to: number): void {
    const taken = Math.min(to - from, bodyBytesMax - this.#bodyBytes);
    const needed = this.#bodyBytes + taken;
    if (needed > this.#body.length) {
      const larger = new Uint8Array(Math.min(bodyBytesMax, Math.max(needed, this.#bodyBytes * 2)));
      larger.set(this.body);
      this.#body = larger;
    }
    this.#body.set(bytes.subarray(from, from + taken), this.#bodyBytes);
    this.#bodyBytes = needed;
    if (taken < to - from) this.state = "full";
  }
}
