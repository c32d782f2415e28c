/** Which bytes of `[0, length)` have been seen at least once. */
export class Coverage {
  readonly #length: number;
  /** Apart from each other, in order. */
  #parts: readonly (readonly [start: number, end: number])[] = [];
  #bytes = 0;

  constructor(length: number) {
    this.#length = length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get complete(): boolean {
    return this.#bytes === this.#length;
  }

  add(start: number, end: number): void {
    if (start >= end) return;
    let [from, to] = [start, end];
    const apart: (readonly [number, number])[] = [];
    for (const part of this.#parts) {
      if (part[1] < from || part[0] > to) apart.push(part);
      else [from, to] = [Math.min(from, part[0]), Math.max(to, part[1])];
    }
    this.#parts = [...apart, [from, to] as const].sort((a, b) => a[0] - b[0]);
    this.#bytes = this.#parts.reduce((sum, part) => sum + part[1] - part[0], 0);
  }
}
