/**
 * Hands out one object for equal values, so that whoever compiles a profile once per object compiles it once for all
 * devices that have it. Holds values weakly: what nobody has any more is forgotten.
 */
export class Sharing<T extends object> {
  readonly #known = new Map<string, WeakRef<T>>();
  #sweepAt = 1_024;

  /** @param value frozen plain JSON with its members in a canonical order */
  share(value: T): T {
    const key = JSON.stringify(value);
    const known = this.#known.get(key)?.deref();
    if (known !== undefined) return known;
    if (this.#known.size >= this.#sweepAt) this.#sweep();
    this.#known.set(key, new WeakRef(value));
    return value;
  }

  #sweep(): void {
    for (const [key, reference] of this.#known) {
      if (reference.deref() === undefined) this.#known.delete(key);
    }
    this.#sweepAt = Math.max(1_024, 2 * this.#known.size);
  }
}
