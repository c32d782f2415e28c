import { readdir } from "node:fs/promises";
import { Readable } from "node:stream";
import { expect, test } from "vitest";
import type { Segment } from "../core/payload.ts";
import { createBufferPool } from "./buffer-pool.ts";
import { createCacheBudget } from "./cache-budget.ts";
import { Folder, failure, openIn, pattern } from "./kit.suite.ts";
import { createLifetime } from "./lifetime.ts";
import { openArtifact } from "./open-artifact.ts";

const size = 2_000_000;

function begin(segment: Segment): AsyncIterator<Uint8Array, void> {
  if (segment instanceof Uint8Array) throw new Error("expected chunks");
  return segment[Symbol.asyncIterator]();
}

test("After disposal nothing can be read, in memory or not", async () => {
  for (const cacheBytes of [0, 1e7]) {
    const artifact = await openArtifact(pattern(size), { cacheBytes });
    const iterator = begin(artifact.payload.slice(0, size));
    await artifact[Symbol.asyncDispose]();
    expect(() => artifact.payload.slice(0, 1)).toThrow(expect.objectContaining({ code: "artifact_disposed" }));
    expect(await failure(artifact.payload.hash("md5"))).toMatchObject({ code: "artifact_disposed" });
    const error = await failure(iterator.next());
    expect(error).toMatchObject({ code: "artifact_disposed", phase: "send", bytesOut: "none" });
  }
});

test("Sends in motion fail at their next block; their memory is given back when the last has left", async () => {
  const budget = createCacheBudget(1e7);
  const artifact = await openArtifact(pattern(size), { budget });
  const [one, two] = [begin(artifact.payload.slice(0, size)), begin(artifact.payload.slice(0, size))];
  await one.next();
  await two.next();
  await artifact[Symbol.asyncDispose]();
  expect(budget.used).toBe(size);
  expect(await failure(one.next())).toMatchObject({ code: "artifact_disposed", bytesOut: "some" });
  expect(budget.used).toBe(size);
  await two.return?.();
  expect(budget.used).toBe(0);
  await artifact[Symbol.asyncDispose]();
  expect(budget.used).toBe(0);
});

test("The temporary file goes at once, also under a send in motion", async () => {
  await using folder = await Folder.make();
  const pool = createBufferPool();
  const options = { cacheBytes: 0, pool, spool: { directory: folder.path } };
  const artifact = await openArtifact(Readable.from([pattern(size)]), options);
  const iterator = begin(artifact.payload.slice(0, size));
  await iterator.next();
  await artifact[Symbol.asyncDispose]();
  expect(await readdir(folder.path)).toEqual([]);
  expect(await failure(iterator.next())).toMatchObject({ code: "artifact_disposed", phase: "send", bytesOut: "some" });
  expect([pool.statistics().leased, await openIn(folder.path)]).toEqual([0, 0]);
});

test("A user is counted out once", () => {
  let ended = 0;
  const lifetime = createLifetime({ disposed: async () => undefined, unused: () => ended++ });
  const [leave, stay] = [lifetime.enter("send"), lifetime.enter("send")];
  void lifetime.dispose();
  leave();
  leave();
  expect(ended).toBe(0);
  stay();
  expect(ended).toBe(1);
});
