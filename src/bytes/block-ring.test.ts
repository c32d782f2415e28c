import { writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import type { Chunks, Segment } from "../core/payload.ts";
import { ringPass } from "./block-ring.ts";
import { type BlockSource, memorySource } from "./block-source.ts";
import { createBufferPool } from "./buffer-pool.ts";
import { collect, Folder, failure, openIn, pattern, SlowPeer, sendLawfully, sha256 } from "./kit.suite.ts";
import { openArtifact } from "./open-artifact.ts";

const block = 262_144;

function chunksOf(segment: Segment): Chunks {
  if (segment instanceof Uint8Array) throw new Error("expected chunks");
  return segment;
}

test.each([1, 4])(
  "A slow device gets the right bytes though every released buffer of %d blocks is overwritten",
  async (blocks) => {
    await using folder = await Folder.make();
    const bytes = pattern(40 * block + 70_001);
    const pool = createBufferPool({ size: blocks * block, capacity: 4, poison: true });
    const path = await folder.file("fw.bin", bytes);
    await using artifact = await openArtifact(path, { pool, cacheBytes: 0 });
    for (const [start, end] of [
      [0, bytes.length],
      [1, bytes.length - 70_001],
      [block - 5, 20 * block + 3],
      [block + 100_000, bytes.length - 1],
    ] as const) {
      await using peer = await SlowPeer.start();
      await sendLawfully(peer.socket, artifact.payload.slice(start, end));
      expect(await peer.received()).toBe(sha256(bytes.subarray(start, end)));
    }
    expect(pool.statistics()).toMatchObject({ leased: 0, waiting: 0, peak: 2 });
  },
);

test("A sender that does not wait for the flush is found out: the test above can fail", async () => {
  const bytes = pattern(64 * block);
  const pool = createBufferPool({ poison: true });
  await using artifact = await openArtifact(bytes, { pool, cacheBytes: 0 });
  await using peer = await SlowPeer.start();
  for await (const chunk of chunksOf(artifact.payload.slice(0, bytes.length))) peer.socket.write(chunk);
  expect(await peer.received()).not.toBe(sha256(bytes));
});

test("Sixteen devices through a pool of three buffers all get the right bytes, and never more than three are leased", async () => {
  await using folder = await Folder.make();
  const bytes = pattern(9 * block + 17);
  const pool = createBufferPool({ capacity: 3, poison: true });
  await using artifact = await openArtifact(await folder.file("fw.bin", bytes), { pool, cacheBytes: 0 });
  const send = async () => {
    await using peer = await SlowPeer.start();
    await sendLawfully(peer.socket, artifact.payload.slice(0, bytes.length));
    return peer.received();
  };
  const digests = await Promise.all(Array.from({ length: 16 }, send));
  expect(new Set(digests)).toEqual(new Set([sha256(bytes)]));
  expect(pool.statistics()).toMatchObject({ leased: 0, waiting: 0, allocated: 3, peak: 3 });
});

test("One buffer is enough, without reading ahead", async () => {
  const bytes = pattern(5 * block + 9);
  const pool = createBufferPool({ capacity: 1, poison: true });
  await using artifact = await openArtifact(bytes, { pool, cacheBytes: 0 });
  await using peer = await SlowPeer.start();
  await sendLawfully(peer.socket, artifact.payload.slice(7, bytes.length));
  expect(await peer.received()).toBe(sha256(bytes.subarray(7)));
  expect(pool.statistics().leased).toBe(0);
});

test("Chunks below 64 KiB never lie in pooled memory, larger ones do", async () => {
  const bytes = pattern(3 * block);
  const pool = createBufferPool({ capacity: 2 });
  await using artifact = await openArtifact(bytes, { pool, cacheBytes: 0 });
  // A pool of two: to lease both is to see which memory is pooled.
  const leases = [await pool.lease(), await pool.lease()];
  const pooled = new Set(leases.map((lease) => lease.buffer.buffer));
  for (const lease of leases) lease.release();
  for (const [start, end, expected] of [
    [0, 3 * block, [true, true, true]],
    [block - 65_536, block + 65_536, [true, true]],
    [block - 65_535, block + 65_535, [false, false]],
    [1, 2 * block + 1, [true, true, false]],
    [10, 20, [false]],
  ] as const) {
    const seen: boolean[] = [];
    for await (const chunk of chunksOf(artifact.payload.slice(start, end)))
      seen.push(pooled.has(chunk.buffer as ArrayBuffer));
    expect(seen).toEqual(expected);
  }
});

test("Nothing is opened or leased before the first chunk is asked for, and the file is closed before the last is given", async () => {
  await using folder = await Folder.make();
  const bytes = pattern(3 * block);
  const pool = createBufferPool();
  await using artifact = await openArtifact(await folder.file("fw.bin", bytes), { pool, cacheBytes: 0 });
  const iterator = chunksOf(artifact.payload.slice(0, bytes.length))[Symbol.asyncIterator]();
  expect([await openIn(folder.path), pool.statistics().leased]).toEqual([0, 0]);
  await iterator.next();
  expect([await openIn(folder.path), pool.statistics().leased]).toEqual([1, 2]);
  await iterator.next();
  const last = await iterator.next();
  expect(last.done).toBe(false);
  expect(await openIn(folder.path)).toBe(0);
  // No I/O after the last chunk: the end comes within the microtasks of this turn.
  let turns = 0;
  const immediate = setImmediate(() => turns++);
  expect((await iterator.next()).done).toBe(true);
  expect(turns).toBe(0);
  clearImmediate(immediate);
  expect(pool.statistics().leased).toBe(0);
});

test.each(["at once", "after one chunk", "with a throw"])("Leaving %s gives back memory and file", async (how) => {
  await using folder = await Folder.make();
  const pool = createBufferPool();
  const path = await folder.file("fw.bin", pattern(8 * block));
  await using artifact = await openArtifact(path, { pool, cacheBytes: 0 });
  const chunks = chunksOf(artifact.payload.slice(0, 8 * block));
  if (how === "at once") await chunks[Symbol.asyncIterator]().return?.();
  if (how === "after one chunk") for await (const _ of chunks) break;
  if (how === "with a throw") {
    const thrown = (async () => {
      for await (const _ of chunks) throw new Error("reset");
    })();
    await expect(thrown).rejects.toThrow("reset");
  }
  expect(pool.statistics().leased).toBe(0);
  expect(await openIn(folder.path)).toBe(0);
});

test("Memory is given back only when the read in flight has ended", async () => {
  const pool = createBufferPool({ poison: true });
  const bytes = pattern(4 * block);
  const gate = Promise.withResolvers<void>();
  let closed = false;
  const inner = await memorySource(bytes).open("send");
  const source: BlockSource = {
    length: bytes.length,
    open: async () => ({
      async read(target, position, bytesOut) {
        if (position > 0) await gate.promise;
        return inner.read(target, position, bytesOut);
      },
      close: async () => {
        closed = true;
      },
    }),
  };
  const chunks = ringPass({
    source,
    pool,
    start: 0,
    end: bytes.length,
    phase: "send",
    inspect: () => undefined,
    enter: () => () => undefined,
  });
  await chunks.next();
  const left = chunks.return();
  await new Promise((resolve) => setImmediate(resolve));
  expect([pool.statistics().leased, closed]).toEqual([2, false]);
  gate.resolve();
  await left;
  expect([pool.statistics().leased, closed]).toEqual([0, true]);
});

test("Leaving while waiting for memory ends the wait", async () => {
  const pool = createBufferPool({ capacity: 1 });
  await using artifact = await openArtifact(pattern(2 * block), { pool, cacheBytes: 0 });
  const held = await pool.lease();
  const iterator = chunksOf(artifact.payload.slice(0, block))[Symbol.asyncIterator]();
  const first = iterator.next();
  expect(pool.statistics().waiting).toBe(1);
  const left = iterator.return?.();
  await expect(first).rejects.toThrow();
  expect((await left)?.done).toBe(true);
  expect(pool.statistics().waiting).toBe(0);
  held.release();
});

test("A file that ends early while it is sent is told, and no byte of the short block leaves", async () => {
  await using folder = await Folder.make();
  const bytes = pattern(6 * block);
  const path = await folder.file("fw.bin", bytes);
  const pool = createBufferPool();
  await using artifact = await openArtifact(path, { pool, cacheBytes: 0 });
  const iterator = chunksOf(artifact.payload.slice(0, bytes.length))[Symbol.asyncIterator]();
  const parts = [await iterator.next().then((result) => Buffer.from(result.value ?? []))];
  await writeFile(path, bytes.subarray(0, 3 * block + 5));
  const error = await failure(
    (async () => {
      for (let result = await iterator.next(); !result.done; result = await iterator.next())
        parts.push(Buffer.from(result.value));
    })(),
  );
  expect(error).toMatchObject({ code: "artifact_changed", phase: "send", bytesOut: "some" });
  expect(Buffer.concat(parts).equals(bytes.subarray(0, 3 * block))).toBe(true);
  expect([pool.statistics().leased, await openIn(folder.path)]).toEqual([0, 0]);
});

test("A failed read nobody asks for is nobody's unhandled rejection", async () => {
  const pool = createBufferPool();
  const source: BlockSource = {
    length: 3 * block,
    open: async () => ({
      read: async (target, position) => {
        if (position > 0) throw new Error("EIO");
        return target.length;
      },
      close: async () => undefined,
    }),
  };
  const chunks = ringPass({
    source,
    pool,
    start: 0,
    end: source.length,
    phase: "send",
    inspect: () => undefined,
    enter: () => () => undefined,
  });
  await chunks.next();
  await new Promise((resolve) => setImmediate(resolve));
  await chunks.return();
  expect(pool.statistics().leased).toBe(0);
});

test("A close that fails still gives the memory back", async () => {
  const pool = createBufferPool();
  const bytes = pattern(2 * block);
  const inner = await memorySource(bytes).open("send");
  const close = () => Promise.reject(new Error("EIO"));
  const chunks = ringPass({
    source: { length: bytes.length, open: async () => ({ ...inner, close }) },
    pool,
    start: 0,
    end: bytes.length,
    phase: "send",
    inspect: () => undefined,
    enter: () => () => undefined,
  });
  await chunks.next();
  await expect(chunks.return()).rejects.toThrow("EIO");
  expect(pool.statistics().leased).toBe(0);
});

test("A source that cannot be opened leaves no lease behind", async () => {
  await using folder = await Folder.make();
  const pool = createBufferPool();
  const path = await folder.file("fw.bin", pattern(block));
  await using artifact = await openArtifact(path, { pool, cacheBytes: 0 });
  await writeFile(path, "short");
  expect(await failure(collect(artifact.payload.slice(0, 10)))).toMatchObject({ code: "artifact_changed" });
  expect(pool.statistics().leased).toBe(0);
});
