// The embedded store against what happens to files: processes that are killed, several that write, a log that is torn,
// disks that are full or cannot be written.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, describe, expect, it } from "vitest";
import type { RegisteredDevice } from "../src/core/registry.ts";
import { openSqliteRegistry, type SqliteRegistry } from "../src/registry/sqlite/index.ts";

const folder = mkdtempSync(join(tmpdir(), "flashwave-files-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Written {
  readonly id: string;
  readonly revision: number;
  readonly i: number;
}

/** A writer in a process of its own, and what it was told is kept. */
class Writer {
  readonly process: ChildProcess;
  #text = "";

  constructor(path: string, name: string, count = 0) {
    const file = join(import.meta.dirname, "sqlite-writer.ts");
    this.process = spawn(process.execPath, [file, path, name, String(count)], { stdio: ["ignore", "pipe", "inherit"] });
    this.process.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.#text += text;
    });
  }

  /** Whole lines alone: the last may have been cut by a kill. */
  get written(): readonly Written[] {
    const lines = this.#text.slice(0, this.#text.lastIndexOf("\n") + 1).split("\n");
    return lines.filter(Boolean).map((line) => {
      const [id = "", revision, i] = line.split(" ");
      return { id, revision: Number(revision), i: Number(i) };
    });
  }

  async ended(): Promise<number | null> {
    const [code] = this.process.exitCode === null ? await once(this.process, "close") : [this.process.exitCode];
    return code as number | null;
  }

  async kill(): Promise<readonly Written[]> {
    this.process.kill("SIGKILL");
    if (this.process.signalCode === null || this.process.stdout?.readableEnded === false) {
      await once(this.process, "close");
    }
    return this.written;
  }
}

async function devicesOf(registry: SqliteRegistry): Promise<Map<string, RegisteredDevice>> {
  const found = new Map<string, RegisteredDevice>();
  for (let after: string | undefined, first = true; first || after !== undefined; first = false) {
    const page = await registry.devices.page({}, { limit: 1_000, ...(after === undefined ? {} : { after }) });
    for (const row of page.items) found.set(row.id, row);
    after = page.next;
  }
  return found;
}

function integrity(path: string): unknown {
  using file = new DatabaseSync(path);
  return [file.prepare("PRAGMA integrity_check").all(), file.prepare("PRAGMA foreign_key_check").all()];
}

const sound = [[{ integrity_check: "ok" }], []];

describe("a process that is killed while it writes", () => {
  it("has lost nothing that was acknowledged, 20 times over", { timeout: 120_000 }, async () => {
    const path = join(folder, "killed.db");
    const all: Written[] = [];
    for (let round = 0; round < 20; round += 1) {
      const writer = new Writer(path, `r${round}`);
      const enough = 1 + Math.floor(Math.random() * 200);
      while (writer.written.length < enough) await once(writer.process.stdout as NodeJS.ReadableStream, "data");
      all.push(...(await writer.kill()));
      await using registry = await openSqliteRegistry(path);
      const there = await devicesOf(registry);
      for (const { id, revision, i } of all) {
        expect(there.get(id), `${id} of round ${round}`).toMatchObject({ revision, lastSeen: i, firmware: `1.${i}.0` });
      }
    }
    expect(all.length).toBeGreaterThan(20);
    expect(integrity(path)).toEqual(sound);
  });
});

describe("several processes that write one file", () => {
  it("lose nothing of each other, nor does who follows them", { timeout: 120_000 }, async () => {
    const path = join(folder, "shared.db");
    await using registry = await openSqliteRegistry(path);
    let cursor = (await registry.devices.page()).feed;
    const count = 300;
    const writers = ["a", "b", "c", "d"].map((name) => new Writer(path, name, count));
    const codes = Promise.all(writers.map((writer) => writer.ended()));
    let running = true;
    codes.finally(() => {
      running = false;
    });
    const heard: string[] = [];
    for (let more = true; running || more; ) {
      const read = await registry.devices.changes(cursor, { limit: 50 });
      ({ cursor, more } = read);
      heard.push(...read.changes.map(({ change, id }) => `${change} ${id}`));
      if (!more) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await codes).toEqual([0, 0, 0, 0]);
    const last = await registry.devices.changes(cursor, { limit: 1_000 });
    heard.push(...last.changes.map(({ change, id }) => `${change} ${id}`));
    const written = writers.flatMap((writer) => writer.written);
    expect(written).toHaveLength(4 * count);
    expect(heard.sort()).toEqual(written.map(({ id }) => `created ${id}`).sort());
    expect(new Set(written.map(({ revision }) => revision)).size).toBe(4 * count);
    expect((await devicesOf(registry)).size).toBe(4 * count);
    expect(integrity(path)).toEqual(sound);
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
    for (let round = 0; round < 100; round += 1) {
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
  const mount = join(folder, "small");
  const isMounted = mountSmall(mount);
  afterAll(() => {
    if (isMounted) execFileSync("umount", [mount]);
  });

  it.skipIf(!isMounted)("refuses what does not fit, keeps what it took, and goes on (needs a tmpfs)", async () => {
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

function mountSmall(at: string): boolean {
  try {
    execFileSync("mkdir", ["-p", at]);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", at], { stdio: "ignore" });
    return true;
  } catch {
    return false; // only root may mount
  }
}

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
    expect(said).toMatch(/^registry_failed the database cannot be written: make its file/);
    expect(existsSync(join(locked, "fleet.db-wal"))).toBe(false);
    chmodSync(locked, 0o755);
  });
});
