import { readdir, writeFile } from "node:fs/promises";
import { Readable } from "node:stream";
import { beforeEach, expect, test, vi } from "vitest";
import { createBufferPool } from "./buffer-pool.ts";
import { createCacheBudget } from "./cache-budget.ts";
import { closeDescriptor, openDescriptor, readDescriptor, writeDescriptor } from "./descriptor.ts";
import { collect, Folder, failure, openIn, pattern } from "./kit.suite.ts";
import { openArtifact } from "./open-artifact.ts";

/** Which call of which function fails, counted from 1, and with what; without a code, what happens just before it. */
const fault = vi.hoisted(() => ({ name: "", call: 0, code: "", act: async () => {} }));

vi.mock(import("./descriptor.ts"), async (original) => {
  const real = await original();
  const failing = <A extends unknown[], R>(name: string, act: (...args: A) => Promise<R>) =>
    async function faulty(...args: A): Promise<R> {
      if (fault.name === name && --fault.call === 0) {
        if (fault.code) throw Object.assign(new Error(fault.code), { code: fault.code });
        await fault.act();
      }
      return act(...args);
    };
  return {
    ...real,
    openDescriptor: failing("open", real.openDescriptor),
    statDescriptor: failing("stat", real.statDescriptor),
    readDescriptor: failing("read", real.readDescriptor),
    writeDescriptor: failing("write", real.writeDescriptor),
  };
});

function failNext(name: string, call: number, code: string): void {
  Object.assign(fault, { name, call, code });
}

beforeEach(() => failNext("", 0, ""));

const size = 1_500_000;

test.each([
  ["open", 1, "EMFILE"],
  ["write", 1, "ENOSPC"],
  ["write", 3, "EIO"],
])("A spool whose %s %i fails with %s is told, and nothing is left of it", async (name, call, code) => {
  await using folder = await Folder.make();
  const budget = createCacheBudget(600_000);
  failNext(name, call, code);
  const opening = openArtifact(Readable.from([pattern(size)]), { budget, spool: { directory: folder.path } });
  expect(await failure(opening)).toMatchObject({ code: "spool_failed", cause: expect.objectContaining({ code }) });
  expect([await readdir(folder.path), await openIn(folder.path), budget.used]).toEqual([[], 0, 0]);
});

test.each([
  ["read", 1, "EIO", "none", false],
  ["read", 3, "EIO", "some", false],
  ["open", 1, "EMFILE", "none", true],
  ["open", 1, "EACCES", "none", false],
])(
  "A send whose %s %i fails with %s is told, and nothing is left open",
  async (name, call, code, bytesOut, retryable) => {
    await using folder = await Folder.make();
    const pool = createBufferPool();
    await using artifact = await openArtifact(await folder.file("fw.bin", pattern(size)), { cacheBytes: 0, pool });
    failNext(name, call, code);
    const error = await failure(collect(artifact.payload.slice(0, size)));
    expect(error).toMatchObject({ code: "artifact_unreadable", phase: "send", bytesOut, retryable });
    expect([pool.statistics().leased, await openIn(folder.path)]).toEqual([0, 0]);
    expect((await collect(artifact.payload.slice(0, size))).equals(pattern(size))).toBe(true);
  },
);

test("A file that cannot be looked at again is closed", async () => {
  await using folder = await Folder.make();
  await using artifact = await openArtifact(await folder.file("fw.bin", pattern(size)), { cacheBytes: 0 });
  failNext("stat", 1, "EIO");
  const error = await failure(collect(artifact.payload.slice(0, size)));
  expect(error).toMatchObject({ code: "artifact_unreadable", phase: "send" });
  expect(await openIn(folder.path)).toBe(0);
});

test.each([0, 1e8])("A file that fails while it is opened (cache of %i) charges nothing", async (cacheBytes) => {
  await using folder = await Folder.make();
  const [budget, pool] = [createCacheBudget(1e8), createBufferPool()];
  const path = await folder.file("fw.bin", pattern(size));
  failNext("read", 2, "EIO");
  expect(await failure(openArtifact(path, { cacheBytes, budget, pool }))).toMatchObject({
    code: "artifact_unreadable",
  });
  expect([budget.used, pool.statistics().leased, await openIn(folder.path)]).toEqual([0, 0, 0]);
});

test.each([
  ["grown", 0],
  ["grown", 1e8],
  ["written to", 0],
  ["written to", 1e8],
])(
  "A file %s while it is read for the first time (cache of %i) is not taken for what it was",
  async (how, cacheBytes) => {
    await using folder = await Folder.make();
    const [budget, pool] = [createCacheBudget(1e8), createBufferPool()];
    const path = await folder.file("fw.bin", pattern(size));
    Object.assign(fault, {
      name: "read",
      call: 3,
      act: () => writeFile(path, "x", { flag: how === "grown" ? "a" : "r+" }),
    });
    const error = await failure(openArtifact(path, { cacheBytes, budget, pool }));
    expect(error).toMatchObject({ code: "artifact_changed", phase: "artifact" });
    expect([budget.used, pool.statistics().leased, await openIn(folder.path)]).toEqual([0, 0, 0]);
  },
);

test("Descriptors read and write whole buffers or say why not", async () => {
  await using folder = await Folder.make();
  const written = await openDescriptor(`${folder.path}/out`, "wx");
  await writeDescriptor(written, pattern(300_000));
  await expect(readDescriptor(written, Buffer.alloc(1), 0)).rejects.toMatchObject({ code: "EBADF" });
  await closeDescriptor(written);
  const read = await openDescriptor(`${folder.path}/out`, "r");
  const bytes = Buffer.alloc(300_001);
  expect(await readDescriptor(read, bytes, 0)).toBe(300_000);
  expect(bytes.subarray(0, 300_000).equals(pattern(300_000))).toBe(true);
  await expect(writeDescriptor(read, bytes)).rejects.toMatchObject({ code: "EBADF" });
  await closeDescriptor(read);
});
