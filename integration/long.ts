// What a suite that exists in two sizes needs: a tenth of it in `npm test`, the whole in `npm run torture`.
import { appendFileSync } from "node:fs";
import { beforeEach, onTestFailed } from "vitest";
import type { SuiteName } from "./long-suites.ts";

export const isLong: boolean = process.env["FLASHWAVE_LONG"] === "1";

/** `ci` in `npm test`, `long` in the long run: a count, a size or a time limit. */
export function scale<T>(ci: T, long: T): T {
  return isLong ? long : ci;
}

/** What everything random starts from: fixed, so that `npm test` is the same each time, unless `FLASHWAVE_SEED` says another. */
export const seed: number = seedFrom(process.env["FLASHWAVE_SEED"]);

/**
 * Numbers in [0, 1) that are the same in each run of the same seed.
 * @param stream numbers of different names are independent of each other
 */
export function seededRandom(stream: string): () => number {
  let state = seed;
  for (const unit of stream) state = Math.imul(state ^ unit.charCodeAt(0), 0x9e3779b1) >>> 0;
  // mulberry32: small, and good enough to choose test inputs.
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Tells what a long run counted, for the table in SECURITY.md; in `npm test` it does nothing. Figures of one suite under
 * one name are added up, whichever test file tells them, but for one that begins with "longest": the greatest stays.
 * Name another peak after what it is the peak of.
 */
export function figure(suite: SuiteName, figures: Readonly<Record<string, number>>): void {
  const file = process.env["FLASHWAVE_FIGURES"];
  if (!isLong || file === undefined) return;
  // One short write per call: lines of test files that run at the same time do not mix.
  appendFileSync(file, `${JSON.stringify({ suite, figures })}\n`);
}

function seedFrom(text = "20261130"): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0 || value >= 2 ** 32)
    throw new Error(`FLASHWAVE_SEED is a whole number below 2^32, not "${text}".`);
  return value;
}

// Whoever imports this is told how to see a failure again.
beforeEach(() => {
  onTestFailed(() => console.error(`Seen with FLASHWAVE_SEED=${seed}${isLong ? " FLASHWAVE_LONG=1" : ""}`));
});
