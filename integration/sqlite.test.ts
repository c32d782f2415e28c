// The embedded store against what happens to files: processes that are killed, several that write, a log that is torn,
// disks that are full or cannot be written.
import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, describe, expect, it } from "vitest";
import { systemClock } from "../src/core/clock.ts";
import { openSqliteRegistry } from "../src/registry/sqlite/index.ts";
import { Acknowledged } from "./acknowledged.ts";
import { figure, scale } from "./long.ts";
import { emptyStart, violationsOf } from "./registry-integrity.ts";
import { mountSmall } from "./small-disk.ts";
import { devicesOf, follow, Writer, type Written } from "./writer.ts";

const folder = mkdtempSync(join(tmpdir(), "flashwave-files-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function integrity(path: string): unknown {
  using file = new DatabaseSync(path);
  return [file.prepare("PRAGMA integrity_check").all(), file.prepare("PRAGMA foreign_key_check").all()];
}

const sound = [[{ integrity_check: "ok" }], []];

describe("a process that is killed while it writes", () => {
  const kills = scale(20, 200);

  it(`has lost nothing that was acknowledged, ${kills} times over`, { timeout: 120_000 * kills }, async () => {
    const path = join(folder, "killed.db");
    const all: Written[] = [];
    const acknowledged = new Acknowledged();
    const start = await emptyStart(() => openSqliteRegistry(path));
    for (let round = 0; round < kills; round += 1) {
      const writer = new Writer(path, `r${round}`, { artifacts: `${path}.artifacts` });
      const enough = 1 + Math.floor(Math.random() * scale(40, 200));
      await writer.hasWritten(enough);
      all.push(...(await writer.kill()));
      acknowledged.add(writer.lines);
      await using registry = await openSqliteRegistry(path);
      await acknowledged.check(registry);
      expect(await violationsOf(registry, start)).toEqual([]);
      const there = await devicesOf(registry);
      for (const { id, revision, i } of all) {
        expect(there.get(id), `${id} of round ${round}`).toMatchObject({ revision, lastSeen: i, firmware: `1.${i}.0` });
      }
    }
    expect(all.length).toBeGreaterThan(kills);
    figure("kills", { kills, "acknowledged writes": all.length, ...acknowledged.figures() });
    expect(integrity(path)).toEqual(sound);
  });
});

describe("several processes that write one file", () => {
  it("lose nothing of each other, nor does who follows them", { timeout: 120_000 }, async () => {
    const path = join(folder, "shared.db");
    await using registry = await openSqliteRegistry(path);
    const { feed } = await registry.devices.page();
    const count = 300;
    const writers = ["a", "b", "c", "d"].map((name) => new Writer(path, name, { count }));
    const codes = Promise.all(writers.map((writer) => writer.ended()));
    const heard = await follow(registry, feed, codes);
    expect(await codes).toEqual([0, 0, 0, 0]);
    const written = writers.flatMap((writer) => writer.written);
    expect(written).toHaveLength(4 * count);
    expect(heard.sort()).toEqual(written.map(({ id }) => `created ${id}`).sort());
    expect(new Set(written.map(({ revision }) => revision)).size).toBe(4 * count);
    expect((await devicesOf(registry)).size).toBe(4 * count);
    expect(integrity(path)).toEqual(sound);
  });
});

describe("who follows a fleet by the time of each row's last change", () => {
  it("loses what came in the same millisecond, or after the clock was set back; the feed loses nothing", async () => {
    const path = join(folder, "times.db");
    let now = 1_000;
    await using registry = await openSqliteRegistry(path, { clock: { ...systemClock, wall: () => now } });
    using file = new DatabaseSync(path, { readOnly: true });
    const newer = file.prepare("SELECT id, updated_at FROM device WHERE updated_at > ? ORDER BY updated_at");
    let [{ feed }, latest] = [await registry.devices.page(), 0];
    const [byTime, byFeed]: [unknown[], unknown[]] = [[], []];
    for (const [id, at] of Object.entries({ a: 1_000, b: 1_000, c: 900, d: 1_001 })) {
      now = at;
      await registry.devices.put([{ id, address: "http://10.0.0.1" }]);
      for (const row of newer.all(latest)) {
        byTime.push(row["id"]);
        latest = Number(row["updated_at"]);
      }
      const { changes, cursor } = await registry.devices.changes(feed);
      feed = cursor;
      byFeed.push(...changes.map((change) => change.id));
    }
    expect([byTime, byFeed]).toEqual([
      ["a", "d"],
      ["a", "b", "c", "d"],
    ]);
  });
});

describe("a write-ahead log that was torn", () => {
  it("ends at a whole transaction, whatever was cut off or flipped", { timeout: 120_000 }, async () => {
    const [path, copy] = [join(folder, "torn.db"), join(folder, "copy.db")];
    const registry = await openSqliteRegistry(path);
    // Each write is a transaction of two rows; one without the other would be half of one.
    for (let i = 0; i < 40; i += 1) {
      await registry.devices.put([
        { id: `left-${i}`, address: "http://10.0.0.1" },
        { id: `right-${i}`, address: "http://10.0.0.1" },
      ]);
    }
    const [main, log] = [readFileSync(path), readFileSync(`${path}-wal`)];
    await registry[Symbol.asyncDispose]();
    expect(log.byteLength).toBeGreaterThan(100_000);
    const sizes = new Set<number>();
    for (let round = 0; round < scale(100, 300); round += 1) {
      for (const suffix of ["", "-wal", "-shm"]) rmSync(`${copy}${suffix}`, { force: true });
      writeFileSync(copy, main);
      const at = Math.floor(Math.random() * log.byteLength);
      const flipped = Buffer.from(log);
      flipped[at] = (flipped[at] ?? 0) ^ 0x10;
      writeFileSync(`${copy}-wal`, round % 2 === 0 ? log.subarray(0, at) : flipped);
      sizes.add(await checkPrefix(copy));
    }
    expect(sizes.size).toBeGreaterThan(5); // it was cut in different places
  });
});

/** Every write up to one is there whole, and nothing after it. Returns how many. */
async function checkPrefix(path: string): Promise<number> {
  await using registry = await openSqliteRegistry(path);
  const ids = [...(await devicesOf(registry)).keys()];
  const whole = ids.length / 2;
  const expected = Array.from({ length: whole }, (_, i) => [`left-${i}`, `right-${i}`]).flat();
  expect(ids.sort()).toEqual(expected.sort());
  return whole;
}

describe("a disk that is full", () => {
  it("refuses what does not fit, keeps what it took, and goes on", async (context) => {
    const mount = join(folder, "small");
    using disk = mountSmall(mount, "2m");
    if (disk === undefined) return context.skip("only root may mount a tmpfs");
    const path = join(mount, "fleet.db");
    await using registry = await openSqliteRegistry(path);
    const kept: string[] = [];
    const metadata = { text: "x".repeat(4_096) };
    const put = async (id: string) => {
      await registry.devices.put([{ id, address: "http://10.0.0.1", metadata }]);
      kept.push(id);
    };
    const fill = async () => {
      for (let i = 0; i < 2_000; i += 1) await put(`d${i}`);
    };
    await expect(fill()).rejects.toMatchObject({ code: "registry_failed", retryable: true });
    expect(kept.length).toBeGreaterThan(50);
    expect([...(await devicesOf(registry)).keys()].sort()).toEqual([...kept].sort());
    execFileSync("mount", ["-o", "remount,size=16m", mount]);
    await put("after");
    expect((await devicesOf(registry)).size).toBe(kept.length);
    expect(integrity(path)).toEqual(sound);
  });
});

describe("a file that cannot be written", () => {
  it("is refused with what to do, and left as it was", async () => {
    const path = join(folder, "locked.db");
    await (await openSqliteRegistry(path))[Symbol.asyncDispose]();
    const locked = join(folder, "locked");
    execFileSync("mkdir", [locked]);
    copyFileSync(path, join(locked, "fleet.db"));
    chmodSync(join(locked, "fleet.db"), 0o444);
    chmodSync(locked, 0o555);
    chmodSync(folder, 0o755);
    const script = `
      const { openSqliteRegistry } = await import(${JSON.stringify(join(import.meta.dirname, "../src/registry/sqlite/index.ts"))});
      await openSqliteRegistry(process.argv[1]).then(() => console.log("opened"), ({ code, message }) => console.log(code, message));`;
    // Root may write anything: it steps down to nobody.
    const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
    const said = execFileSync(process.execPath, ["--input-type=module", "-e", script, join(locked, "fleet.db")], {
      encoding: "utf8",
      ...nobody,
    });
    const where = JSON.stringify(join(locked, "fleet.db"));
    expect(said).toContain(`registry_failed ${where}: the database cannot be written: make its file`);
    expect(existsSync(join(locked, "fleet.db-wal"))).toBe(false);
    chmodSync(locked, 0o755);
  });
});
