// The shared store against what happens to processes and servers: writers that are killed or stopped, several that write,
// a server that is killed, a disk that is full, readers that follow.
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
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
      while ((await other.query(waiting)).rowCount === 0);
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

  it("is durable although its database says otherwise", async () => {
    const client = await connect();
    await (await openPostgresRegistry(url))[Symbol.asyncDispose]();
    await client.query("SET synchronous_commit = off; BEGIN");
    const given = JSON.stringify([{ id: "a", address: "http://10.0.0.1" }]);
    for (const call of ["put_devices(1, $1, 0)", "observe_devices(1, $1)", "append_reports(1, $1)"]) {
      await client.query("SET LOCAL synchronous_commit = off");
      await client.query(`SELECT * FROM flashwave.${call}`, [given]);
      expect((await client.query("SHOW synchronous_commit")).rows, call).toEqual([{ synchronous_commit: "on" }]);
    }
    await client.end();
  });
});
