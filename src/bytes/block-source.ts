import type { BytesOut, Phase } from "../core/errors.ts";
import { FlashwaveError } from "../core/errors.ts";

/** Where an artifact's blocks are read from, again and again. Stateless: each pass opens its own reader. */
export interface BlockSource {
  readonly length: number;
  /** @throws `artifact_changed`, `artifact_unreadable` */
  open(phase: Phase): Promise<BlockReader>;
}

export interface BlockReader {
  /**
   * Fills `target` with the bytes from `position` on; fewer than asked for means that the source ends there.
   * @param bytesOut for errors: how much had left before
   */
  read(target: Uint8Array, position: number, bytesOut: BytesOut): Promise<number>;
  /** Must not be called while a read is in flight. Twice does no harm. */
  close(): Promise<void>;
}

/** Memory the caller kept for itself and may write to: every block is copied out before it is checked. */
export function memorySource(bytes: Uint8Array): BlockSource {
  const length = bytes.length;
  return {
    length,
    open: async () => ({
      async read(target, position) {
        const block = bytes.subarray(position, position + target.length);
        target.set(block);
        return block.length;
      },
      close: async () => undefined,
    }),
  };
}

/** A Blob is immutable, but one that stands for a file fails once the file has changed. */
export function blobSource(blob: Blob): BlockSource {
  return {
    length: blob.size,
    open: async (phase) => ({
      async read(target, position, bytesOut) {
        try {
          const block = await blob.slice(position, position + target.length).arrayBuffer();
          target.set(new Uint8Array(block));
          return block.byteLength;
        } catch (cause) {
          throw changed("the file behind the Blob is not what it was, or cannot be read", phase, bytesOut, cause);
        }
      },
      close: async () => undefined,
    }),
  };
}

/** @param what was seen, as a clause: "the file is shorter than it was" */
export function changed(what: string, phase: Phase, bytesOut: BytesOut = "none", cause?: unknown): FlashwaveError {
  return new FlashwaveError(
    "artifact_changed",
    `The artifact changed after it was opened: ${what}. Nothing changed was sent; open it anew once it stands still.`,
    { phase, bytesOut, cause },
  );
}
