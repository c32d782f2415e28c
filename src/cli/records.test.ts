import { rmSync, writeFileSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { type Dialect, defaultPaths, plainDialect } from "../../mocks/index.ts";
import type { DeliveryRecord } from "../core/index.ts";
import { exitCodes } from "./exit-codes.ts";
import { fileName, openRecords } from "./records.ts";
import { hasty, Rig, run, runHere } from "./run.suite.ts";

const at = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
const record = (id: string): DeliveryRecord => ({
  format: "flashwave-delivery-record/1",
  outcome: "sent",
  startedAt: at,
  endedAt: at,
  device: { id, certificates: [] },
  artifact: { name: "fw", version: "", length: 1, digest: "" },
  attempts: [],
  readBack: { reads: 0 },
});

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "flashwave-records-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

describe("a record's file name", () => {
  it.each([
    ["till-4", "20260102T030405Z-till-4.json"],
    ["../../etc/passwd", "20260102T030405Z-..%2F..%2Fetc%2Fpasswd.json"],
    ["a b\\c:d*e?", "20260102T030405Z-a%20b%5Cc%3Ad%2Ae%3F.json"],
    ["Käse", "20260102T030405Z-K%C3%A4se.json"],
    ["100%41", "20260102T030405Z-100%2541.json"],
  ])("of %j is %s", (id, name) => expect(fileName({ device: { id, certificates: [] }, startedAt: at })).toBe(name));

  it("of long ids is short, and no two alike", () => {
    const names = ["x".repeat(256), `${"x".repeat(255)}y`].map((id) => fileName(record(id)));
    for (const name of names) expect(name.length).toBeLessThan(130);
    expect(new Set(names).size).toBe(2);
  });
});

describe("records", () => {
  it("are written whole, for their owner alone, and leave nothing else behind", async () => {
    const path = join(await folder(), "new", "deeper");
    const kept = await (await openRecords(path, 2)).keep(record("a"));
    expect(JSON.parse(await readFile(kept, "utf8"))).toEqual(record("a"));
    expect(await readdir(path)).toEqual(["20260102T030405Z-a.json"]);
    expect((await stat(kept)).mode & 0o777).toBe(0o600);
  });

  it("never take another's place", async () => {
    const path = await folder();
    const records = await openRecords(path, 1);
    await writeFile(join(path, fileName(record("a"))), "mine");
    await Promise.all([1, 2, 3].map(() => records.keep(record("a"))));
    expect((await readdir(path)).sort()).toEqual([
      "20260102T030405Z-a.2.json",
      "20260102T030405Z-a.3.json",
      "20260102T030405Z-a.4.json",
      "20260102T030405Z-a.json",
    ]);
    expect(await readFile(join(path, fileName(record("a"))), "utf8")).toBe("mine");
  });

  it("of one device may be one file", async () => {
    const path = join(await folder(), "one.json");
    expect(await (await openRecords(path, 1)).keep(record("a"))).toBe(path);
    await expect(openRecords(path, 1)).rejects.toThrow("is there already");
    await expect(openRecords(`${path}.json`, 2)).rejects.toThrow("cannot hold 2 devices");
  });

  it("are refused a place that is none, before anything is sent", async () => {
    const file = join(await folder(), "file");
    await writeFile(file, "");
    await expect(openRecords(file, 1)).rejects.toThrow("--record");
    await expect(openRecords(join(file, "below"), 1)).rejects.toThrow("cannot be a folder (ENOTDIR)");
    await expect(openRecords("", 1)).rejects.toThrow("give it a folder");
  });
});

it("flashwave update --record keeps one file per device, whatever became of it", async () => {
  await using rig = new Rig();
  const [good, bad] = [await rig.device({ id: "a" }), await rig.device({ id: "b" })];
  bad.alwaysFail(403);
  const path = join(await rig.directory(), "kept");
  const devices = [`a/1=${good.url}`, `b=${bad.url}`];
  const args = ["--firmware-version", "2.0.0", ...hasty, "--record", path, "--json", "--to", ...devices];
  const { code, out } = await run(["update", await rig.image(), ...args]);
  expect(code).toBe(3);
  expect(out).not.toContain("flashwave-delivery-record");
  const names = (await readdir(path)).sort();
  expect(names.map((name) => name.slice(17))).toEqual(["a%2F1.json", "b.json"]);
  const kept = await Promise.all(names.map(async (name) => JSON.parse(await readFile(join(path, name), "utf8"))));
  expect(kept).toMatchObject([
    { outcome: "updated", device: { id: "a/1", origin: good.url }, readBack: { evidence: { version: "2.0.0" } } },
    { outcome: "failed", device: { id: "b" }, error: { code: "refused", status: 403 } },
  ]);
});

it("a record that cannot be written when it is due ends with 3 and says so, and the outcome is told all the same", async () => {
  await using rig = new Rig();
  const path = join(await rig.directory(), "kept");
  const plain = plainDialect(defaultPaths);
  // By the time of the outcome there is a file where the folder was.
  const dialect: Dialect = {
    ...plain,
    answer(device, endpoint, asked, effect) {
      if (endpoint === "update") {
        rmSync(path, { recursive: true, force: true });
        writeFileSync(path, "");
      }
      return plain.answer(device, endpoint, asked, effect);
    },
  };
  const args = ["--firmware-version", "2.0.0", ...hasty, "--record", path, "--force", "--quiet", "--to"];
  for (const json of [[], ["--json"]]) {
    const device = await rig.device({ id: "a", dialect });
    const ended = await runHere(["update", await rig.image(), ...args, `a=${device.url}`, ...json]);
    expect(ended).toMatchObject({
      code: exitCodes.failed,
      out: expect.stringContaining("updated"),
      err: expect.stringContaining("The record of a could not be written (ENOTDIR); its outcome stands."),
    });
    expect(device.device.version).toBe("2.0.0");
    rmSync(path);
  }
});
