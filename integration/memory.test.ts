import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { forkSink, writeFirmware } from "../mocks/index.ts";

const mib = 1024 * 1024;
let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "flashwave-memory-"));
});
afterAll(() => rm(directory, { recursive: true }));

/** Peak resident bytes of a process that opens and pushes a file of this length, and nothing else. */
async function peakOf(length: number): Promise<number> {
  const file = await writeFirmware(join(directory, "fw.bin"), { version: "2.0.0", length });
  await using sink = await forkSink({ hash: true });
  const child = fork(join(import.meta.dirname, "memory-child.ts"), [file.path, sink.url, file.digest], {
    execArgv: [],
  });
  const exited = once(child, "exit");
  const told = await Promise.race([
    once(child, "message"),
    exited.then(([code]) => Promise.reject(new Error(`exit ${code}`))),
  ]);
  expect(await exited).toEqual([0, null]);
  const [{ peak, bytes }] = told as [{ peak: number; bytes: number }];
  expect(bytes).toBe(length);
  expect(await sink.counters()).toMatchObject({ requests: 1, bytes: length, lastDigest: file.digest });
  return peak;
}

it("1 GB takes no more memory than 100 MB, and little more than 10 MB", async () => {
  const peaks = new Map<number, number>();
  for (const size of [10, 100, 1_024]) peaks.set(size, await peakOf(size * mib));
  const growth = (from: number) => ((peaks.get(1_024) ?? 0) - (peaks.get(from) ?? 0)) / mib;
  const figures = [...peaks].map(([size, peak]) => `${size} MiB: ${(peak / mib).toFixed(0)} MiB`);
  console.log(`peak resident set by size: ${figures.join(", ")}; growth from 10 MiB: ${growth(10).toFixed(1)} MiB`);
  expect(growth(10)).toBeLessThanOrEqual(64);
  expect(growth(100)).toBeLessThanOrEqual(64);
}, 120_000);
