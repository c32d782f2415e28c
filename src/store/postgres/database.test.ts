import { inspect } from "node:util";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describePostgres, type PostgresServer, password, startPostgres } from "../../../integration/peers/postgres.ts";
import { Database, type DatabaseOptions, type Parameter, type Schema } from "./index.ts";
import { poolSettings } from "./pool.ts";
import { checkDatabase } from "./schema.ts";

const schema: Schema = {
  name: "own",
  migrations: ["CREATE TABLE own.t (n int4 PRIMARY KEY, text text); INSERT INTO own.t VALUES (0, 'first')"],
};
const second = "ALTER TABLE own.t ADD COLUMN more text; INSERT INTO own.t VALUES (-1, 'second')";
const current: Schema = { ...schema, migrations: [...schema.migrations, second] };

/** A failure of the database, which it names, or before any was known. */
const failure = (words: string, retryable = false, isPlaced = true) => ({
  name: "FlashwaveError",
  code: "registry_failed",
  retryable,
  message: expect.stringMatching(new RegExp(`^${isPlaced ? '"127.0.0.1:\\d+/[a-z0-9-]+": ' : '[^"]'}.*${words}`)),
});

describePostgres("a database that is shared", () => {
  let server: PostgresServer;
  let admin: pg.Client;
  let databases = 0;

  beforeAll(async () => {
    server = await startPostgres();
    admin = new pg.Client(server.url());
    await admin.connect();
  }, 120_000);
  afterAll(async () => {
    await admin.end();
    await server[Symbol.asyncDispose]();
  });

  async function newDatabase(): Promise<string> {
    databases += 1;
    await admin.query(`CREATE DATABASE d${databases}`);
    return server.url(`d${databases}`);
  }

  const open = (url: string, options: Partial<DatabaseOptions> = {}) => Database.open(url, { schema, ...options });

  const write = (database: Database, sql: string, ...parameters: Parameter[]) =>
    database.write(async () => database.attempt((on) => on.all(sql, ...parameters)), [0]);

  const numbers = async (database: Database) =>
    (await database.all("SELECT n FROM own.t ORDER BY n")).map(([n]) => n as number);

  async function query(url: string, sql: string): Promise<unknown[][]> {
    const client = new pg.Client(url);
    await client.connect();
    try {
      return (await client.query({ text: sql, rowMode: "array" })).rows as unknown[][];
    } finally {
      await client.end();
    }
  }

  describe("migrations", () => {
    it("fill an empty database, and do each step once", async () => {
      const url = await newDatabase();
      for (const [version, rows] of [
        [schema, [0]],
        [schema, [0]],
        [current, [-1, 0]],
        [current, [-1, 0]],
      ] as const) {
        const database = await open(url, { schema: version });
        expect(await numbers(database)).toEqual(rows);
        await database.close();
      }
    });

    it("are done once by any number of starters", async () => {
      const url = await newDatabase();
      const starters = await Promise.all(Array.from({ length: 8 }, () => open(url, { schema: current })));
      for (const database of starters) {
        expect(await numbers(database)).toEqual([-1, 0]);
        await database.close();
      }
    });

    it("leave a database as it was when a step fails", async () => {
      const url = await newDatabase();
      const broken = { ...schema, migrations: [...schema.migrations, "CREATE TABLE own.b (n int4); SELECT 1 / 0"] };
      await expect(open(url, { schema: broken })).rejects.toMatchObject(failure("a value does not fit"));
      expect(await query(url, "SELECT 1 FROM pg_namespace WHERE nspname = 'own'")).toEqual([]);
      await (await open(url)).close();
    });
  });

  describe("what cannot be worked with is refused, and left as it was:", () => {
    it("a newer schema, also one that came between look and lock", async () => {
      const url = await newDatabase();
      await (await open(url, { schema: current })).close();
      await expect(open(url)).rejects.toMatchObject(failure("schema version 2, this Flashwave knows 1"));
      const { migration } = await import("./schema.ts");
      await expect(query(url, migration(schema))).rejects.toThrow("schema version 2, this Flashwave knows 1");
    });

    it("another program's schema of the same name", async () => {
      const url = await newDatabase();
      await query(url, "CREATE SCHEMA own; CREATE TABLE own.theirs (n int4)");
      await expect(open(url)).rejects.toMatchObject(failure("another program's"));
      expect(await query(url, "SELECT relname FROM pg_class WHERE relnamespace = 'own'::regnamespace")).toEqual([
        ["theirs"],
      ]);
    });

    it("a server that is too old, and one with another encoding", async () => {
      const found = { server: 140_000, encoding: "UTF8", version: 0, foreign: false };
      expect(() => checkDatabase(found, schema, "here")).not.toThrow();
      for (const [old, name] of [
        [139_999, "13"],
        [130_023, "13"],
        [90_600, "9"],
        [0, "0"],
        [Number.NaN, "NaN"],
      ] as const) {
        const check = () => checkDatabase({ ...found, server: old }, schema, "here");
        expect(check).toThrow(`"here": PostgreSQL 14 or newer is needed, this is ${name}; upgrade`);
      }
      await admin.query("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0");
      await expect(open(server.url("latin"))).rejects.toMatchObject(failure("encoding UTF8"));
    });

    it("a user without rights; with them it only needs those to use what is there", async () => {
      const url = await newDatabase();
      await admin.query("CREATE ROLE guest LOGIN PASSWORD 'guest'");
      const guest = url.replace(/\/\/.*@/, "//guest:guest@");
      await expect(open(guest)).rejects.toMatchObject(failure("lacks rights"));
      await (await open(url)).close();
      await query(url, "GRANT USAGE ON SCHEMA own TO guest; GRANT SELECT ON own.schema_version, own.t TO guest");
      const database = await open(guest);
      expect(await numbers(database)).toEqual([0]);
      await expect(write(database, "INSERT INTO own.t VALUES (1)")).rejects.toMatchObject(failure("lacks rights"));
      expect(await numbers(database)).toEqual([0]);
      await database.close();
    });

    it("a database that takes no writes", async () => {
      const url = await newDatabase();
      await query(url, `ALTER DATABASE d${databases} SET default_transaction_read_only = on`);
      await expect(open(url)).rejects.toMatchObject(failure("takes no writes"));
    });
  });

  describe("what cannot be reached fails with where and what to do, and without the password:", () => {
    it.each([
      ["another password", (url: string) => url.replace(/:[^:@/]+@/, ":wr0ng-s3cret@"), "refused the login", false],
      ["no such database", (url: string) => `${url}-none`, "no such database", false],
      ["a server without TLS", (url: string) => `${url}?sslmode=verify-full`, "the database has none", false],
      ["nothing that listens", (url: string) => url.replace(/:\d+\//, ":1/"), "nothing listens", true],
      ["no such port", (url: string) => url.replace(/:\d+\//, ":99999/"), "cannot be read", false, false],
      ["a broken string", (url: string) => url.replace("127.0.0.1", "[::"), "cannot be read", false, false],
      ["a certificate that is not there", (url: string) => `${url}?sslrootcert=/no/ca.pem`, "ENOENT", false, false],
      // Half of the password is the port then, the other half a part of the database's name.
      [
        "a password with a slash",
        () => "postgres://127.0.0.1:1/wr0ng-s3cret@db.example/fleets",
        "nothing",
        true,
        false,
      ],
    ])("%s", async (_, spoil, words, retryable, isPlaced = true) => {
      const url = spoil(server.url());
      const error = await open(url).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).toMatchObject(failure(words, retryable, isPlaced));
      const printed = `${inspect(error, { depth: 9, showHidden: true })}${JSON.stringify(error)}`;
      for (const secret of [password, encodeURIComponent(password), "wr0ng-s3cret"]) {
        expect(printed).not.toContain(secret);
      }
    });
  });

  it("tells nothing of what a client hangs on its errors", async () => {
    const error = Object.assign(new Error("broken"), { client: { password: "s3cret" } });
    const told = await Database.open({ connect: () => Promise.reject(error) }, { schema }).catch((reason) => reason);
    expect(told).toMatchObject({ code: "registry_failed", cause: { message: "broken" } });
    expect(inspect(told, { depth: 9, showHidden: true })).not.toContain("s3cret");
  });

  describe("a pool", () => {
    it("of our own is set as it should be, and closed", async () => {
      const url = await newDatabase();
      const database = await open(url);
      const sessions = `SELECT count(*)::int4 FROM pg_stat_activity WHERE application_name = 'flashwave' AND datname = 'd${databases}'`;
      await Promise.all(Array.from({ length: 50 }, () => database.all("SELECT pg_sleep(0.02)")));
      expect((await admin.query({ text: sessions, rowMode: "array" })).rows).toEqual([[10]]);
      await database.close();
      await database.close();
      await expect(database.all("SELECT 1")).rejects.toMatchObject(failure("closed"));
      await expect(write(database, "SELECT 1")).rejects.toMatchObject(failure("closed"));
      expect(poolSettings).toMatchObject({ max: 10, connectionTimeoutMillis: 10_000 });
      expect(poolSettings).toMatchObject({ idleTimeoutMillis: 300_000, maxLifetimeSeconds: 1_800 });
    });

    it("of the caller stays open, as it was, with all listeners taken off", async () => {
      const pool = new pg.Pool({ connectionString: await newDatabase(), max: 1 });
      const database = await Database.open(pool, { schema });
      expect(await database.all("SELECT 1::int8, 'a', true, '\\x01ff'::bytea, NULL")).toEqual([
        [1, "a", true, Buffer.of(1, 255), null],
      ]);
      for (let i = 0; i < 3; i += 1) await database.all("SELECT $1::int4", i);
      await expect(database.all("SELECT 1 / 0")).rejects.toMatchObject(failure("does not fit"));
      await database.close();
      const client = await pool.connect();
      expect((await client.query("SELECT 1::int8 AS n")).rows).toEqual([{ n: "1" }]); // int8 is text to the caller still
      expect(client.listenerCount("error")).toBe(0);
      // Parsed once, under a name, however often it is run.
      const named = "SELECT name, generic_plans + custom_plans AS calls FROM pg_prepared_statements";
      expect((await client.query(named)).rows).toContainEqual({
        name: expect.stringMatching(/^flashwave_[0-9a-f]{32}$/),
        calls: "3",
      });
      client.release();
      expect(pool.totalCount).toBe(1); // a refused statement costs no connection
      await pool.end();
    });

    it("that is full is waited for no longer than it says", async () => {
      const pool = new pg.Pool({ connectionString: await newDatabase(), max: 1, connectionTimeoutMillis: 2_000 });
      const database = await Database.open(pool, { schema });
      const held = await pool.connect();
      await expect(database.all("SELECT 1")).rejects.toMatchObject(failure("no connection was free", true));
      held.release();
      expect(await database.all("SELECT 1")).toEqual([[1]]);
      await pool.end();
    });
  });

  describe("a pool of the caller's own setting", () => {
    const opened = async (config: pg.PoolConfig, patience = 30_000) => {
      const url = await newDatabase();
      await (await open(url)).close();
      const pool = new pg.Pool({ connectionString: url, ...config });
      return { url, pool, database: await Database.open(pool, { schema, patience }) };
    };

    it("is waited for no longer than patience, and loses no connection by that", async () => {
      const { pool, database } = await opened({ max: 1 }, 300);
      const held = await pool.connect();
      await expect(database.all("SELECT 1")).rejects.toMatchObject(
        failure("gave no connection within 300 ms, and nothing was sent; give it more connections", true),
      );
      held.release();
      expect(await database.all("SELECT 1")).toEqual([[1]]);
      expect([pool.totalCount, pool.idleCount, pool.waitingCount]).toEqual([1, 1, 0]);
      await pool.end();
    });

    it("may write bytes in either form", async () => {
      const all = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
      const texts = ["", "\\x41", "'\\\\x", "\\101"].map((text) => Buffer.from(text));
      for (const form of ["hex", "escape"]) {
        const { pool, database } = await opened({ options: `-c bytea_output=${form}` });
        for (const bytes of [all, ...texts]) expect(await database.all("SELECT $1::bytea", bytes)).toEqual([[bytes]]);
        await pool.end();
      }
    });

    it("must not have pg's binary form, which spoils values; the connection goes back", async () => {
      const pool = new pg.Pool({ ...{ connectionString: await newDatabase(), binary: true } });
      await expect(Database.open(pool, { schema })).rejects.toMatchObject(failure("option binary"));
      expect([pool.totalCount, pool.idleCount]).toEqual([1, 1]);
      await pool.end();
    });

    it("may limit how long locks are waited for: what that ends is tried again, until patience ends", async () => {
      const { url, pool, database } = await opened({ options: "-c lock_timeout=20" }, 1_000);
      const other = new pg.Client(url);
      await other.connect();
      const update = () => write(database, "UPDATE own.t SET text = 'ours'");
      await other.query("BEGIN; UPDATE own.t SET text = 'other'");
      await expect(update()).rejects.toMatchObject(failure("lock_timeout", true));
      const waited = update();
      const before = database.statistics().retries;
      while (database.statistics().retries === before) await other.query("SELECT 1");
      await other.query("COMMIT");
      await waited;
      expect(await database.all("SELECT text FROM own.t")).toEqual([["ours"]]);
      await Promise.all([other.end(), pool.end()]);
    });
  });

  describe("group commit", () => {
    const step = (database: Database) => async (rows: readonly number[]) =>
      database.attempt((on) => on.all("INSERT INTO own.t SELECT unnest($1::int4[]) RETURNING n", rows));

    it("writes all that is asked for in one turn at once, each with its own results", async () => {
      const database = await open(await newDatabase());
      const add = step(database);
      const before = database.statistics().statements;
      const results = await Promise.all(Array.from({ length: 50 }, (_, i) => database.write(add, [i + 1, 1_000 + i])));
      expect(results).toEqual(Array.from({ length: 50 }, (_, i) => [[i + 1], [1_000 + i]]));
      const { statements, commits } = database.statistics();
      expect([statements - before, commits]).toEqual([1, 1]);
      await database.close();
    });

    it("keeps the order in which it was asked, whatever kind of write", async () => {
      const database = await open(await newDatabase());
      const order: string[] = [];
      const kind = (name: string) => async (rows: readonly number[]) => {
        order.push(`${name} ${rows.length}`);
        return rows;
      };
      const [a, b] = [kind("a"), kind("b")];
      await Promise.all([a, a, b, a, b, b].map((one) => database.write(one, [1])));
      expect(order).toEqual(["a 2", "b 1", "a 1", "b 2"]);
      await database.close();
    });

    it("takes back the write that is refused, and that one alone", async () => {
      const database = await open(await newDatabase());
      const add = step(database);
      const writes = [[1, 2], [3, 3], [0], [4]].map((rows) => database.write(add, rows));
      const results = await Promise.allSettled(writes);
      expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected", "fulfilled"]);
      expect(results[1]).toMatchObject({ reason: failure("integrity") });
      expect(await numbers(database)).toEqual([0, 1, 2, 4]);
      await database.close();
    });

    it("finishes what it was given before it closes", async () => {
      const url = await newDatabase();
      const database = await open(url);
      const writes = Promise.all([
        write(database, "INSERT INTO own.t VALUES (1)"),
        write(database, "INSERT INTO own.t VALUES (2)"),
      ]);
      await database.close();
      await writes;
      expect(await query(url, "SELECT n FROM own.t ORDER BY n")).toEqual([[0], [1], [2]]);
    });
  });

  describe("what the server gives up for others is tried again:", () => {
    it("a deadlock", async () => {
      const url = await newDatabase();
      await query(url, `ALTER DATABASE d${databases} SET deadlock_timeout = '3s'`);
      const database = await open(url);
      await write(database, "INSERT INTO own.t VALUES (1), (2)");
      const other = new pg.Client(url);
      await other.connect();
      await other.query("SET deadlock_timeout = '1h'; BEGIN; UPDATE own.t SET text = 'other' WHERE n = 1"); // never the one to give up
      const both = write(
        database,
        `WITH a AS (UPDATE own.t SET text = 'ours' WHERE n = 2 RETURNING 1), b AS (SELECT count(*) AS c FROM a)
          UPDATE own.t SET text = 'ours' FROM b WHERE n = 1 AND c = 1`,
      );
      const waiting = `SELECT 1 FROM pg_stat_activity WHERE datname = 'd${databases}' AND wait_event_type = 'Lock'`;
      while ((await admin.query(waiting)).rowCount === 0);
      await other.query("UPDATE own.t SET text = 'other' WHERE n = 2"); // goes on once the other was given up
      await other.query("COMMIT");
      await other.end();
      await both;
      expect(database.statistics().retries).toBeGreaterThan(0);
      expect(await database.all("SELECT text FROM own.t WHERE n > 0")).toEqual([["ours"], ["ours"]]);
      await database.close();
    });

    it("in vain, until patience ends", async () => {
      const url = await newDatabase();
      await (await open(url)).close();
      const database = await open(url, { patience: 1_000 });
      const raise = "DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END $$";
      await expect(write(database, raise)).rejects.toMatchObject(failure("again and again", true));
      expect(database.statistics().retries).toBeGreaterThan(1);
      await database.close();
    });
  });

  describe("a connection that is lost", () => {
    const terminate = (url: string) =>
      admin.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND application_name = 'flashwave'",
        [url.slice(url.lastIndexOf("/") + 1)],
      );

    it("while it is idle is noticed by the next read, which takes another", async () => {
      const url = await newDatabase();
      const database = await open(url);
      for (let i = 0; i < 3; i += 1) {
        await terminate(url);
        expect(await numbers(database)).toEqual([0]);
      }
      await database.close();
    });

    it("in the middle of a write fails it, and says that it may have happened; the next write goes on", async () => {
      const url = await newDatabase();
      const database = await open(url);
      const slow = write(database, "INSERT INTO own.t SELECT 5 FROM pg_sleep(30)");
      const refused = expect(slow).rejects.toMatchObject(failure("ended the connection", true));
      const active =
        "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%SELECT 5 FROM pg_sleep(30)%' AND pid <> pg_backend_pid()";
      while ((await admin.query(active)).rowCount === 0);
      await terminate(url);
      await refused;
      await write(database, "INSERT INTO own.t VALUES (6)");
      expect(await numbers(database)).toEqual([0, 6]);
      await database.close();
    });

    it("without a word is given up after its time, and its answer taken for no other's", async () => {
      const url = await newDatabase();
      await (await open(url)).close();
      const database = await open(url, { patience: 1_000 });
      await expect(database.all("SELECT 7, pg_sleep(60)")).rejects.toMatchObject(
        failure("no answer within 1000 ms.*may or may not have happened", true),
      );
      expect(await database.all("SELECT 8")).toEqual([[8]]);
      await database.close();
    });

    it("of a statement that takes too long has the server give it up: it holds nothing, and does not happen later", async () => {
      const url = await newDatabase();
      await (await open(url)).close();
      const pool = new pg.Pool({ connectionString: url, max: 1 });
      const database = await Database.open(pool, { schema, patience: 300 });
      const other = new pg.Client(url);
      await other.connect();
      const slow = write(database, "UPDATE own.t SET text = pg_sleep(60)::text");
      await expect(slow).rejects.toMatchObject(failure("no answer within 300 ms", true));
      await other.query("BEGIN; UPDATE own.t SET text = 'other'"); // waits for the row
      const late = write(database, "UPDATE own.t SET text = 'late'");
      await expect(late).rejects.toMatchObject(failure("no answer within 300 ms", true));
      await other.query("COMMIT");
      await database.close();
      const active = `SELECT 1 FROM pg_stat_activity WHERE datname = 'd${databases}' AND state = 'active'`;
      while (((await admin.query(active)).rowCount ?? 0) > 0);
      expect((await other.query("SELECT text FROM own.t")).rows).toEqual([{ text: "other" }]);
      await Promise.all([other.end(), pool.end()]);
    });
  });
});
