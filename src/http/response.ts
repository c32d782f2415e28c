const firstAllocation = 65_536;
const empty: Uint8Array = new Uint8Array(0);

/**
 * A response body under a cap. A body that comes in one piece is kept as it came, without a copy; one in several
 * pieces is gathered in a buffer that starts at the announced length, but never above 64 KiB: what a device announces
 * is no reason to allocate, what it sends is.
 */
export class ReplyBody {
  readonly #cap: number;
  readonly #announced: number;
  #bytes: Uint8Array = empty;
  #length = 0;

  /** `announced` is the Content-Length; anything but a count when there was none. */
  constructor(cap: number, announced: number) {
    this.#cap = cap;
    this.#announced = announced >= 0 ? announced : -1;
  }

  /** False: the cap is exceeded, and the piece was not kept. */
  push(piece: Uint8Array): boolean {
    const needed = this.#length + piece.length;
    if (needed > this.#cap) return false;
    if (this.#length === 0 && (this.#announced === piece.length || this.#announced < 0)) {
      this.#bytes = piece;
    } else {
      if (needed > this.#bytes.length) this.#grow(needed);
      this.#bytes.set(piece, this.#length);
    }
    this.#length = needed;
    return true;
  }

  finish(): Uint8Array {
    return this.#length === this.#bytes.length ? this.#bytes : this.#bytes.subarray(0, this.#length);
  }

  #grow(needed: number): void {
    const likely = Math.max(this.#bytes.length * 2, Math.min(this.#announced, firstAllocation));
    const larger = new Uint8Array(Math.min(this.#cap, Math.max(needed, likely)));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}
