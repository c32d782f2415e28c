import { createHash, type Hash } from "node:crypto";
import { firmwareHeaderBytes, firmwareMagic, firmwareTrailerBytes } from "./firmware.ts";

/** What a device knows about bytes it received, without having kept them. */
export interface ImageReport {
  readonly bytes: number;
  /** SHA-256 of all of them, lower-case hexadecimal. */
  readonly sha256: string;
  /** The first bytes, at most 64. */
  readonly head: Buffer;
  /** Present when the bytes begin as a simulated image does. `intact`: length and trailer are right too. */
  readonly firmware?: { readonly version: string; readonly intact: boolean };
}

/**
 * Reads bytes as they arrive and keeps 96 of them: the head, and the last 32, which are held back from the running
 * hash because they may be the trailer. So one hash serves both questions, whole digest and trailer.
 */
export class ImageReader {
  #hash: Hash = createHash("sha256");
  #head: Buffer = Buffer.alloc(0);
  #tail: Buffer = Buffer.alloc(0);
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  write(chunk: Uint8Array): void {
    this.#bytes += chunk.length;
    const missing = firmwareHeaderBytes - this.#head.length;
    if (missing > 0) this.#head = Buffer.concat([this.#head, chunk.subarray(0, missing)]);
    if (chunk.length >= firmwareTrailerBytes) {
      const kept = chunk.length - firmwareTrailerBytes;
      this.#hash.update(this.#tail).update(chunk.subarray(0, kept));
      this.#tail = Buffer.from(chunk.subarray(kept));
    } else {
      const joined = Buffer.concat([this.#tail, chunk]);
      const kept = Math.max(0, joined.length - firmwareTrailerBytes);
      this.#hash.update(joined.subarray(0, kept));
      this.#tail = joined.subarray(kept);
    }
  }

  finish(): ImageReport {
    const beforeTrailer = this.#hash.copy().digest();
    const sha256 = this.#hash.update(this.#tail).digest("hex");
    const head = this.#head;
    const report = { bytes: this.#bytes, sha256, head };
    if (head.length < firmwareHeaderBytes || !head.subarray(0, 8).equals(firmwareMagic)) return report;
    const version = head.toString("utf8", 17, 17 + head.readUInt8(16));
    const intact = head.readBigUInt64BE(8) === BigInt(this.#bytes) && beforeTrailer.equals(this.#tail);
    return { ...report, firmware: { version, intact } };
  }
}
