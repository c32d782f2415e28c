import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ArtifactRef } from "../core/artifact.ts";
import type { Segment } from "../core/payload.ts";
import { testArtifact } from "./artifact-fixture.suite.ts";
import { expectCode, isDeeplyFrozen, type RegistryDriver, readAll, spoiltCursors } from "./driver.suite.ts";

async function bytesOf(segment: Segment): Promise<Buffer> {
  if (segment instanceof Uint8Array) return Buffer.from(segment);
  const parts: Buffer[] = [];
  for await (const chunk of segment) parts.push(Buffer.from(chunk));
  const all = Buffer.concat(parts);
  expect(all.byteLength).toBe(segment.length);
  return all;
}

function testBytes(driver: RegistryDriver): void {
  it("gives back the bytes it was given, whole and in slices, and their digests", async () => {
    await using registry = await driver.open();
    const content = Buffer.from(Array.from({ length: 700_001 }, (_, i) => (i * 7 + (i >> 8)) & 0xff));
    const ref = await registry.artifacts.put(testArtifact(content, { hardware: ["rev-b"] }, 65_536));
    expect(ref).toEqual({ ...testArtifact(content).ref, hardware: ["rev-b"] });
    expect(isDeeplyFrozen(ref)).toBe(true);
    await using artifact = await registry.artifacts.open(ref.digest);
    expect(artifact).toMatchObject(ref);
    expect([artifact.ref, artifact.payload.artifact]).toEqual([ref, ref]);
    expect((await bytesOf(artifact.payload.slice(0, ref.length))).equals(content)).toBe(true);
    const ends = [0, 1, 262_143, 262_144, 262_145, 524_288, 700_000, 700_001];
    for (const [i, start] of ends.entries()) {
      for (const end of ends.slice(i)) {
        expect((await bytesOf(artifact.payload.slice(start, end))).equals(content.subarray(start, end))).toBe(true);
      }
    }
    for (const algorithm of ["md5", "sha1", "sha256"] as const) {
      expect(await artifact.payload.hash(algorithm)).toBe(createHash(algorithm).update(content).digest("hex"));
      const part = createHash(algorithm).update(content.subarray(5, 300_000)).digest("hex");
      expect(await artifact.payload.hash(algorithm, { start: 5, end: 300_000 })).toBe(part);
    }
  });

  it("keeps any bytes in any chunks", async () => {
    const content = fc.uint8Array({ minLength: 1, maxLength: 300 });
    await fc.assert(
      fc.asyncProperty(content, fc.integer({ min: 1, max: 400 }), async (bytes, chunk) => {
        await using registry = await driver.open();
        const { digest, length } = await registry.artifacts.put(testArtifact(bytes, {}, chunk));
        await using artifact = await registry.artifacts.open(digest);
        expect((await bytesOf(artifact.payload.slice(0, length))).equals(bytes)).toBe(true);
      }),
      { numRuns: driver.runs ?? 60 },
    );
  });

  it("takes bytes that are in memory as one piece, and copies them", async () => {
    await using registry = await driver.open();
    const bytes = Buffer.from("resident");
    const given = testArtifact(Buffer.from("resident"));
    const ref = await registry.artifacts.put({ ...given, payload: { ...given.payload, slice: () => bytes } });
    bytes.fill(0);
    await using artifact = await registry.artifacts.open(ref.digest);
    expect((await bytesOf(artifact.payload.slice(0, 8))).toString()).toBe("resident");
  });

  it("refuses slices that are none, and all of them once disposed of; others stay open", async () => {
    await using registry = await driver.open();
    const { digest } = await registry.artifacts.put(testArtifact("abc"));
    await using other = await registry.artifacts.open(digest);
    const artifact = await registry.artifacts.open(digest);
    const read = async (start: number, end: number) => bytesOf(artifact.payload.slice(start, end));
    for (const [start, end] of [
      [-1, 2],
      [2, 1],
      [0, 4],
      [0.5, 2],
      [0, Number.NaN],
    ] as const) {
      await expectCode(read(start, end), "invalid_option");
    }
    await artifact[Symbol.asyncDispose]();
    await artifact[Symbol.asyncDispose]();
    await expectCode(read(0, 3), "artifact_disposed");
    await expectCode(artifact.payload.hash("sha256"), "artifact_disposed");
    expect((await bytesOf(other.payload.slice(0, 3))).toString()).toBe("abc");
  });
}

function testTrust(driver: RegistryDriver): void {
  const lies: readonly (readonly [what: string, lie: Partial<ArtifactRef>])[] = [
    ["another digest", { digest: "0".repeat(64) }],
    ["too many bytes", { length: 2 }],
    ["too few bytes", { length: 4 }],
  ];
  it.each(lies)("keeps nothing of %s", async (_, lie) => {
    await using registry = await driver.open();
    const artifact = testArtifact("abc", lie, 1);
    const payload = { ...artifact.payload, slice: () => testArtifact("abc", {}, 1).payload.slice(0, 3) };
    await expectCode(registry.artifacts.put({ ...artifact, payload }), "artifact_digest_mismatch");
    expect((await registry.artifacts.list()).items).toEqual([]);
    await expectCode(registry.artifacts.open(artifact.digest), "artifact_unreadable");
  });

  it.each<Partial<ArtifactRef>>([
    { name: "" },
    { name: "a\nb" },
    { version: "1\0" },
    { length: 0 },
    { length: 1.5 },
    { digest: "abc" },
    { digest: "../../etc/passwd".padEnd(64, "0") },
    { digest: "A".repeat(64) },
    { hardware: [""] },
  ])("refuses %j before it reads a byte", async (claim) => {
    await using registry = await driver.open();
    const artifact = testArtifact("abc", claim);
    await expectCode(registry.artifacts.put(artifact), "invalid_option");
    expect(artifact.reads()).toBe(0);
  });

  it("passes a source's own failure on, and keeps nothing", async () => {
    await using registry = await driver.open();
    const artifact = testArtifact("abc", {}, 1);
    const failure = new Error("the disk is gone");
    const slice = (): Segment => ({
      length: 3,
      async *[Symbol.asyncIterator]() {
        yield Buffer.from("a");
        throw failure;
      },
    });
    await expect(registry.artifacts.put({ ...artifact, payload: { ...artifact.payload, slice } })).rejects.toBe(
      failure,
    );
    await expectCode(registry.artifacts.open(artifact.digest), "artifact_unreadable");
    await registry.artifacts.put(artifact);
  });

  it("stops reading when the signal aborts", async () => {
    await using registry = await driver.open();
    const artifact = testArtifact(Buffer.alloc(100, 1), {}, 1);
    const controller = new AbortController();
    let chunks = 0;
    let returned = false;
    const slice = (): Segment => ({
      length: 100,
      async *[Symbol.asyncIterator]() {
        try {
          for (chunks = 0; chunks < 100; chunks += 1) {
            if (chunks === 3) controller.abort();
            yield Buffer.of(1);
          }
        } finally {
          returned = true;
        }
      },
    });
    const put = registry.artifacts.put(
      { ...artifact, payload: { ...artifact.payload, slice } },
      { signal: controller.signal },
    );
    await expectCode(put, "aborted");
    expect([returned, chunks < 100]).toEqual([true, true]);
    await expectCode(registry.artifacts.open(artifact.digest), "artifact_unreadable");
  });
}

function testKeeping(driver: RegistryDriver): void {
  it("keeps the same bytes once, without reading them again, under their first name", async () => {
    await using registry = await driver.open();
    const first = await registry.artifacts.put(testArtifact("abc", { name: "first.bin" }));
    const again = testArtifact("abc", { name: "second.bin" });
    expect(await registry.artifacts.put(again)).toEqual(first);
    expect(again.reads()).toBe(0);
    expect((await registry.artifacts.list()).items).toEqual([first]);
    const both = ["x.bin", "y.bin"].map((name) => registry.artifacts.put(testArtifact("at once", { name }, 1)));
    const [x, y] = await Promise.all(both);
    expect(x).toEqual(y);
    expect((await registry.artifacts.list()).items).toHaveLength(2);
  });

  it.each<Partial<ArtifactRef>>([{ version: "2.0.0" }, { version: "" }, { hardware: ["rev-b"] }])(
    "refuses to call kept bytes %j as well",
    async (claim) => {
      await using registry = await driver.open();
      const kept = await registry.artifacts.put(testArtifact("abc"));
      await expectCode(registry.artifacts.put(testArtifact("abc", claim)), "invalid_option");
      expect((await registry.artifacts.list()).items).toEqual([kept]);
      await registry.artifacts.remove(kept.digest);
      expect(await registry.artifacts.put(testArtifact("abc", claim))).toMatchObject(claim);
    },
  );

  it("removes, and opens nothing that it does not keep", async () => {
    await using registry = await driver.open();
    const { digest } = await registry.artifacts.put(testArtifact("abc"));
    expect(await registry.artifacts.remove(digest)).toBe(true);
    expect(await registry.artifacts.remove(digest)).toBe(false);
    for (const unknown of [digest, "", "../x", "__proto__", digest.toUpperCase()]) {
      await expectCode(registry.artifacts.open(unknown), "artifact_unreadable");
    }
  });

  it("lists by digest, in pages", async () => {
    await using registry = await driver.open();
    const refs: ArtifactRef[] = [];
    for (let i = 0; i < 7; i += 1) refs.push(await registry.artifacts.put(testArtifact(`artifact ${i}`)));
    refs.sort((a, b) => (a.digest < b.digest ? -1 : 1));
    const list = (after: string | undefined) => registry.artifacts.list({ limit: 3, ...(after && { after }) });
    const { items, first } = await readAll(list, 3);
    expect(items).toEqual(refs);
    expect((await registry.artifacts.list({ offset: 5 })).items).toEqual(refs.slice(5));
    for (const after of spoiltCursors(first.next ?? ""))
      await expectCode(registry.artifacts.list({ after }), "invalid_cursor");
    await expectCode(registry.artifacts.list({ limit: 0 }), "invalid_option");
  });
}

/** Artifacts: right bytes or none. */
export function testArtifactStore(driver: RegistryDriver): void {
  describe(`artifact store: ${driver.driver}`, () => {
    testBytes(driver);
    testTrust(driver);
    testKeeping(driver);
  });
}
