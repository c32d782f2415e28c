import { execFileSync } from "node:child_process";
import { openAsBlob } from "node:fs";
import { mkdir, rmdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import type { Artifact } from "../core/artifact.ts";
import { createBufferPool } from "./buffer-pool.ts";
import { createCacheBudget, sharedCacheBudget } from "./cache-budget.ts";
import { collect, Folder, failure, openIn, pattern, sha256 } from "./kit.suite.ts";
import { type ArtifactSource, openArtifact } from "./open-artifact.ts";

const kinds = ["path", "file URL", "bytes", "frozen", "Blob", "file Blob", "factory", "Readable", "web", "iterable"];

/** The same bytes as every kind of source. */
async function sourceOf(kind: string, bytes: Buffer, folder: Folder): Promise<ArtifactSource> {
  const path = await folder.file("pos-2.4.0.bin", bytes);
  const pieces = function* () {
    for (let at = 0; at < bytes.length; at += 99_991) yield bytes.subarray(at, at + 99_991);
  };
  switch (kind) {
    case "path":
      return path;
    case "file URL":
      return pathToFileURL(path);
    case "Blob":
      return new Blob([new Uint8Array(bytes)]);
    case "file Blob":
      return openAsBlob(path);
    case "factory":
      return async () => Readable.from(pieces());
    case "Readable":
      return Readable.from(pieces());
    case "web":
      return Readable.toWeb(Readable.from(pieces(), { objectMode: true })) as ReadableStream<Uint8Array>;
    case "iterable":
      return (async function* () {
        yield* pieces();
      })();
    default:
      return bytes;
  }
}

const sizes = [
  0, 1, 65_535, 65_536, 65_537, 131_072, 262_143, 262_144, 262_145, 524_287, 524_288, 524_289, 786_432, 10_485_760,
  10_485_777,
];

test.each(kinds)("From %s of any size, in memory or not: the right length, digest and bytes", async (kind) => {
  await using folder = await Folder.make();
  const pool = createBufferPool({ capacity: 2, poison: true });
  for (const size of sizes) {
    const bytes = pattern(size);
    for (const cacheBytes of [0, 67_108_864]) {
      const budget = createCacheBudget(67_108_864);
      const spool = { directory: folder.path };
      const settings = { pool, budget, cacheBytes, allowEmpty: true, frozen: kind === "frozen", spool };
      const source = await sourceOf(kind, bytes, folder);
      const artifact = await openArtifact(source, settings);
      expect(artifact.length).toBe(size);
      expect(artifact.digest).toBe(sha256(bytes));
      const whole = artifact.payload.slice(0, size);
      expect(whole.length).toBe(size);
      expect((await collect(whole)).equals(bytes)).toBe(true);
      expect(budget.used).toBe(cacheBytes === 0 || kind === "frozen" ? 0 : size);
      await artifact[Symbol.asyncDispose]();
      expect([budget.used, pool.statistics().leased, await openIn(folder.path)]).toEqual([0, 0, 0]);
    }
  }
});

test("What names the artifact is frozen, complete and plain", async () => {
  await using artifact = await openArtifact(Buffer.from("v2"), {
    name: "pos.bin",
    version: "2.4.0",
    hardware: ["rev-b"],
    digest: sha256(Buffer.from("v2")).toUpperCase(),
  });
  const ref = {
    name: "pos.bin",
    version: "2.4.0",
    length: 2,
    digest: sha256(Buffer.from("v2")),
    hardware: ["rev-b"],
  };
  expect(artifact.ref).toEqual(ref);
  expect(JSON.parse(JSON.stringify(artifact.ref))).toEqual(ref);
  expect(artifact).toMatchObject(ref);
  expect(artifact.payload.artifact).toBe(artifact.ref);
  for (const part of [artifact, artifact.ref, artifact.ref.hardware, artifact.payload])
    expect(Object.isFrozen(part)).toBe(true);
});

test("The name is the file's own, made fit, unless one is given", async () => {
  await using folder = await Folder.make();
  const names: [string, string][] = [
    ["fw.bin", "fw.bin"],
    ["a\u202eb\u0007c.bin", "a_b_c.bin"],
    ["back\\slash", "back_slash"],
  ];
  for (const [file, name] of names) {
    await using artifact = await openArtifact(await folder.file(file, Buffer.from("x")));
    expect(artifact.name).toBe(name);
    expect(artifact.version).toBe("");
    expect("hardware" in artifact.ref).toBe(false);
  }
  await using fromFile = await openArtifact(new File(["x"], `${"../".repeat(3)}etc`));
  expect(fromFile.name).toBe(".._.._.._etc");
  await using nameless = await openArtifact(new File(["x"], ".."));
  expect(nameless.name).toBe("firmware.bin");
  await using long = await openArtifact(new File(["x"], "😀".repeat(200)));
  expect(long.name).toBe("😀".repeat(128));
  await using bytes = await openArtifact(Buffer.from("x"));
  expect(bytes.name).toBe("firmware.bin");
});

test("A link is followed when opened, and stays what it was", async () => {
  await using folder = await Folder.make();
  const path = await folder.file("real.bin", pattern(300_000));
  const link = join(folder.path, "latest.bin");
  await symlink(path, link);
  await using artifact = await openArtifact(link, { cacheBytes: 0 });
  expect(artifact.name).toBe("latest.bin");
  expect((await collect(artifact.payload.slice(0, 300_000))).equals(pattern(300_000))).toBe(true);
});

test("Bytes the caller writes to afterwards are not the artifact's", async () => {
  const bytes = pattern(300_000);
  const opening = openArtifact(bytes);
  bytes.fill(0);
  await using artifact = await opening;
  expect(artifact.digest).toBe(sha256(pattern(300_000)));
  expect((await collect(artifact.payload.slice(0, 300_000))).equals(pattern(300_000))).toBe(true);
});

test("Frozen bytes are shared, not copied, and charge no budget", async () => {
  const bytes = pattern(600_000);
  const budget = createCacheBudget(0);
  await using artifact = await openArtifact(bytes, { frozen: true, budget });
  const segment = artifact.payload.slice(0, 600_000);
  if (segment instanceof Uint8Array) throw new Error("expected chunks");
  for await (const chunk of segment) expect(chunk.buffer).toBe(bytes.buffer);
});

test.each([
  ["a wrong digest", { digest: "0".repeat(64) }, "artifact_digest_mismatch"],
  ["a wrong digest beyond the cache", { digest: "0".repeat(64), cacheBytes: 0 }, "artifact_digest_mismatch"],
])("%s is refused, whatever the source, and nothing is left behind", async (_what, options, code) => {
  for (const kind of kinds) {
    await using folder = await Folder.make();
    const budget = createCacheBudget(1e7);
    const spool = await Folder.make();
    const opening = openArtifact(await sourceOf(kind, pattern(300_000), folder), {
      ...options,
      budget,
      spool: { directory: spool.path },
    });
    expect(await failure(opening)).toMatchObject({ code, phase: "artifact", retryable: false });
    expect(budget.used).toBe(0);
    // Only an empty folder can be removed without force.
    await rmdir(spool.path);
  }
});

test("No bytes are an error unless that is meant", async () => {
  await using folder = await Folder.make();
  for (const kind of kinds) {
    const opening = openArtifact(await sourceOf(kind, Buffer.alloc(0), folder));
    expect(await failure(opening)).toMatchObject({ code: "artifact_empty" });
  }
  await using artifact = await openArtifact(Buffer.alloc(0), { allowEmpty: true });
  expect(artifact.payload.slice(0, 0)).toHaveLength(0);
});

test("What is missing or no file is told as such, without waiting for anybody", async () => {
  await using folder = await Folder.make();
  const file = await folder.file("file", Buffer.from("x"));
  await mkdir(join(folder.path, "dir"));
  const fifo = join(folder.path, "fifo");
  execFileSync("mkfifo", [fifo]);
  const cases: [string, RegExp][] = [
    [join(folder.path, "none.bin"), /ENOENT/],
    [join(folder.path, "dir"), /is a directory/],
    [join(file, "below"), /ENOTDIR/],
    [fifo, /is a FIFO/],
    ["/dev/zero", /is a device/],
    ["/proc/self/mem", /artifact has no bytes/],
    [`${folder.path}/${"x".repeat(300)}`, /ENAMETOOLONG/],
  ];
  for (const [path, message] of cases) {
    const error = await failure(openArtifact(path));
    expect(["artifact_unreadable", "artifact_empty"]).toContain(error.code);
    expect(error.message).toMatch(message);
    expect(error.phase).toBe("artifact");
  }
  expect(await openIn(folder.path)).toBe(0);
});

const refused: [string, unknown, unknown][] = [
  ["a number", 5, {}],
  ["nothing", null, {}],
  ["an array", [1, 2], {}],
  ["an ArrayBuffer", new ArrayBuffer(4), {}],
  ["words", new Uint16Array(4), {}],
  ["an empty path", "", {}],
  ["a NUL in a path", "a\0b", {}],
  ["an http URL", new URL("http://example.invalid/fw.bin"), {}],
  ["an http URL as text", "https://example.invalid/fw.bin", {}],
  ["a function that makes no stream", () => "text", {}],
  ["no options", "x", null],
  ["a misspelt option", "x", { diggest: "0".repeat(64) }],
  ["an empty name", "x", { name: "" }],
  ["a path for a name", "x", { name: "a/b" }],
  ["another path for a name", "x", { name: ".." }],
  ["a long name", "x", { name: "n".repeat(257) }],
  ["control characters in a name", "x", { name: "a\nb" }],
  ["a lone surrogate in a name", "x", { name: "a\ud800" }],
  ["a number for a version", "x", { version: 2 }],
  ["a long version", "x", { version: "1".repeat(257) }],
  ["an escape in a version", "x", { version: "1\u001b[2J" }],
  ["a short digest", "x", { digest: "abc" }],
  ["a number for a digest", "x", { digest: 7 }],
  ["text for hardware", "x", { hardware: "rev-b" }],
  ["no hardware", "x", { hardware: [] }],
  ["an empty hardware id", "x", { hardware: [""] }],
  ["text for a flag", "x", { allowEmpty: "yes" }],
  ["a number for frozen", "x", { frozen: 1 }],
  ["a number for spool", "x", { spool: 1 }],
  ["null for spool", "x", { spool: null }],
  ["no directory for spool", "x", { spool: { directory: "" } }],
  ["a NUL in spool's directory", "x", { spool: { directory: "a\0" } }],
  ["a negative cache", "x", { cacheBytes: -1 }],
  ["half a byte of cache", "x", { cacheBytes: 0.5 }],
  ["a number for the budget", "x", { budget: 5 }],
  ["null for the pool", "x", { pool: null }],
  ["an object for a signal", "x", { signal: {} }],
];

test.each(refused)("%s: refused before any I/O", async (_what, source, options) => {
  const opening = openArtifact(source as ArtifactSource, options as object);
  expect(await failure(opening)).toMatchObject({ code: "invalid_option", phase: "prepare", bytesOut: "none" });
});

test.each([-1, 1.5, Number.NaN])("A budget of %d bytes is refused", (bytes) => {
  expect(() => createCacheBudget(bytes)).toThrow(expect.objectContaining({ code: "invalid_option" }));
});

test("All artifacts of one budget together never hold more than it, and what does not fit still works", async () => {
  await using folder = await Folder.make();
  const path = await folder.file("fw.bin", pattern(400_000));
  const budget = createCacheBudget(1_000_000);
  expect(sharedCacheBudget.capacity).toBe(67_108_864);
  const opened: Artifact[] = [];
  for (const source of [path, path, path, pattern(400_000), new Blob([new Uint8Array(pattern(400_000))])])
    opened.push(await openArtifact(source, { budget }));
  expect(budget.used).toBe(800_000);
  for (const artifact of opened)
    expect((await collect(artifact.payload.slice(0, 400_000))).equals(pattern(400_000))).toBe(true);
  await opened[0]?.[Symbol.asyncDispose]();
  await opened[0]?.[Symbol.asyncDispose]();
  expect(budget.used).toBe(400_000);
  for (const artifact of opened) await artifact[Symbol.asyncDispose]();
  expect(budget.used).toBe(0);
});

test("An abort ends the opening, before and during it", async () => {
  await using folder = await Folder.make();
  const path = await folder.file("fw.bin", pattern(3_000_000));
  const aborted = AbortSignal.abort(new Error("enough"));
  expect(await failure(openArtifact(path, { signal: aborted }))).toMatchObject({ code: "aborted", phase: "artifact" });

  const pool = createBufferPool({ capacity: 1 });
  const held = await pool.lease();
  for (const cacheBytes of [0, 1e7]) {
    const controller = new AbortController();
    const budget = createCacheBudget(1e7);
    const opening = openArtifact(path, { signal: controller.signal, cacheBytes, budget, pool });
    controller.abort(new Error("enough"));
    const error = await failure(opening);
    expect(error).toMatchObject({ code: "aborted", cause: expect.objectContaining({ message: "enough" }) });
    expect(budget.used).toBe(0);
  }
  held.release();
  const controller = new AbortController();
  const counting = { ...pool, lease: () => pool.lease(), tryLease: () => void controller.abort() };
  const opening = openArtifact(path, { signal: controller.signal, cacheBytes: 0, pool: counting });
  expect(await failure(opening)).toMatchObject({ code: "aborted" });
  expect([pool.statistics().leased, await openIn(folder.path)]).toEqual([0, 0]);
});
