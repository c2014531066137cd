/**
 * Descriptors with their generations, to be looked at again soon: a list that makes no garbage.
 *
 * A worker never yields to its event loop, and what it throws away in its hot loop piles up until
 * the collector finds it worth while: arrays made anew for each batch cost 30 bytes a connection.
 *
 * @module
 */

const entriesAtFirst = 1024;

/** A growing list of pairs; one thread. */
export class DescriptorList {
  #words = new Int32Array(entriesAtFirst * 2);
  #count = 0;

  /** Entries now. */
  get count(): number {
    return this.#count;
  }

  /** Adds a descriptor. It grows to what was once needed at a time and stays so. */
  push(fd: number, generation: number): void {
    if (this.#count * 2 === this.#words.length) {
      const words = new Int32Array(this.#words.length * 2);
      words.set(this.#words);
      this.#words = words;
    }
    this.#words[this.#count * 2] = fd;
    this.#words[this.#count * 2 + 1] = generation;
    this.#count += 1;
  }

  /**
   * Calls `keep` for each entry that is there now and drops those it returns false for. Entries
   * pushed meanwhile stay and are not visited.
   */
  filter(keep: (fd: number, generation: number) => boolean): void {
    const end = this.#count;
    let kept = 0;
    for (let index = 0; index < end; index++) {
      const fd = this.#words[index * 2]!;
      const generation = this.#words[index * 2 + 1]!;
      if (!keep(fd, generation)) continue;
      this.#words[kept * 2] = fd;
      this.#words[kept * 2 + 1] = generation;
      kept += 1;
    }
    this.#words.copyWithin(kept * 2, end * 2, this.#count * 2);
    this.#count -= end - kept;
  }
}
