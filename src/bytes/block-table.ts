import { createHash, hash } from "node:crypto";

/** Bytes per block: what is checked before it leaves. 32 bytes of table per block are 128 KiB per GiB. */
export const blockSize = 262_144;

const digestSize = 32;

/** One SHA-256 per block of an artifact. Immutable. */
export interface BlockTable {
  /** Number of blocks; the last may be short. */
  readonly blocks: number;
  /** Whether `bytes`, the whole block `index`, are what they were when the table was made. */
  check(index: number, bytes: Uint8Array): boolean;
}

/** What one pass over an artifact's bytes leaves behind. */
export interface Fingerprint {
  readonly length: number;
  /** SHA-256 of everything, lower-case hexadecimal. */
  readonly digest: string;
  readonly table: BlockTable;
}

/** Takes an artifact's blocks in order and makes its fingerprint: one read for both digests. */
export interface BlockTableBuilder {
  /** The next block: `blockSize` bytes, only the last may be shorter. */
  add(block: Uint8Array): void;
  finish(): Fingerprint;
}

/** @param expected bytes to come, where known: spares the table from growing */
export function createBlockTable(expected = 0): BlockTableBuilder {
  const whole = createHash("sha256");
  let digests = Buffer.alloc(Math.max(1, Math.ceil(expected / blockSize)) * digestSize);
  let blocks = 0;
  let length = 0;
  return {
    add(block) {
      if ((blocks + 1) * digestSize > digests.length) digests = Buffer.concat([digests], digests.length * 2);
      digests.set(hash("sha256", block, "buffer"), blocks * digestSize);
      whole.update(block);
      blocks++;
      length += block.length;
    },
    finish: () => ({ length, digest: whole.digest("hex"), table: tableOf(digests, blocks) }),
  };
}

function tableOf(digests: Buffer, blocks: number): BlockTable {
  return {
    blocks,
    check(index, bytes) {
      const at = index * digestSize;
      // `compare` takes offsets: no view is made for the comparison.
      return digests.compare(hash("sha256", bytes, "buffer"), 0, digestSize, at, at + digestSize) === 0;
    },
  };
}
