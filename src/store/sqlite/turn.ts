/** Milliseconds of reads without a pause after which the event loop has its turn. */
const longest = 8;

/**
 * A read answers in the very turn it is asked in. Callers who never wait for anything but the next read would keep all
 * timers and sockets waiting until they are done; this lets the event loop have a turn in between.
 */
export class Turn {
  #began = 0;
  #next: Promise<void> | undefined;

  /** The turn to wait for before one reads, when this one has taken long. */
  over(): Promise<void> | undefined {
    if (this.#began === 0) {
      this.#began = performance.now();
      setImmediate(() => {
        this.#began = 0;
      });
      return undefined;
    }
    if (performance.now() - this.#began < longest) return undefined;
    this.#next ??= this.#wait();
    return this.#next;
  }

  #wait(): Promise<void> {
    return new Promise((resolve) =>
      setImmediate(() => {
        this.#next = undefined;
        resolve();
      }),
    );
  }
}
