import type { Place } from "./matrix.ts";

/** Cells that devices of a protocol cannot show, and why. Whoever shows one all the same is not to stand here. */
export interface Unable {
  readonly adapters: readonly string[];
  readonly places: readonly Place[];
  readonly because: string;
}

export const unable: readonly Unable[] = [
  {
    adapters: ["esphome"],
    places: ["reports another device × verify"],
    because: "what a sensor of its web API answers holds the version and nothing that names the device",
  },
];
