import { hash } from "node:crypto";
import type { Context, Runner } from "../types.ts";
import { noise } from "./shared.ts";

const blockLength = 262_144;

/** Nothing is sent: the same bytes are hashed in blocks of 256 KiB. The most that a checked source can reach. */
export function prepare({ parameters }: Context): Runner {
  const bytes = parameters.bytes ?? 0;
  // Memory that is in no cache, as a file's would be, but not more of it than a small machine has.
  const source = noise(Math.min(bytes, 64 * 2 ** 20));
  return {
    run: async (ops) => {
      for (let i = 0; i < ops; i++) {
        for (let at = 0; at < bytes; at += blockLength) {
          const from = at % source.length;
          hash("sha256", source.subarray(from, Math.min(from + blockLength, source.length)), "buffer");
        }
      }
      return undefined;
    },
    close: () => undefined,
  };
}
