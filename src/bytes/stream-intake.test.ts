import { chmod, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { createBufferPool } from "./buffer-pool.ts";
import { createCacheBudget } from "./cache-budget.ts";
import { collect, Folder, failure, openIn, pattern } from "./kit.suite.ts";
import { type ArtifactSource, openArtifact } from "./open-artifact.ts";

const mebibyte = 1_048_576;

function* pieces(bytes: Buffer) {
  for (let at = 0; at < bytes.length; at += 70_001) yield bytes.subarray(at, at + 70_001);
}

test("What fits stays in memory; the rest goes to a private file of its own, gone after disposal", async () => {
  await using folder = await Folder.make();
  const spool = { directory: folder.path };
  const bytes = pattern(3 * mebibyte + 11);
  const small = await openArtifact(Readable.from(pieces(bytes)), { spool });
  expect(await readdir(folder.path)).toEqual([]);
  const budget = createCacheBudget(2 * mebibyte);
  const large = await openArtifact(Readable.from(pieces(bytes)), { spool, budget });
  expect(budget.used).toBe(0);
  const [own = ""] = await readdir(folder.path);
  expect((await stat(join(folder.path, own))).mode & 0o777).toBe(0o700);
  const [file = ""] = await readdir(join(folder.path, own));
  expect((await stat(join(folder.path, own, file))).mode & 0o777).toBe(0o600);
  for (const artifact of [small, large]) {
    for (let time = 0; time < 2; time++)
      expect((await collect(artifact.payload.slice(0, bytes.length))).equals(bytes)).toBe(true);
    await artifact[Symbol.asyncDispose]();
  }
  expect(await readdir(folder.path)).toEqual([]);
  expect(await openIn(folder.path)).toBe(0);
});

test("Without a spool a one-shot stream is refused unread; a function's stream may stay in memory", async () => {
  const stream = Readable.from([Buffer.from("x")]);
  expect(await failure(openArtifact(stream, { spool: false }))).toMatchObject({ code: "artifact_not_replayable" });
  expect(Readable.isDisturbed(stream)).toBe(false);
  stream.destroy();
  let calls = 0;
  const make = () => {
    calls++;
    return Readable.from(pieces(pattern(mebibyte)));
  };
  await using artifact = await openArtifact(make, { spool: false });
  await collect(artifact.payload.slice(0, mebibyte));
  expect(calls).toBe(1);
  const budget = createCacheBudget(mebibyte);
  const large = openArtifact(make, { spool: false, budget, cacheBytes: mebibyte - 1 });
  expect(await failure(large)).toMatchObject({ code: "artifact_not_replayable" });
  expect(budget.used).toBe(0);
});

test("A stream that fails, before or after the spool was begun, leaves nothing behind", async () => {
  await using folder = await Folder.make();
  for (const cacheBytes of [0, 1e8]) {
    const budget = createCacheBudget(1e8);
    let ended = false;
    const source = Readable.from(
      (async function* () {
        try {
          yield* pieces(pattern(mebibyte));
          throw new Error("cut");
        } finally {
          ended = true;
        }
      })(),
    );
    const opening = openArtifact(source, { cacheBytes, budget, spool: { directory: folder.path } });
    const error = await failure(opening);
    expect(error).toMatchObject({ code: "artifact_unreadable", cause: expect.objectContaining({ message: "cut" }) });
    expect([ended, budget.used, await readdir(folder.path), await openIn(folder.path)]).toEqual([true, 0, [], 0]);
  }
});

test("A stream that was read from, locked or closed is refused: its start is gone", async () => {
  const read = Readable.from([Buffer.from("a"), Buffer.from("b")]);
  for await (const _ of read) break;
  const begun = Readable.from([Buffer.from("a"), Buffer.from("b")]);
  begun.read();
  const closed = Readable.from([Buffer.from("a")]).destroy();
  const locked = new Blob(["abc"]).stream();
  locked.getReader();
  const drunk = new Blob(["abc"]).stream();
  const reader = drunk.getReader();
  await reader.read();
  reader.releaseLock();
  for (const stream of [read, begun, closed, locked, drunk])
    expect(await failure(openArtifact(stream as ArtifactSource))).toMatchObject({ code: "artifact_unreadable" });
});

test("Text, and a function that fails, are told as such", async () => {
  const cases: ArtifactSource[] = [
    Readable.from(["text"]),
    Readable.from([Buffer.from("text")]).setEncoding("utf8"),
    () => Promise.reject(new Error("no such object")),
    () => {
      throw new Error("no such object");
    },
  ];
  for (const source of cases)
    expect(await failure(openArtifact(source))).toMatchObject({ code: "artifact_unreadable" });
});

test("An abort ends a stream that never does", async () => {
  await using folder = await Folder.make();
  for (const make of [
    () => new Readable({ read: () => undefined }),
    () => new ReadableStream<Uint8Array>({ pull: () => new Promise<void>(() => undefined) }),
    () => Readable.from({ [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => undefined) }) }),
  ]) {
    const controller = new AbortController();
    const options = { signal: controller.signal, spool: { directory: folder.path } };
    const opening = openArtifact(make() as ArtifactSource, options);
    setImmediate(() => controller.abort(new Error("enough")));
    expect(await failure(opening)).toMatchObject({ code: "aborted" });
  }
  expect(await readdir(folder.path)).toEqual([]);
});

test("A spool that cannot be made or written is told, and what was made is deleted", async () => {
  await using folder = await Folder.make();
  const file = await folder.file("no-directory", Buffer.from("x"));
  const open = (directory: string) =>
    openArtifact(Readable.from(pieces(pattern(mebibyte))), { cacheBytes: 0, spool: { directory } });
  expect(await failure(open(file))).toMatchObject({ code: "spool_failed", phase: "artifact" });
  expect(await failure(open(join(folder.path, "none")))).toMatchObject({ code: "spool_failed" });
});

test("A spool that somebody writes to is never sent", async () => {
  await using folder = await Folder.make();
  const pool = createBufferPool();
  const bytes = pattern(mebibyte);
  const options = { cacheBytes: 0, pool, spool: { directory: folder.path } };
  await using artifact = await openArtifact(Readable.from(pieces(bytes)), options);
  const [own = ""] = await readdir(folder.path);
  const path = join(folder.path, own, "artifact");
  await chmod(path, 0o600);
  await writeFile(path, pattern(mebibyte).reverse());
  const error = await failure(collect(artifact.payload.slice(0, bytes.length)));
  expect(error).toMatchObject({ code: "artifact_changed", phase: "send" });
});
