import type { Phase } from "../core/errors.ts";
import type { Segment } from "../core/payload.ts";
import { ringChunks } from "./block-ring.ts";
import { type BlockSource, changed } from "./block-source.ts";
import type { Fingerprint } from "./block-table.ts";
import type { BlockMemory } from "./buffer-pool.ts";
import type { Lifetime } from "./lifetime.ts";
import { type Blocks, residentSlice } from "./resident.ts";

/** An artifact's bytes once opened: in memory, or elsewhere behind a block table. */
export interface Stored {
  readonly length: number;
  /** SHA-256, lower-case hexadecimal. */
  readonly digest: string;
  /** Bytes `[start, end)`, in range. Every pass belongs to `lifetime`; `phase` is for its errors. */
  slice(start: number, end: number, lifetime: Lifetime, phase: Phase): Segment;
}

export function storedInMemory(blocks: Blocks, length: number, digest: string): Stored {
  return {
    length,
    digest,
    slice: (start, end, lifetime, phase) => residentSlice(blocks, start, end, lifetime, phase),
  };
}

export function storedBehindTable(source: BlockSource, print: Fingerprint, pool: BlockMemory): Stored {
  return {
    length: print.length,
    digest: print.digest,
    slice(start, end, lifetime, phase) {
      if (start === end) return new Uint8Array();
      return ringChunks({
        source,
        pool,
        start,
        end,
        phase,
        enter: () => lifetime.enter(phase),
        inspect(index, block, bytesOut) {
          lifetime.check(phase, bytesOut);
          if (!print.table.check(index, block)) throw changed(`block ${index} holds other bytes`, phase, bytesOut);
        },
      });
    },
  };
}
