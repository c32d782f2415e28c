import { closeSync, openSync, readSync, rmSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { setImmediate as turn } from "node:timers/promises";
import type { Place } from "./matrix.ts";

/** Of an image that is spoilt while it leaves: its second half lies beyond what is read ahead and what kernels hold. */
export const sourceBytes = 16_000_000;
const half = sourceBytes / 2;

/** How an artifact's file is spoilt: before anything left, or once some of it has. */
export interface Spoil {
  readonly place: Place;
  readonly name: string;
  readonly when: "before" | "midway";
  readonly spoil: (path: string) => void;
}

const before = (name: string, spoil: Spoil["spoil"]): Spoil => ({
  ...{ place: "local read error / digest mismatch × headers/0 %", name, when: "before", spoil },
});
const midway = (name: string, spoil: Spoil["spoil"]): Spoil => ({
  ...{ place: "local read error / digest mismatch × 50 %", name, when: "midway", spoil },
});

export const spoils: readonly Spoil[] = [
  before("the first byte changed", (path) => flip(path, 0)),
  before("a byte in the middle changed", (path) => flip(path, half)),
  before("the file was cut to nothing", (path) => truncateSync(path, 0)),
  before("the file was cut in half", (path) => truncateSync(path, half)),
  before("the file grew", (path) => writeFileSync(path, "x", { flag: "a" })),
  before("the file is gone", (path) => rmSync(path)),
  midway("a byte in the middle changed meanwhile", (path) => flip(path, half)),
  midway("the file was cut in half meanwhile", (path) => truncateSync(path, half)),
];

function flip(path: string, at: number): void {
  const file = openSync(path, "r+");
  const byte = Buffer.alloc(1);
  readSync(file, byte, 0, 1, at);
  writeSync(file, Buffer.from([(byte[0] ?? 0) ^ 1]), 0, 1, at);
  closeSync(file);
}

/**
 * Spoils in the turn of the loop in which the device is seen to have some of it: what is then still to be read is more
 * than what can be on its way.
 * @param arrived bytes that the device has
 */
export async function spoilMidway(
  { spoil }: Spoil,
  path: string,
  arrived: () => number,
  over: AbortSignal,
): Promise<void> {
  while (arrived() === 0) {
    if (over.aborted) return;
    await turn();
  }
  spoil(path);
}
