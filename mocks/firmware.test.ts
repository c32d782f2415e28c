import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { firmwareChunks, makeFirmware, sha256, writeFirmware } from "./firmware.ts";
import { ImageReader } from "./image.ts";

const read = (pieces: Iterable<Uint8Array>) => {
  const reader = new ImageReader();
  for (const piece of pieces) reader.write(piece);
  return reader.finish();
};

function* cutInto(bytes: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "firmware-"));
});
afterAll(() => rm(folder, { recursive: true }));

test("the same options give the same bytes, and another seed or version gives others", () => {
  const image = makeFirmware({ version: "2.0.0", length: 5000, seed: 7 });
  expect(image).toHaveLength(5000);
  expect(makeFirmware({ version: "2.0.0", length: 5000, seed: 7 })).toEqual(image);
  expect(makeFirmware({ version: "2.0.0", length: 5000, seed: 8 })).not.toEqual(image);
  expect(makeFirmware({ version: "2.0.1", length: 5000, seed: 7 })).not.toEqual(image);
});

test("the size of the pieces changes nothing", () => {
  const whole = makeFirmware({ version: "1.2.3", length: 100_003 });
  for (const chunkBytes of [1, 31, 4096, 1_000_000]) {
    expect(Buffer.concat([...firmwareChunks({ version: "1.2.3", length: 100_003, chunkBytes })])).toEqual(whole);
  }
});

test("a file holds the same bytes, and its digest is that of another hash over them", async () => {
  const path = join(folder, "image.bin");
  const file = await writeFirmware(path, { version: "3.0.0", length: 1_000_001 });
  const bytes = await readFile(path);
  expect(bytes).toEqual(makeFirmware({ version: "3.0.0", length: 1_000_001 }));
  expect(file).toEqual({ path, version: "3.0.0", length: 1_000_001, digest: sha256(bytes) });
});

test.each([1, 7, 31, 32, 33, 63, 64, 65, 1000, 65_536])(
  "a reader fed %i bytes at a time knows what it read",
  (size) => {
    const image = makeFirmware({ version: "2.4.0-rc.1", length: 10_007 });
    const report = read(cutInto(image, size));
    expect(report.firmware).toEqual({ version: "2.4.0-rc.1", intact: true });
    expect(report).toMatchObject({ bytes: 10_007, sha256: createHash("sha256").update(image).digest("hex") });
    expect(Buffer.from(report.head)).toEqual(image.subarray(0, 64));
  },
);

test("every single flipped bit outside the magic is noticed", () => {
  const image = makeFirmware({ version: "1.0.0", length: 96 + 40 });
  for (let bit = 64; bit < image.length * 8; bit++) {
    const bent = Buffer.from(image);
    bent.writeUInt8(bent.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    expect(read([bent]).firmware?.intact, `bit ${bit}`).toBe(false);
  }
});

test("an image cut short or grown is not intact; other bytes are no image at all", () => {
  const image = makeFirmware({ version: "1.0.0", length: 500 });
  expect(read([image.subarray(0, 499)]).firmware).toEqual({ version: "1.0.0", intact: false });
  expect(read([image, Buffer.from([0])]).firmware).toEqual({ version: "1.0.0", intact: false });
  expect(read([Buffer.from("22 bytes, no firmware!")])).toMatchObject({
    bytes: 22,
    sha256: sha256("22 bytes, no firmware!"),
  });
  expect(read([Buffer.alloc(200)]).firmware).toBeUndefined();
  expect(read([])).toMatchObject({ bytes: 0, sha256: sha256("") });
});

test("impossible images are refused", () => {
  expect(() => makeFirmware({ version: "1", length: 95 })).toThrow(RangeError);
  expect(() => makeFirmware({ version: "" })).toThrow(RangeError);
  expect(() => makeFirmware({ version: "x".repeat(48) })).toThrow(RangeError);
  expect(makeFirmware({ version: "x".repeat(47), length: 96 })).toHaveLength(96);
});
