/**
 * One direction of a TCP connection: bytes from a source to a sink, with back-pressure.
 *
 * What the sink does not take waits here, and the source is paused until it is gone. Bun delivers
 * at most 512 KiB in one piece, so that is what may wait for one direction (and once more if a
 * reset makes a paused source deliver what it had).
 *
 * @module
 */

/** What a lane does to the two sockets; Bun's sockets fit. */
export interface LaneSocket {
  /** @returns Bytes taken by the kernel; -1 if the socket is closed. */
  write(bytes: Uint8Array): number;
  shutdown(): void;
  pause(): void;
  resume(): void;
}

/** Moves bytes one way. */
export class Lane {
  #source: LaneSocket | undefined;
  #sink: LaneSocket | undefined;
  readonly #waiting: Uint8Array[] = [];
  #isSourceEnded = false;
  #isSinkShut = false;

  /** The source has sent its last byte. */
  get isSourceEnded(): boolean {
    return this.#isSourceEnded;
  }

  /** Every byte and the end of the stream have been handed to the sink. */
  get isDone(): boolean {
    return this.#isSinkShut;
  }

  /** Sets where bytes come from. It stays as it is, paused or not, until the lane has a sink. */
  attachSource(source: LaneSocket): void {
    this.#source = source;
  }

  /** Sets where bytes go; hands over what waits and lets the source go on. */
  attachSink(sink: LaneSocket): void {
    this.#sink = sink;
    this.flush();
  }

  /** Bytes that go before all others. Only before there is a sink. */
  prepend(bytes: Uint8Array): void {
    this.#waiting.unshift(bytes);
  }

  /** Takes bytes of the source; they are copied if they have to wait. */
  push(bytes: Uint8Array): void {
    if (this.#sink === undefined || this.#waiting.length > 0) {
      this.#waiting.push(bytes.slice());
      this.#source?.pause();
      return;
    }
    const taken = Math.max(0, this.#sink.write(bytes));
    if (taken === bytes.length) return;
    this.#waiting.push(bytes.slice(taken));
    this.#source?.pause();
  }

  /** The sink can take bytes again. */
  flush(): void {
    const sink = this.#sink;
    if (sink === undefined) return;
    for (;;) {
      const next = this.#waiting[0];
      if (next === undefined) break;
      const taken = Math.max(0, sink.write(next));
      if (taken < next.length) {
        this.#waiting[0] = next.subarray(taken);
        this.#source?.pause();
        return;
      }
      this.#waiting.shift();
    }
    if (this.#isSourceEnded) this.#shut(sink);
    else this.#source?.resume();
  }

  /** The source has sent its last byte; the sink hears of it when it has all of them. */
  end(): void {
    this.#isSourceEnded = true;
    if (this.#sink !== undefined && this.#waiting.length === 0) this.#shut(this.#sink);
  }

  #shut(sink: LaneSocket): void {
    if (this.#isSinkShut) return;
    this.#isSinkShut = true;
    sink.shutdown();
  }
}
