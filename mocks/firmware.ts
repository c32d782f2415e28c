import { createCipheriv, createHash } from "node:crypto";
import { open } from "node:fs/promises";

/*
 * A simulated image says itself what it is, so that a simulated device learns it from the bytes it received and from
 * nothing else:
 *
 *   0        8              16   17                64                    length-32        length
 *   | magic  | length (u64) | n  | version, n bytes | AES-CTR keystream … | SHA-256 of all before |
 */
export const firmwareMagic: Buffer = Buffer.from("FWSIMIMG", "latin1");
export const firmwareHeaderBytes = 64;
export const firmwareTrailerBytes = 32;
const versionAt = 17;

export interface FirmwareOptions {
  /** At most 47 bytes of UTF-8. */
  readonly version: string;
  /** Bytes in all, at least 96. @default 4096 */
  readonly length?: number;
  /** Same options, same bytes. @default 1 */
  readonly seed?: number;
}

export interface FirmwareFile {
  readonly path: string;
  readonly version: string;
  readonly length: number;
  /** SHA-256 of all bytes, lower-case hexadecimal. */
  readonly digest: string;
}

function header(version: string, length: number): Buffer {
  const name = Buffer.from(version);
  if (name.length === 0 || versionAt + name.length > firmwareHeaderBytes) {
    throw new RangeError(
      `a simulated image's version has 1 to ${firmwareHeaderBytes - versionAt} bytes, not ${name.length}`,
    );
  }
  const minimum = firmwareHeaderBytes + firmwareTrailerBytes;
  if (!Number.isSafeInteger(length) || length < minimum) {
    throw new RangeError(`a simulated image has at least ${minimum} bytes, not ${length}`);
  }
  const bytes = Buffer.alloc(firmwareHeaderBytes);
  firmwareMagic.copy(bytes);
  bytes.writeBigUInt64BE(BigInt(length), 8);
  bytes.writeUInt8(name.length, 16);
  name.copy(bytes, versionAt);
  return bytes;
}

/** The image piece by piece, each piece fresh memory of at most `chunkBytes` (default 256 KiB): 1 GB needs no 1 GB. */
export function* firmwareChunks(options: FirmwareOptions & { readonly chunkBytes?: number }): Generator<Buffer, void> {
  const { version, length = 4096, seed = 1, chunkBytes = 262_144 } = options;
  const head = header(version, length);
  const hash = createHash("sha256").update(head);
  yield head;
  // A keystream is the fastest deterministic noise that node has: gigabytes per second, and it does not compress.
  const noise = createCipheriv("aes-128-ctr", createHash("md5").update(`firmware ${seed}`).digest(), Buffer.alloc(16));
  const zeros = Buffer.alloc(chunkBytes);
  for (let left = length - firmwareHeaderBytes - firmwareTrailerBytes; left > 0; left -= chunkBytes) {
    const chunk = noise.update(left < chunkBytes ? zeros.subarray(0, left) : zeros);
    hash.update(chunk);
    yield chunk;
  }
  yield hash.digest();
}

/** A whole image in memory. */
export function makeFirmware(options: FirmwareOptions): Buffer {
  return Buffer.concat([...firmwareChunks(options)]);
}

/** Writes an image to `path`, never holding more than one piece of it. */
export async function writeFirmware(path: string, options: FirmwareOptions): Promise<FirmwareFile> {
  const hash = createHash("sha256");
  let length = 0;
  await using file = await open(path, "w");
  for (const chunk of firmwareChunks(options)) {
    hash.update(chunk);
    length += chunk.length;
    await file.writeFile(chunk);
  }
  return { path, version: options.version, length, digest: hash.digest("hex") };
}

/** SHA-256, lower-case hexadecimal: what a test compares with what a device received. */
export function sha256(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}
