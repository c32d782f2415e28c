import { appendFileSync, chmodSync, mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { startDeviceServer } from "../mocks/index.ts";
import { type FlashwaveErrorCode, openArtifact } from "../src/index.ts";
import { badInputRig, bytes, refused, version } from "./bad-input-rig.ts";
import { fastClient } from "./kit.ts";

badInputRig();
const aborted = AbortSignal.abort(new Error("changed my mind"));

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "flashwave-bad-"));
  mkdirSync(join(directory, "folder"));
  mkdirSync(join(directory, "spool"));
  writeFileSync(join(directory, "fw.bin"), bytes);
  writeFileSync(join(directory, "empty.bin"), "");
  writeFileSync(join(directory, "secret.bin"), bytes);
  chmodSync(join(directory, "secret.bin"), 0o000);
});
afterAll(() => rm(directory, { recursive: true }));
afterEach(async () => expect(await readdir(join(directory, "spool"))).toEqual([]));

const at = (name: string) => join(directory, name);
async function* endless(): AsyncGenerator<Uint8Array> {
  for (;;) yield bytes;
}

describe("an artifact that cannot be opened", () => {
  const cases: readonly (readonly [string, () => unknown, FlashwaveErrorCode, RegExp])[] = [
    ["a missing file", () => openArtifact(at("missing.bin")), "artifact_unreadable", /check that it exists/],
    ["a file in a missing folder", () => openArtifact(at("no/fw.bin")), "artifact_unreadable", /check that it exists/],
    ["a path through a file", () => openArtifact(at("fw.bin/x")), "artifact_unreadable", /check that it exists/],
    ["a directory", () => openArtifact(at("folder")), "artifact_unreadable", /Name a file in it/],
    ["a device", () => openArtifact("/dev/null"), "artifact_unreadable", /Pass it as a stream/],
    ["an empty path", () => openArtifact(""), "invalid_option", /path/],
    ["a path with NUL", () => openArtifact(`${at("fw.bin")}\0.txt`), "invalid_option", /NUL/],
    ["a URL over the network", () => openArtifact(new URL("https://127.0.0.1/fw.bin")), "invalid_option", /fetch it/],
    ["an empty file", () => openArtifact(at("empty.bin")), "artifact_empty", /allowEmpty/],
    ["no bytes", () => openArtifact(new Uint8Array()), "artifact_empty", /allowEmpty/],
    ["a stream without bytes", () => openArtifact(Readable.from([])), "artifact_empty", /allowEmpty/],
    [
      "another digest",
      () => openArtifact(at("fw.bin"), { digest: "ab".repeat(32) }),
      "artifact_digest_mismatch",
      /expected was/,
    ],
    [
      "bytes of another digest",
      () => openArtifact(bytes, { digest: "ab".repeat(32) }),
      "artifact_digest_mismatch",
      /expected was/,
    ],
    [
      "a spooled stream of another digest",
      () =>
        openArtifact(Readable.from([bytes]), {
          digest: "ab".repeat(32),
          cacheBytes: 0,
          spool: { directory: at("spool") },
        }),
      "artifact_digest_mismatch",
      /expected was/,
    ],
    ["a digest that is none", () => openArtifact(bytes, { digest: "sha256" }), "invalid_option", /64 hexadecimal/],
    [
      "a digest of the wrong type",
      () => openArtifact(bytes, { digest: 7 as never }),
      "invalid_option",
      /64 hexadecimal/,
    ],
    ["a misspelt option", () => openArtifact(bytes, { digset: "ab" } as never), "invalid_option", /no option "digset"/],
    ["a version with a line break", () => openArtifact(bytes, { version: "2\r\n" }), "invalid_option", /printable/],
    ["a version that is a number", () => openArtifact(bytes, { version: 2 as never }), "invalid_option", /printable/],
    ["a name that is a path", () => openArtifact(bytes, { name: "../fw.bin" }), "invalid_option", /path/],
    ["hardware that is no list", () => openArtifact(bytes, { hardware: "r2" as never }), "invalid_option", /list/],
    ["a cache below zero", () => openArtifact(bytes, { cacheBytes: -1 }), "invalid_option", /cacheBytes/],
    ["a number", () => openArtifact(42 as never), "invalid_option", /path/],
    ["null", () => openArtifact(null as never), "invalid_option", /path/],
    ["options that are null", () => openArtifact(bytes, null as never), "invalid_option", /object/],
    ["a stream that fails", () => openArtifact(Readable.from(failing())), "artifact_unreadable", /./],
    [
      "a function that throws",
      () =>
        openArtifact(() => {
          throw new Error("no");
        }),
      "artifact_unreadable",
      /cause/,
    ],
    ["a function that returns nothing", () => openArtifact((() => undefined) as never), "invalid_option", /stream/],
    [
      "a one-shot stream without a spool",
      () => openArtifact(Readable.from([bytes]), { spool: false }),
      "artifact_not_replayable",
      /allow a spool/,
    ],
    [
      "a spool that is not there",
      () => openArtifact(Readable.from([bytes]), { cacheBytes: 0, spool: { directory: at("nowhere") } }),
      "spool_failed",
      /another spool directory/,
    ],
    ["a file, but aborted", () => openArtifact(at("fw.bin"), { signal: aborted }), "aborted", /signal/],
    [
      "an endless stream, then aborted",
      () =>
        openArtifact(endless(), { cacheBytes: 0, spool: { directory: at("spool") }, signal: AbortSignal.timeout(50) }),
      "aborted",
      /signal/,
    ],
  ];
  it.each(cases)("%s", (_, call, code, advice) => refused(call, code, advice));

  it("a file that may not be read", () =>
    asNobody(() => refused(() => openArtifact(at("secret.bin")), "artifact_unreadable", /may be read/)));
});

/** Root may read everything: where the tests run as root, they step down for the while. */
async function asNobody(work: () => Promise<void>): Promise<void> {
  const root = process.geteuid?.() === 0;
  if (root) process.seteuid?.(65_534);
  try {
    await work();
  } finally {
    if (root) process.seteuid?.(0);
  }
}

async function* failing(): AsyncGenerator<Uint8Array> {
  yield bytes;
  throw new Error("the disk went away");
}

describe("a file that is no longer what was opened", () => {
  it.each([
    ["shrinks", (path: string) => truncateSync(path, 100_000)],
    ["grows", (path: string) => appendFileSync(path, "more")],
    ["changes", (path: string) => writeFileSync(path, Buffer.alloc(bytes.length, 8))],
    ["vanishes", (path: string) => rm(path)],
  ])("it %s", async (what, change) => {
    const path = at(`${what}.bin`);
    writeFileSync(path, bytes);
    await using opened = await openArtifact(path, { version, cacheBytes: 0 });
    await change(path);
    await using server = await startDeviceServer({ id: "pos-001" });
    await using client = fastClient();
    const device = { id: "pos-001", address: server.url };
    await refused(() => client.push(device, opened), "artifact_changed", /open it anew/);
    const outcome = await client.update(device, opened, { force: true });
    expect(outcome).toMatchObject({ status: "failed", error: { code: "artifact_changed" } });
    expect(server.device.received.filter(({ bytes: taken }) => taken > 0)).toEqual([]);
  });
});
