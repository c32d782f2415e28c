import { execFileSync } from "node:child_process";
import { copyFile, mkdir, open, rename, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { expect, test } from "vitest";
import { createBufferPool } from "./buffer-pool.ts";
import { collect, Folder, failure, openIn, pattern, SlowPeer, sendLawfully, sha256 } from "./kit.suite.ts";
import { openArtifact } from "./open-artifact.ts";

const block = 262_144;
const bytes = pattern(8 * block);

async function overwrite(path: string, at: number, value: Uint8Array): Promise<void> {
  const handle = await open(path, "r+");
  await handle.write(value, 0, value.length, at);
  await handle.close();
}

const changes: [string, RegExp, (path: string, folder: Folder) => Promise<unknown>][] = [
  ["grown", /has 2097153 bytes/, (path) => writeFile(path, "x", { flag: "a" })],
  ["shrunk", /has 5 bytes/, (path) => writeFile(path, "short")],
  ["written to", /was written to/, (path) => overwrite(path, 7, Buffer.from("x"))],
  ["touched", /was written to/, (path) => utimes(path, 1, 1)],
  ["deleted", /is gone/, (path) => rm(path)],
  [
    "replaced by a copy",
    /another file/,
    (path) => copyFile(path, `${path}.new`).then(() => rename(`${path}.new`, path)),
  ],
  ["replaced by a directory", /a directory/, (path) => rm(path).then(() => mkdir(path))],
  [
    "replaced by a link to the same bytes",
    /symbolic link/,
    (path) => rename(path, `${path}.old`).then(() => symlink(`${path}.old`, path)),
  ],
  ["replaced by a FIFO", /a FIFO/, (path) => rm(path).then(() => execFileSync("mkfifo", [path]))],
  [
    "replaced by a socket",
    /a socket/,
    async (path) => {
      await rm(path);
      const server = createServer().unref();
      await new Promise<void>((resolve) => server.listen(path, resolve));
    },
  ],
];

test.each(changes)("A file %s after opening is not sent", async (_what, message, change) => {
  await using folder = await Folder.make();
  const path = await folder.file("fw.bin", bytes);
  const pool = createBufferPool();
  await using artifact = await openArtifact(path, { cacheBytes: 0, pool });
  await change(path, folder);
  const error = await failure(collect(artifact.payload.slice(0, bytes.length)));
  expect(error).toMatchObject({ code: "artifact_changed", phase: "send", bytesOut: "none", retryable: false });
  expect(error.message).toMatch(message);
  expect(await failure(artifact.payload.hash("md5"))).toMatchObject({ code: "artifact_changed", phase: "artifact" });
  expect([pool.statistics().leased, await openIn(folder.path)]).toEqual([0, 0]);
});

test("A file in memory may change as it likes", async () => {
  await using folder = await Folder.make();
  const path = await folder.file("fw.bin", bytes);
  await using artifact = await openArtifact(path);
  await rm(path);
  expect((await collect(artifact.payload.slice(0, bytes.length))).equals(bytes)).toBe(true);
});

test("Mutated in mid-send, aborted, restored, resumed: no wrong byte leaves, and what is completed is right", async () => {
  await using folder = await Folder.make();
  const path = await folder.file("fw.bin", bytes);
  const { atime, mtime } = await stat(path);
  await utimes(path, atime, mtime); // whole milliseconds, so that the time can be put back exactly
  await using artifact = await openArtifact(path, { cacheBytes: 0, pool: createBufferPool({ poison: true }) });
  const arrived: Buffer[] = [];
  const send = async (start: number) => {
    const segment = artifact.payload.slice(start, bytes.length);
    if (segment instanceof Uint8Array) throw new Error("expected chunks");
    for await (const chunk of segment) {
      arrived.push(Buffer.from(chunk));
      if (arrived.length === 2) await overwrite(path, 5 * block + 9, Buffer.from([0xff, 0xfe, 0xfd]));
    }
  };
  expect(await failure(send(0))).toMatchObject({ code: "artifact_changed", phase: "send", bytesOut: "some" });
  const offset = Buffer.concat(arrived).length;
  expect(offset).toBe(5 * block);
  expect(Buffer.concat(arrived).equals(bytes.subarray(0, offset))).toBe(true);
  // Resumed with the file as it is, and with its time put back: the table still knows.
  expect(await failure(send(offset))).toMatchObject({ code: "artifact_changed", bytesOut: "none" });
  await utimes(path, atime, mtime);
  expect(await failure(send(offset))).toMatchObject({ code: "artifact_changed", message: /block 5 holds other bytes/ });
  expect(Buffer.concat(arrived).length).toBe(offset);
  // Restored, time and all: what is sent now is right.
  await overwrite(path, 5 * block + 9, bytes.subarray(5 * block + 9, 5 * block + 12));
  await utimes(path, atime, mtime);
  await send(offset);
  expect(sha256(Buffer.concat(arrived))).toBe(artifact.digest);
});

test("A wrong byte does not reach a slow device", async () => {
  await using folder = await Folder.make();
  const path = await folder.file("fw.bin", bytes);
  await using artifact = await openArtifact(path, { cacheBytes: 0, pool: createBufferPool() });
  await using peer = await SlowPeer.start();
  const segment = artifact.payload.slice(0, bytes.length);
  if (segment instanceof Uint8Array) throw new Error("expected chunks");
  const iterator = segment[Symbol.asyncIterator]();
  const first = await iterator.next();
  await overwrite(path, 4 * block, Buffer.from([1, 2, 3, 4, 5, 6]));
  const rest = { length: 0, [Symbol.asyncIterator]: () => iterator };
  peer.socket.write(first.value ?? "");
  expect(await failure(sendLawfully(peer.socket, rest))).toMatchObject({ code: "artifact_changed" });
  expect(await peer.received()).toBe(sha256(bytes.subarray(0, 4 * block)));
});
