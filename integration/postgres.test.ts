// The shared store against what happens to processes and servers: writers that are killed or stopped, several that write,
// a server that is killed, a disk that is full, readers that follow.
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { testArtifact } from "../src/registry/artifact-fixture.suite.ts";
import { openPostgresRegistry, type PostgresRegistry } from "../src/registry/postgres/index.ts";
import { Acknowledged } from "./acknowledged.ts";
import { figure, scale } from "./long.ts";
import { describePostgres, nobody, type PostgresServer, startPostgres } from "./peers/postgres.ts";
import { startOf, violationsOf } from "./registry-integrity.ts";
import { mountSmall } from "./small-disk.ts";
import { devicesOf, follow, Writer, type Written } from "./writer.ts";

describePostgres("a fleet in PostgreSQL", () => {
  let server: PostgresServer;
  let url: string;
  let databases = 0;

  beforeAll(async () => {
    server = await startPostgres({ durable: true });
  }, 120_000);
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  async function connect(to = url): Promise<pg.Client> {
    const client = new pg.Client(to);
    client.on("error", () => {}); // of a server that is killed
    await client.connect();
    return client;
  }

  beforeEach(async () => {
    databases += 1;
    const admin = await connect(server.url());
    await admin.query(`CREATE DATABASE fleet${databases}`);
    await admin.end();
    url = server.url(`fleet${databases}`);
  });

  async function expectAll(registry: PostgresRegistry, all: readonly Written[]): Promise<void> {
    const there = await devicesOf(registry);
    for (const { id, revision, i } of all) {
      expect(there.get(id), id).toMatchObject({ revision, lastSeen: i, firmware: `1.${i}.0` });
    }
    await expectSound();
  }

  /** Counters, feed and rows say the same, as every commit leaves them. */
  async function expectSound(): Promise<void> {
    const client = await connect();
    const { rows } = await client.query(`SELECT f.revision::int4 AS revision,
        greatest((SELECT max(revision) FROM flashwave.device_change),
          (SELECT max(revision) FROM flashwave.profile_version))::int4 AS feed,
        (SELECT sum(CASE change WHEN 0 THEN 1 WHEN 2 THEN -1 ELSE 0 END)::int4 FROM flashwave.device_change) AS created,
        (SELECT count(*)::int4 FROM flashwave.device) AS devices,
        (SELECT count(*)::int4 FROM flashwave.device_tag) AS tags
      FROM flashwave.fleet f`);
    await client.end();
    const [{ revision, feed, created, devices, tags }] = rows;
    expect([feed, created, tags]).toEqual([revision, devices, devices]);
  }

  /** Whoever logged in under a name has gone, and what it sent last has been done or refused. */
  async function leave(name: string): Promise<void> {
    const client = await connect();
    const of = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1";
    while (((await client.query(of, [name])).rowCount ?? 0) > 0);
    await client.end();
  }

  describe("a process that is killed while it writes", () => {
    const kills = scale(20, 200);

    it(`has lost nothing that was acknowledged, ${kills} times over`, { timeout: 60_000 * kills }, async () => {
      const all: Written[] = [];
      const acknowledged = new Acknowledged();
      const artifacts = join(server.folder, "artifacts");
      await using registry = await openPostgresRegistry(url, { artifacts });
      const start = await startOf(registry);
      for (let round = 0; round < kills; round += 1) {
        const writer = new Writer(`${url}?application_name=r${round}`, `r${round}`, { artifacts });
        await writer.hasWritten(1 + Math.floor(Math.random() * scale(40, 100)));
        all.push(...(await writer.kill()));
        acknowledged.add(writer.lines);
        await leave(`r${round}`);
        await expectAll(registry, all);
        await acknowledged.check(registry);
        expect(await violationsOf(registry, start)).toEqual([]);
      }
      expect(all.length).toBeGreaterThan(kills);
      figure("kills", { kills, "acknowledged writes": all.length, ...acknowledged.figures() });
    });
  });

  describe("a server that is killed while processes write", () => {
    const kills = scale(3, 40);

    it(`has lost nothing that was acknowledged, ${kills} times over`, { timeout: 60_000 * kills }, async () => {
      const all: Written[] = [];
      const acknowledged = new Acknowledged();
      const artifacts = join(server.folder, "artifacts");
      await using registry = await openPostgresRegistry(url, { artifacts });
      const start = await startOf(registry);
      for (let round = 0; round < kills; round += 1) {
        const writers = ["a", "b"].map((name) => new Writer(url, `${name}${round}`, { artifacts, stderr: "ignore" }));
        const enough = 1 + Math.floor(Math.random() * 100);
        await Promise.all(writers.map((writer) => writer.hasWritten(enough)));
        await server.kill();
        await expect(registry.devices.getMany(["a"])).rejects.toMatchObject({
          code: "registry_failed",
          retryable: true,
        });
        expect(await Promise.all(writers.map((writer) => writer.ended()))).toEqual([1, 1]);
        for (const { written, lines } of writers) {
          all.push(...written);
          acknowledged.add(lines);
        }
        await server.start();
        await expectAll(registry, all);
        await acknowledged.check(registry);
        expect(await violationsOf(registry, start)).toEqual([]);
      }
      expect(all.length).toBeGreaterThan(kills);
      figure("kills", { kills, "acknowledged writes": all.length, ...acknowledged.figures() });
    });
  });

  describe("several processes that write one fleet", () => {
    it("lose nothing of each other, nor does who follows them", { timeout: 120_000 }, async () => {
      await using registry = await openPostgresRegistry(url);
      const { feed } = await registry.devices.page();
      const count = 200;
      const writers = ["a", "b", "c", "d"].map((name) => new Writer(url, name, { count }));
      const codes = Promise.all(writers.map((writer) => writer.ended()));
      const heard = await follow(registry, feed, codes);
      expect(await codes).toEqual([0, 0, 0, 0]);
      const written = writers.flatMap((writer) => writer.written);
      expect(written).toHaveLength(4 * count);
      expect(heard.sort()).toEqual(written.map(({ id }) => `created ${id}`).sort());
      expect(new Set(written.map(({ revision }) => revision)).size).toBe(4 * count);
      await expectAll(registry, written);
    });

    it("do not wait for one that was stopped in the middle of whatever it did", { timeout: 120_000 }, async () => {
      await using registry = await openPostgresRegistry(url);
      const stopped: Writer[] = [];
      for (let round = 0; round < 5; round += 1) {
        const writer = new Writer(url, `s${round}`);
        await writer.hasWritten(10 + Math.floor(Math.random() * 30));
        writer.process.kill("SIGSTOP");
        stopped.push(writer);
        expect(
          await registry.devices.put([{ id: `r${round}`, address: "http://10.0.0.1", tags: ["r"] }]),
        ).toMatchObject([{ result: "created" }]);
      }
      for (const writer of stopped) await writer.kill();
      await expectSound();
    });
  });

  describe("who follows a fleet", () => {
    let one: pg.Client;
    let other: pg.Client;

    beforeEach(async () => {
      [one, other] = [await connect(), await connect(server.url())];
    });
    afterEach(async () => {
      await Promise.all([one.end(), other.end()]);
    });

    const seqs = async (sql: string, after: readonly unknown[]) => (await other.query(sql, [...after])).rows;

    it("by a sequence's numbers loses what is committed after a later number was read", async () => {
      await other.query(
        "DROP TABLE IF EXISTS naive; CREATE TABLE naive (seq int4 GENERATED ALWAYS AS IDENTITY, row text)",
      );
      const writer = await connect(server.url());
      await writer.query("BEGIN; INSERT INTO naive (row) VALUES ('first')");
      await other.query("INSERT INTO naive (row) VALUES ('second')");
      const after = "SELECT seq, row FROM naive WHERE seq > $1 ORDER BY seq";
      expect(await seqs(after, [0])).toEqual([{ seq: 2, row: "second" }]);
      await writer.query("COMMIT");
      expect(await seqs(after, [2])).toEqual([]); // the first is never seen
      await writer.end();
    });

    it("by transactions that have all ended loses nothing, but hears of nothing while any database's transaction is open", async () => {
      await other.query(`DROP TABLE IF EXISTS ordered; CREATE TABLE ordered (
        tx xid8 DEFAULT pg_current_xact_id(), seq int4 GENERATED ALWAYS AS IDENTITY, row text)`);
      const after = `SELECT row FROM ordered WHERE tx < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY tx, seq`;
      await one.query("CREATE TABLE elsewhere (n int4); BEGIN; INSERT INTO elsewhere VALUES (1)"); // of another database
      await other.query("INSERT INTO ordered (row) VALUES ('committed')");
      expect(await seqs(after, [])).toEqual([]);
      await one.query("COMMIT");
      expect(await seqs(after, [])).toEqual([{ row: "committed" }]);
    });

    it("by the feed loses nothing, and hears of each change once it is committed", async () => {
      await using registry = await openPostgresRegistry(url);
      let { feed } = await registry.devices.page();
      const heard: string[] = [];
      const read = async () => {
        const { changes, cursor } = await registry.devices.changes(feed);
        feed = cursor;
        heard.push(...changes.map(({ id }) => id));
        return heard.join(" ");
      };
      const given = JSON.stringify([{ id: "first", address: "http://10.0.0.1" }]);
      await other.query("BEGIN; SELECT pg_current_xact_id()"); // of another database: it holds nobody up
      await one.query("BEGIN");
      await one.query("SELECT flashwave.put_devices(1, $1, 0)", [given]);
      const second = registry.devices.put([{ id: "second", address: "http://10.0.0.1" }]);
      const waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%put_devices%'";
      const admin = await connect(); // in a transaction, what was seen of others first is all that is ever seen
      while ((await admin.query(waiting)).rowCount === 0);
      await admin.end();
      expect(await read()).toBe("");
      await one.query("COMMIT");
      await second;
      expect(await read()).toBe("first second");
      await other.query("COMMIT");
    });

    it("holds every row, whatever was committed while it read the pages", async () => {
      await using registry = await openPostgresRegistry(url);
      const put = (id: string, name: string) => registry.devices.put([{ id, address: "http://10.0.0.1", name }]);
      for (const id of ["a", "b", "c"]) await put(id, "old");
      const first = await registry.devices.page({}, { limit: 1 });
      await Promise.all([put("a", "new"), put("c", "new"), put("d", "new")]);
      const rest = await registry.devices.page({}, { limit: 10, after: first.next ?? "" });
      await put("b", "new");
      const mirror = new Map([...first.items, ...rest.items].map((row) => [row.id, row.name]));
      for (const change of (await registry.devices.changes(first.feed)).changes) {
        if ("row" in change) mirror.set(change.id, change.row.name);
      }
      expect(Object.fromEntries(mirror)).toEqual({ a: "new", b: "new", c: "new", d: "new" });
    });
  });

  describe("whose disk is full", () => {
    it("takes nothing of a write, still reads, and goes on when there is room", {
      timeout: 60_000,
    }, async (context) => {
      const mount = join(server.folder, "small");
      using disk = mountSmall(mount, "16m", nobody);
      if (disk === undefined) return context.skip("only root may mount a tmpfs");
      const admin = await connect(server.url());
      await admin.query(`CREATE TABLESPACE small LOCATION '${mount}'`);
      await admin.query("CREATE DATABASE small TABLESPACE small");
      try {
        await using registry = await openPostgresRegistry(server.url("small"));
        const kept: string[] = [];
        const metadata = { text: randomBytes(3_000).toString("base64") }; // PostgreSQL would compress what repeats itself
        const put = async (round: number) => {
          const ids = Array.from({ length: 50 }, (_, i) => `d${round}-${i}`);
          await registry.devices.put(ids.map((id) => ({ id, address: "http://10.0.0.1", metadata })));
          kept.push(...ids);
        };
        const fill = async () => {
          for (let round = 0; round < 500; round += 1) await put(round);
        };
        await expect(fill()).rejects.toMatchObject({
          code: "registry_failed",
          retryable: true,
          message: expect.stringMatching(
            /^"127.0.0.1:\d+\/small": the database has no room.*nothing of this commit was written/,
          ),
        });
        expect([...(await devicesOf(registry)).keys()].sort()).toEqual([...kept].sort());
        execFileSync("mount", ["-o", "remount,size=32m", mount]);
        await put(500);
        expect((await devicesOf(registry)).size).toBe(kept.length);
      } finally {
        await admin.query("DROP DATABASE small WITH (FORCE)");
        await admin.query("DROP TABLESPACE small");
        await admin.end();
      }
    });
  });

  describe("whose database has synchronous_commit off", () => {
    const address = "http://10.0.0.1";
    const artifact = (i: number) => testArtifact(`bytes ${i}`);
    type Write = (registry: PostgresRegistry, i: number) => Promise<unknown>;
    const writes = Object.entries({
      "a device put": ({ devices }, i) => devices.put([{ id: `put ${i}`, address }]),
      "a device observed": ({ devices }, i) => devices.observe([{ id: "d", seenAt: i }]),
      "a device removed": ({ devices }, i) => devices.remove([`d${i}`]),
      "a profile put": ({ profiles }, i) => profiles.put([{ id: `put ${i}`, name: "P" }]),
      "a profile removed": ({ profiles }, i) => profiles.remove([`p${i}`]),
      "an artifact put": ({ artifacts }, i) => artifacts.put(artifact(10 + i)),
      "an artifact removed": ({ artifacts }, i) => artifacts.remove(artifact(i).ref.digest),
      "a report appended": ({ reports }, i) => reports.append([{ id: `put ${i}`, device: "e", kind: "delivery" }]),
      "reports cut off": ({ reports }, i) => reports.removeBefore(Date.now() + 1_000, { device: `e${i}` }),
      "a new fleet": async (_, i) => (await openPostgresRegistry(url, { fleet: `new ${i}` }))[Symbol.asyncDispose](),
    } satisfies Record<string, Write>);
    let lazy: PostgresServer;

    beforeAll(async () => {
      // What is not flushed at once stays so for longer than a test takes.
      lazy = await startPostgres({ durable: true, settings: { wal_writer_delay: "10s", autovacuum: "off" } });
    }, 120_000);
    afterAll(async () => {
      await lazy[Symbol.asyncDispose]();
    });

    it("has all the same on the disk what a write returned", async () => {
      const admin = await connect(lazy.url());
      await admin.query("CREATE DATABASE lazy");
      await admin.query("ALTER DATABASE lazy SET synchronous_commit = off");
      url = lazy.url("lazy");
      const behind = async () =>
        (await admin.query("SELECT pg_current_wal_insert_lsn() - pg_current_wal_flush_lsn() AS behind")).rows[0].behind;
      await using registry = await openPostgresRegistry(url, { artifacts: join(lazy.folder, "artifacts") });
      const { devices, profiles, artifacts, reports } = registry;
      const tries = [1, 2, 3];
      await devices.put(["d", "e", ...tries.flatMap((i) => [`d${i}`, `e${i}`])].map((id) => ({ id, address })));
      await profiles.put(tries.map((i) => ({ id: `p${i}`, name: "P" })));
      await reports.append(tries.map((i) => ({ id: "r", device: `e${i}`, kind: "log" })));
      for (const i of tries) await artifacts.put(artifact(i));
      // The server writes of its own accord, too, and need not flush that: what is there each time is the write's own.
      const unflushed: Record<string, number> = {};
      for (const [what, write] of writes) {
        for (const i of tries) {
          await write(registry, i);
          unflushed[what] = Math.min(unflushed[what] ?? Number.POSITIVE_INFINITY, Number(await behind()));
        }
      }
      expect(unflushed).toEqual(Object.fromEntries(writes.map(([what]) => [what, 0])));
      const client = await connect(url);
      await client.query("CREATE TABLE witness (n int4)");
      expect(Number(await behind())).toBeGreaterThan(0); // so a write would be seen that does not wait
      await Promise.all([client.end(), admin.end()]);
    });
  });
});
