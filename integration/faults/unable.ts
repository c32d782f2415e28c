import { matrix, type Place } from "./matrix.ts";

/** Cells that devices of a protocol cannot show, and why. Whoever shows one all the same is not to stand here. */
export interface Unable {
  readonly adapters: readonly string[];
  readonly places: readonly Place[];
  readonly because: string;
}

const amongBytes = [...matrix.keys()].filter((place) => /× (headers|50)/.test(place));

export const unable: readonly Unable[] = [
  {
    adapters: ["redfish by SimpleUpdate", "shelly-gen1", "shelly-gen2"],
    places: amongBytes.filter((place) => !/^(timeout|RST|local)/.test(place)),
    because: "it fetches the bytes, so that it answers nothing among them; its order is one piece, and is all there",
  },
  {
    adapters: ["esphome", "tasmota", "axis", "elegant-ota"],
    places: ["reports another device × verify"],
    because: "what it answers to a read holds its version and nothing that names it",
  },
];
