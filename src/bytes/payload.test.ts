import { createHash } from "node:crypto";
import { openAsBlob } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Artifact } from "../core/artifact.ts";
import { createBufferPool } from "./buffer-pool.ts";
import { createCacheBudget } from "./cache-budget.ts";
import { collect, Folder, failure, pattern } from "./kit.suite.ts";
import { openArtifact } from "./open-artifact.ts";

const block = 262_144;

/** The same bytes in memory, behind a table, and from a stream (whose memory is not in one piece). */
async function openThrice(bytes: Buffer, pool = createBufferPool({ capacity: 2, poison: true })): Promise<Artifact[]> {
  const stream = async function* () {
    yield bytes;
  };
  return [
    await openArtifact(bytes, { budget: createCacheBudget(1e9) }),
    await openArtifact(bytes, { cacheBytes: 0, pool }),
    await openArtifact(stream, { budget: createCacheBudget(1e9) }),
  ];
}

test("Any slice of any artifact is what the source holds there", async () => {
  // Near a boundary or anywhere.
  const position = fc.oneof(
    fc.nat(4 * block),
    fc.tuple(fc.nat(8), fc.integer({ min: -2, max: 2 })).map(([half, off]) => Math.max(0, half * (block / 2) + off)),
  );
  const ranges = fc.array(fc.tuple(position, position), { minLength: 1, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(position, ranges, async (size, cuts) => {
      const bytes = pattern(size + 1);
      for (const artifact of await openThrice(bytes)) {
        for (const [a, b] of cuts) {
          const [start = 0, end = 0] = [Math.min(a, b, bytes.length), Math.min(Math.max(a, b), bytes.length)];
          const segment = artifact.payload.slice(start, end);
          expect(segment.length).toBe(end - start);
          expect((await collect(segment)).equals(bytes.subarray(start, end))).toBe(true);
        }
        await artifact[Symbol.asyncDispose]();
      }
    }),
    { numRuns: 40 },
  );
});

test("Small bodies in memory are plain bytes, larger ones shared memory", async () => {
  const [resident] = await openThrice(pattern(3 * block));
  if (!resident) throw new Error("opened none");
  expect(resident.payload.slice(block - 10, block + 65_525)).toBeInstanceOf(Uint8Array);
  const [one, two] = [resident.payload.slice(0, 3 * block), resident.payload.slice(0, 3 * block)];
  if (one instanceof Uint8Array || two instanceof Uint8Array) throw new Error("expected chunks");
  const seen: Uint8Array[] = [];
  for await (const chunk of one) seen.push(chunk);
  // Pairs of blocks that lie side by side, in the very same memory for both.
  expect(seen.map((chunk) => chunk.length)).toEqual([2 * block, block]);
  for await (const chunk of two) {
    const shared = seen.shift();
    expect([chunk.buffer, chunk.byteOffset]).toEqual([shared?.buffer, shared?.byteOffset]);
    expect(chunk.buffer).toBe(shared?.buffer);
  }
  expect(seen).toHaveLength(0);
});

test("Digests of the whole and of parts, by any supported algorithm", async () => {
  const bytes = pattern(20 * block + 3);
  for (const artifact of await openThrice(bytes)) {
    for (const algorithm of ["md5", "sha1", "sha256"] as const) {
      const expected = (part: Buffer) => createHash(algorithm).update(part).digest("hex");
      expect(await artifact.payload.hash(algorithm)).toBe(expected(bytes));
      expect(await artifact.payload.hash(algorithm, { start: 0, end: bytes.length })).toBe(expected(bytes));
      for (const [start, end] of [
        [3, 3],
        [5, 500],
        [block - 1, 19 * block + 1],
      ] as const)
        expect(await artifact.payload.hash(algorithm, { start, end })).toBe(expected(bytes.subarray(start, end)));
    }
  }
});

test("A digest of the whole is computed once", async () => {
  const pool = createBufferPool();
  await using artifact = await openArtifact(pattern(5 * block), { cacheBytes: 0, pool });
  const leases = () => pool.statistics().hits + pool.statistics().misses;
  const before = leases();
  const [one, two] = await Promise.all([artifact.payload.hash("md5"), artifact.payload.hash("md5")]);
  expect(one).toBe(two);
  expect(await artifact.payload.hash("sha256")).toBe(artifact.digest);
  expect(leases() - before).toBe(2);
});

test.each([
  [-1, 5],
  [0, 11],
  [6, 5],
  [0.5, 5],
  [0, Number.NaN],
])("The range [%d, %d) of 10 bytes is refused", async (start, end) => {
  for (const artifact of await openThrice(pattern(10))) {
    expect(() => artifact.payload.slice(start, end)).toThrow(expect.objectContaining({ code: "invalid_option" }));
    const hashing = artifact.payload.hash("md5", { start, end });
    expect(await failure(hashing)).toMatchObject({ code: "invalid_option" });
  }
});

test("An unknown digest is refused", async () => {
  await using artifact = await openArtifact(pattern(10));
  expect(await failure(artifact.payload.hash("crc32" as "md5"))).toMatchObject({ code: "invalid_option" });
});

test("Bytes too many to copy are checked as they are sent", async () => {
  const bytes = pattern(4 * block);
  await using artifact = await openArtifact(bytes, { cacheBytes: 0, pool: createBufferPool() });
  bytes.writeUInt8(bytes.readUInt8(2 * block) ^ 1, 2 * block);
  const error = await failure(collect(artifact.payload.slice(0, bytes.length)));
  expect(error).toMatchObject({ code: "artifact_changed", phase: "send", bytesOut: "some" });
  expect(await failure(artifact.payload.hash("sha1"))).toMatchObject({ code: "artifact_changed" });
  bytes.writeUInt8(bytes.readUInt8(2 * block) ^ 1, 2 * block);
  expect(await artifact.payload.hash("sha1")).toBe(createHash("sha1").update(bytes).digest("hex"));
});

test("A Blob that stands for a changed file is not sent", async () => {
  await using folder = await Folder.make();
  const path = await folder.file("fw.bin", pattern(2 * block));
  await using artifact = await openArtifact(await openAsBlob(path), { cacheBytes: 0 });
  await folder.file("fw.bin", pattern(block));
  const error = await failure(collect(artifact.payload.slice(0, 2 * block)));
  expect(error).toMatchObject({ code: "artifact_changed", phase: "send" });
});
