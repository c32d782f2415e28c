import { hash } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { ArtifactStore } from "../core/artifact-store.ts";
import type { Segment } from "../core/payload.ts";
import { Counters } from "../store/counters.ts";
import { testArtifact } from "./artifact-fixture.suite.ts";
import { createCursors } from "./cursor.ts";
import { expectCode } from "./driver.suite.ts";
import { Gate } from "./gate.ts";
import { type ArtifactRows, type KeptArtifact, keepArtifacts } from "./kept-artifacts.ts";
import { ProvenTables } from "./proven-tables.ts";
import { blockSize } from "./stored-payload.ts";

const root = mkdtempSync(join(tmpdir(), "flashwave-kept-"));
afterAll(() => rmSync(root, { recursive: true }));

const content = Buffer.alloc(2 * blockSize + 1_000, "firmware");
const { digest, length } = testArtifact(content);
/** Other bytes of the same length. */
const other = Buffer.from(content).fill("malware", blockSize, blockSize + 7);
const tableOf = (bytes: Uint8Array) =>
  Buffer.concat(
    Array.from({ length: Math.ceil(bytes.length / blockSize) }, (_, at) =>
      hash("sha256", bytes.subarray(at * blockSize, (at + 1) * blockSize), "buffer"),
    ),
  );

/** A store with the artifact in it, whose row and file anybody may change; `again` is another process on the same. */
async function stage() {
  const folder = mkdtempSync(join(root, "store-"));
  const kept = new Map<string, KeptArtifact>();
  const rowOf = (row: KeptArtifact | undefined) =>
    row && [row.digest, row.name, row.version, row.length, row.boards, row.file, row.blocks];
  const rows: ArtifactRows = {
    find: async (key) => rowOf(kept.get(key)),
    async add(row) {
      kept.set(row.digest, row);
      return undefined;
    },
    remove: async () => undefined,
    page: async () => [...kept.values()].flatMap((row) => [rowOf(row) ?? []]),
  };
  const again = () =>
    keepArtifacts(
      { gate: new Gate(), counters: new Counters("x", () => 0), cursors: createCursors("x") },
      rows,
      folder,
    );
  const store = again();
  await store.put(testArtifact(content));
  const forge = (fields: Partial<KeptArtifact>) => {
    const row = kept.get(digest);
    if (row !== undefined) kept.set(digest, { ...row, ...fields });
  };
  const overwrite = (bytes: Uint8Array) => writeFileSync(join(folder, readdirSync(folder)[0] ?? ""), bytes);
  return { store, again, forge, overwrite };
}

async function bytesOf(segment: Segment): Promise<Buffer> {
  if (segment instanceof Uint8Array) return Buffer.from(segment);
  const parts: Buffer[] = [];
  for await (const chunk of segment) parts.push(Buffer.from(chunk));
  return Buffer.concat(parts);
}

const opened = async (store: ArtifactStore) => {
  await using artifact = await store.open(digest);
  return (await bytesOf(artifact.payload.slice(0, length))).equals(content);
};

describe("an artifact in a store", () => {
  it("is opened once all its bytes have its digest, by whoever kept it and by others", async () => {
    const { store, again } = await stage();
    expect([await opened(store), await opened(again())]).toEqual([true, true]);
  });

  const cut = content.subarray(0, -1);
  const longer = Buffer.concat([content, Buffer.from("x")]);
  it.each([
    ["other bytes", other, { blocks: tableOf(other) }],
    ["fewer bytes", cut, { blocks: tableOf(cut), length: cut.length }],
    ["more bytes", longer, { blocks: tableOf(longer), length: longer.length }],
    ["no more than the beginning", content, { blocks: tableOf(content.subarray(0, blockSize)), length: blockSize }],
  ])("is not opened where file and row were forged together: %s", async (_, bytes, fields) => {
    const { store, again, overwrite, forge } = await stage();
    overwrite(bytes);
    forge(fields);
    for (const one of [store, again()]) await expectCode(one.open(digest), "artifact_digest_mismatch");
  });

  it("is not opened where the file or the row alone was changed", async () => {
    const { store, again, overwrite, forge } = await stage();
    forge({ blocks: tableOf(other) });
    for (const one of [store, again()]) await expectCode(one.open(digest), "artifact_changed");
    forge({ blocks: tableOf(content) });
    overwrite(other);
    await expectCode(again().open(digest), "artifact_changed");
    forge({ blocks: tableOf(content).subarray(0, 40), length: length + blockSize });
    await expectCode(again().open(digest), "artifact_changed");
  });

  it("is read whole once, however often it is opened, and each block again before it leaves", async () => {
    const { store, again, overwrite } = await stage();
    const third = again();
    expect(await opened(third)).toBe(true);
    overwrite(other);
    for (const one of [store, third]) {
      await using artifact = await one.open(digest);
      expect(await artifact.payload.hash("sha256")).toBe(digest);
      expect((await bytesOf(artifact.payload.slice(0, blockSize))).equals(content.subarray(0, blockSize))).toBe(true);
      await expectCode(bytesOf(artifact.payload.slice(0, length)), "artifact_changed");
      await expectCode(artifact.payload.hash("sha256", { start: 0, end: length - 1 }), "artifact_changed");
    }
  });

  it.each<Partial<KeptArtifact>>([
    { boards: "{" },
    { boards: '{"length":1}' },
    { boards: '["a\\nb"]' },
    { length: 0 },
    { length: 0.5 },
    { name: "a\u001b[2J" },
    { version: "1\n" },
    { file: "../x" },
  ])("is not opened by a row that no put made: %j", async (fields) => {
    const { store, forge } = await stage();
    forge(fields);
    await expectCode(store.open(digest), "registry_failed");
  });

  it("is no further read once the caller's signal has aborted", async () => {
    const { again } = await stage();
    const caller = new AbortController();
    const opening = again().open(digest, { signal: caller.signal });
    caller.abort();
    await expectCode(opening, "aborted");
  });
});

describe("proven tables", () => {
  const nowhere = { path: join(root, "nowhere"), length: 1 };

  it("are remembered, and forgotten before they take more than 4 MiB", async () => {
    const tables = new ProvenTables();
    const table = (fill: number) => Buffer.alloc(1_048_576, fill);
    for (let at = 0; at < 4; at++) tables.add(`${at}`, table(at));
    // Again: it is the same one, and takes no more.
    tables.add("0", table(0));
    for (let at = 0; at < 4; at++) await tables.prove(`${at}`, { ...nowhere, blocks: table(at) }, () => {});
    tables.add("5", table(5));
    await tables.prove("5", { ...nowhere, blocks: table(5) }, () => {});
    await expectCode(
      tables.prove("0", { ...nowhere, blocks: table(0) }, () => {}),
      "artifact_unreadable",
    );
  });

  it("are another's where a byte of them differs", async () => {
    const tables = new ProvenTables();
    tables.add("a", Buffer.alloc(32));
    for (const blocks of [Buffer.alloc(32, 1), Buffer.alloc(64), Buffer.alloc(0)])
      await expectCode(
        tables.prove("a", { ...nowhere, blocks }, () => {}),
        "artifact_unreadable",
      );
  });
});
