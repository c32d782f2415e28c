import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, describe, expect, it } from "vitest";
import { Database, type DatabaseOptions, readSetting, type Schema, settings, type TransactionHooks } from "./index.ts";

const folder = mkdtempSync(join(tmpdir(), "flashwave-store-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const schema: Schema = { applicationId: 42, migrations: ["CREATE TABLE t (n INTEGER PRIMARY KEY, text TEXT) STRICT"] };
const hooks: TransactionHooks = { begin() {}, end() {}, mark: () => () => {} };
const add = "INSERT INTO t (n, text) VALUES (?, ?)";
const all = "SELECT n FROM t ORDER BY n";

let files = 0;
function newPath(): string {
  files += 1;
  return join(folder, `${files}.db`);
}

const failure = (file: string, words: string, retryable = false) => ({
  code: "registry_failed",
  retryable,
  message: expect.stringContaining(`${JSON.stringify(file)}: ${words}`),
});

class Rig implements AsyncDisposable {
  readonly path: string;
  readonly database: Database;

  private constructor(path: string, database: Database) {
    this.path = path;
    this.database = database;
  }

  static async open(options: Partial<DatabaseOptions> = {}, around: TransactionHooks = hooks): Promise<Rig> {
    const path = newPath();
    const database = await Database.open(path, { schema, ...options });
    database.begin(around);
    return new Rig(path, database);
  }

  add(n: number, text = ""): Promise<number> {
    return this.database.write((on) => on.run(add, n, text));
  }

  async numbers(): Promise<unknown[]> {
    return (await this.database.read((on) => on.all(all))).map(([n]) => n);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.database.close();
  }
}

describe("a connection", () => {
  it("is set as it should be: what reads, and what writes", async () => {
    await using rig = await Rig.open();
    for (const { database } of [rig.database.writer, rig.database.reader]) {
      const read = Object.keys(settings).map((name) => [name, readSetting(database, name)]);
      expect(Object.fromEntries(read)).toEqual(settings);
      expect(readSetting(database, "journal_mode")).toBe("wal");
    }
    expect(settings).toMatchObject({ synchronous: 2, foreign_keys: 1, busy_timeout: 0, temp_store: 2 });
    expect(settings).toMatchObject({ mmap_size: 256 * 1_048_576 });
  });

  it("reads with one that cannot write", async () => {
    await using rig = await Rig.open();
    await expect(rig.database.read((on) => on.run(add, 1, ""))).rejects.toMatchObject(
      failure(rig.path, "the database cannot be written"),
    );
    expect(await rig.numbers()).toEqual([]);
    await rig.add(1);
    expect(await rig.numbers()).toEqual([1]);
  });

  it("marks no place to go back to for a write that is alone, which goes back to the beginning", async () => {
    await using rig = await Rig.open();
    const before = rig.database.statistics().statements;
    await rig.add(1);
    expect(rig.database.statistics().statements - before).toBe(3); // BEGIN, the write, COMMIT
    const half = rig.database.write((on) => {
      on.run(add, 2, "");
      on.run(add, 1, "");
    });
    await expect(half).rejects.toMatchObject({ code: "registry_failed" });
    expect(await rig.numbers()).toEqual([1]);
    await rig.add(3);
    expect(await rig.numbers()).toEqual([1, 3]);
    expect(rig.database.statistics().commits).toBe(2);
  });

  it("settles each of several writes also where no place to go back to can be marked", async () => {
    let marks = 0;
    const around = {
      ...hooks,
      mark: () => {
        marks += 1;
        if (marks === 2) throw new Error("no mark");
        return () => {};
      },
    };
    await using rig = await Rig.open({}, around);
    const settled = await Promise.allSettled([rig.add(1), rig.add(2), rig.add(3)]);
    expect(settled.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(await rig.numbers()).toEqual([1, 3]);
  });

  it("prepares each statement once", async () => {
    await using rig = await Rig.open();
    await rig.add(1);
    const before = rig.database.statistics().statements;
    for (let i = 0; i < 5; i += 1) await rig.numbers();
    expect(rig.database.statistics().statements - before).toBe(15); // BEGIN, SELECT, COMMIT
  });
});

describe("group commit", () => {
  it("commits all that is asked for in one turn at once", async () => {
    await using rig = await Rig.open();
    const numbers = Array.from({ length: 50 }, (_, i) => i);
    await Promise.all(numbers.map((n) => rig.add(n)));
    expect(rig.database.statistics().commits).toBeLessThan(numbers.length / 5);
    expect(await rig.numbers()).toEqual(numbers);
  });

  it("acknowledges only what another connection can see", async () => {
    await using rig = await Rig.open();
    const witness = new DatabaseSync(rig.path, { readOnly: true });
    const count = witness.prepare("SELECT count(*) AS n FROM t WHERE n = ?");
    const seen = Array.from({ length: 100 }, async (_, n) => {
      await rig.add(n);
      return count.get(n)?.["n"];
    });
    expect(await Promise.all(seen)).toEqual(seen.map(() => 1));
    witness.close();
  });

  it("takes back the part of a write that fails, and that part alone", async () => {
    let marks = 0;
    const undone: number[] = [];
    const around: TransactionHooks = {
      ...hooks,
      mark() {
        marks += 1;
        const mark = marks;
        return () => undone.push(mark);
      },
    };
    await using rig = await Rig.open({}, around);
    const noMore = new Error("no more");
    const good = rig.add(1);
    const bad = rig.database.write((on) => {
      on.run(add, 2, "");
      throw noMore;
    });
    const twice = rig.database.write((on) => {
      on.run(add, 3, "");
      on.run(add, 1, "");
    });
    const results = await Promise.allSettled([good, bad, twice, rig.add(4)]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected", "fulfilled"]);
    await expect(bad).rejects.toBe(noMore);
    await expect(twice).rejects.toMatchObject(failure(rig.path, "the change would break the database's integrity"));
    expect(await rig.numbers()).toEqual([1, 4]);
    expect([marks, undone]).toEqual([4, [2, 3]]);
  });

  it("acknowledges nothing of a commit that failed", async () => {
    const child = "CREATE TABLE child (n INTEGER REFERENCES t (n) DEFERRABLE INITIALLY DEFERRED) STRICT";
    await using rig = await Rig.open({ schema: { ...schema, migrations: [...schema.migrations, child] } });
    const orphan = rig.database.write((on) => on.run("INSERT INTO child VALUES (99)"));
    const results = await Promise.allSettled([rig.add(1), orphan, rig.add(2)]);
    for (const result of results) expect(result).toMatchObject({ reason: { code: "registry_failed" } });
    expect([await rig.numbers(), rig.database.statistics().commits]).toEqual([[], 0]);
    await rig.add(3);
    expect(await rig.numbers()).toEqual([3]);
  });

  it("refuses what it cannot begin, and begins again for the next", async () => {
    let broken = true;
    const begin = () => {
      if (broken) throw new Error("not now");
    };
    await using rig = await Rig.open({}, { ...hooks, begin });
    await expect(rig.add(1)).rejects.toThrow("not now");
    broken = false;
    await rig.add(2);
    expect(await rig.numbers()).toEqual([2]);
  });

  it("gives the event loop its turn between transactions of a long queue", async () => {
    await using rig = await Rig.open();
    let turns = 0;
    let done = false;
    const count = () => {
      turns += 1;
      if (!done) setImmediate(count);
    };
    setImmediate(count);
    const slow = "INSERT INTO t SELECT ?1 * 10000 + value, '' FROM generate";
    const generate =
      "WITH RECURSIVE generate (value) AS (SELECT 0 UNION ALL SELECT value + 1 FROM generate WHERE value < 5000)";
    await Promise.all(
      Array.from({ length: 20 }, (_, i) => rig.database.write((on) => on.run(`${generate} ${slow}`, i))),
    );
    done = true;
    expect(rig.database.statistics().commits).toBeGreaterThan(1);
    expect(turns).toBeGreaterThanOrEqual(rig.database.statistics().commits);
  });

  it("finishes what it was given before it closes", async () => {
    const rig = await Rig.open();
    const writes = Promise.all([rig.add(1), rig.add(2)]);
    await Promise.all([rig.database.close(), rig.database.close()]);
    expect(await writes).toEqual([1, 1]);
    for (const call of [rig.add(3), rig.numbers()]) {
      await expect(call).rejects.toMatchObject(failure(rig.path, "the database was closed meanwhile"));
    }
    using file = new DatabaseSync(rig.path);
    expect(file.prepare(all).all()).toHaveLength(2);
  });
});

describe("a file that somebody else writes to", () => {
  it("is waited for without blocking the event loop", async () => {
    await using rig = await Rig.open();
    using other = new DatabaseSync(rig.path, { timeout: 0 });
    other.exec("BEGIN IMMEDIATE; INSERT INTO t VALUES (100, '')");
    const write = rig.add(1);
    // The lock is let go from a turn that could not come if the thread slept.
    while (rig.database.statistics().busyWaits < 3) await new Promise((resolve) => setImmediate(resolve));
    expect(await rig.numbers()).toEqual([]);
    other.exec("COMMIT");
    await write;
    expect(await rig.numbers()).toEqual([1, 100]);
  });

  it("is given up in the end, and says that trying again may help", async () => {
    await using rig = await Rig.open({ patience: 20 });
    using other = new DatabaseSync(rig.path, { timeout: 0 });
    other.exec("BEGIN IMMEDIATE");
    await expect(Promise.all([rig.add(1), rig.add(2)])).rejects.toMatchObject(
      failure(rig.path, "the database is in use by another process", true),
    );
    other.exec("ROLLBACK");
    await rig.add(3);
    expect(await rig.numbers()).toEqual([3]);
  });
});

describe("a disk without room", () => {
  it("takes nothing of a write, still reads, and goes on when there is room", async () => {
    await using rig = await Rig.open();
    await rig.add(1);
    const { database } = rig.database.writer;
    const pages = Number(readSetting(database, "page_count"));
    database.exec(`PRAGMA max_page_count = ${pages + 2}`);
    const large = "x".repeat(100_000);
    const writes = await Promise.allSettled([rig.add(2, large), rig.add(3, large)]);
    for (const write of writes) {
      expect(write).toMatchObject({ reason: failure(rig.path, "the disk is full", true) });
    }
    expect(await rig.numbers()).toEqual([1]);
    await rig.add(4);
    database.exec("PRAGMA max_page_count = 1000000");
    await rig.add(5, large);
    expect(await rig.numbers()).toEqual([1, 4, 5]);
    expect(database.prepare("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
  });
});

describe("reads that follow each other", () => {
  it("let the event loop have its turn", async () => {
    await using rig = await Rig.open();
    let turns = 0;
    const timer = setInterval(() => {
      turns += 1;
    }, 1);
    let reads = 0;
    const reader = async () => {
      for (; turns < 5 && reads < 200_000; reads += 1) await rig.database.read((on) => on.all(all));
    };
    await Promise.all([reader(), reader()]);
    clearInterval(timer);
    expect(turns).toBe(5);
    expect(reads).toBeGreaterThan(5);
  });
});
