/** The nth device's address. Every 127.x.y.z is this machine (RFC 1122 §3.2.1.3), so each is an origin of its own. */
export function host(index: number): string {
  const n = index + 1;
  return `127.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`;
}

export function origins(count: number, port: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `http://${host(index)}:${port}`);
}

/**
 * Keeps `limit` operations in flight until `ops` have ended. Callbacks, not promises, so that a peer which needs no
 * promise does not pay for one.
 */
export function pump(
  limit: number,
  ops: number,
  start: (index: number, done: (error?: unknown) => void) => void,
): Promise<undefined> {
  return new Promise((resolve, reject) => {
    let started = 0;
    let ended = 0;
    const next = (): void => {
      if (started < ops) start(started++, done);
    };
    const done = (error?: unknown): void => {
      ended++;
      if (error !== undefined) reject(error);
      else if (ended === ops) resolve(undefined);
      else next();
    };
    for (let i = Math.min(limit, ops); i > 0; i--) next();
  });
}

/** The same for peers whose operations are promises. */
export function pumpPromises(
  limit: number,
  ops: number,
  start: (index: number) => Promise<unknown>,
): Promise<undefined> {
  return pump(limit, ops, (index, done) => {
    start(index).then(
      () => done(),
      (error: unknown) => done(error ?? new Error("failed")),
    );
  });
}

/** Picks round robin: `pick(list, 7)` of three is the second. */
export function pick<T>(list: readonly T[], index: number): T {
  const item = list[index % list.length];
  if (item === undefined) throw new Error("An empty list cannot be picked from.");
  return item;
}

const pattern = 2 ** 20;

/** Bytes that do not compress, the same ones each time; a mebibyte of them, repeated. */
export function noise(length: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(length);
  let x = 0x9e3779b9;
  for (let i = 0; i < Math.min(length, pattern); i++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    bytes[i] = x;
  }
  for (let filled = pattern; filled < length; filled *= 2)
    bytes.copyWithin(filled, 0, Math.min(filled, length - filled));
  return bytes;
}

/** The request every peer sends is the one that `client.push` sends: no peer wins by saying less. */
export const pushHeaders: readonly string[] = Object.freeze([
  "content-type",
  "application/octet-stream",
  "x-device-id",
  "device-000001",
  "repr-digest",
  "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:",
]);

export const pushHeaderRecord: Readonly<Record<string, string>> = Object.freeze(
  Object.fromEntries(
    Array.from({ length: pushHeaders.length / 2 }, (_, i) => [pushHeaders[2 * i], pushHeaders[2 * i + 1]]),
  ),
);

/** The same with the length stated, for bodies that do not tell it themselves. */
export function withLength(bytes: number): readonly string[] {
  return Object.freeze([...pushHeaders, "content-length", String(bytes)]);
}

/** Makes the nth item when it is first asked for, and keeps it. */
export class Lazy<T> {
  readonly #items: (T | undefined)[];
  readonly #make: (index: number) => T;

  constructor(count: number, make: (index: number) => T) {
    this.#items = new Array<T | undefined>(count).fill(undefined);
    this.#make = make;
  }

  /** Round robin: of three, 7 is the second. */
  at(index: number): T {
    const place = index % this.#items.length;
    const known = this.#items[place];
    if (known !== undefined) return known;
    const made = this.#make(place);
    this.#items[place] = made;
    return made;
  }

  made(): readonly T[] {
    return this.#items.filter((item) => item !== undefined);
  }
}
