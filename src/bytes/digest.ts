import { createHash, hash } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import type { HashAlgorithm, Segment } from "../core/payload.ts";

/** How many blocks are hashed before other work gets a turn: 4 MiB, about 2 ms of SHA-256. */
export const blocksPerTurn = 16;

/** A digest of a segment, lower-case hexadecimal. Long ones let other work have its turn. */
export async function digestOf(algorithm: HashAlgorithm, segment: Segment | Iterable<Uint8Array>): Promise<string> {
  if (segment instanceof Uint8Array) return hash(algorithm, segment, "hex");
  const running = createHash(algorithm);
  let blocks = 0;
  for await (const block of segment) {
    running.update(block);
    if (++blocks % blocksPerTurn === 0) await setImmediate();
  }
  return running.digest("hex");
}
