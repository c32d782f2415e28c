import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describePostgres, type PostgresServer, startPostgres } from "../../../integration/peers/postgres.ts";
import type { Cursor } from "../../core/registry.ts";
import type { PostgresPool, PostgresQuery } from "../../store/postgres/index.ts";
import { device } from "../driver.suite.ts";
import { fill, indexes, readAll, testLog, unmetStatements, writeAll } from "../statements.suite.ts";
import { deviceFunctions } from "./device-functions.ts";
import { openPostgresRegistry, type PostgresRegistry } from "./index.ts";
import { profileFunctions } from "./profile-functions.ts";
import { reportFunctions } from "./report-functions.ts";

/** A pool that remembers what it was asked. */
class Witness implements PostgresPool {
  readonly asked = new Map<string, PostgresQuery>();
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  async connect() {
    const client = await this.#pool.connect();
    return {
      query: (query: PostgresQuery) => {
        this.asked.set(query.text, query);
        return client.query(query as pg.QueryConfig);
      },
      release: (broken?: boolean) => client.release(broken),
      on: (event: "error", listener: (error: Error) => void) => client.on(event, listener),
      off: (event: "error", listener: (error: Error) => void) => client.off(event, listener),
    };
  }
}

/** A statement that was run, with the plan that it was run by. */
interface Explained {
  readonly "Query Text": string;
  readonly Plan: Plan;
}

/** As PostgreSQL plans: for the values that are given, and once for any values, as it comes to do by itself. */
const modes = ["force_custom_plan", "force_generic_plan"] as const;

/** A pool whose connections tell all that is run on them: statements within functions and those of foreign keys too. */
function explainingPool(
  connectionString: string,
  mode: (typeof modes)[number],
): { readonly pool: pg.Pool; readonly run: Explained[] } {
  const settings = {
    ...{ log_min_duration: 0, log_nested_statements: "on", log_format: "json", log_level: "notice" },
    ...{ log_analyze: "on", log_timing: "off" },
  };
  const options = Object.entries(settings).map(([name, value]) => `-c auto_explain.${name}=${value}`);
  const pool = new pg.Pool({
    ...{ connectionString, max: 1 },
    options: `-c plan_cache_mode=${mode} -c session_preload_libraries=auto_explain ${options.join(" ")}`,
  });
  const run: Explained[] = [];
  pool.on("connect", (client) =>
    client.on("notice", ({ message = "" }) => run.push(JSON.parse(message.slice(message.indexOf("{"))) as Explained)),
  );
  return { pool, run };
}

/** What reads all of a table or sorts, each with the reason why it may. */
const allowed: readonly (readonly [node: string, of: RegExp, reason: string])[] = [
  ["Seq Scan", /^schema_version$/, "as many rows as there were migrations"],
  [
    "Sort",
    /^((d\.|p\.)?id|g\.device)( COLLATE "C")?$/,
    "the few rows that a condition leaves: their index comes before the order",
  ],
  ["Sort", /^v\.revision$/, "the feeds of several parents in one order"],
  ["Sort", /^id COLLATE "C",n$/, "the rows of one call, whose devices are locked in one order"],
  ["Sort", /depth DESC/, "one tree, or the overrides of one device, leaves first"],
  ["Sort", /^report\.received_at,report\.key$/, "as few reports as are removed at once"],
];

interface Plan {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Index Name"?: string;
  readonly "Sort Key"?: readonly string[];
  readonly "Actual Rows"?: number;
  readonly "Actual Loops"?: number;
  readonly Plans?: readonly Plan[];
}

const nodes = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodes)];

describePostgres("PostgreSQL's statements", () => {
  const folder = mkdtempSync(join(tmpdir(), "flashwave-statements-"));
  let server: PostgresServer;
  let pool: pg.Pool;
  let witness: Witness;
  let registry: PostgresRegistry;
  let start: Cursor;
  const query = async (sql: string, values: readonly unknown[] = []) => (await pool.query(sql, [...values])).rows;

  beforeAll(async () => {
    server = await startPostgres({ settings: { autovacuum: "off" } });
    pool = new pg.Pool({ connectionString: server.url(), max: 2 });
    witness = new Witness(pool);
    registry = await openPostgresRegistry(witness, { artifacts: folder });
    start = await fill(registry, 3_000);
    await query(`INSERT INTO flashwave.artifact (fleet, digest, name, version, length, file, blocks, created_at)
      SELECT 1, encode(sha256(n::text::bytea), 'hex'), 'fw', '1.0.0', 1, '', '', 1 FROM generate_series(1, 3000) n`);
    // Of few fleets all would be read: one page of the table holds them.
    await query(`INSERT INTO flashwave.fleet (name, store, versions)
      SELECT 'other ' || n, n, 'semver' FROM generate_series(1, 3000) n`);
    await query("ANALYZE");
  }, 120_000);
  afterAll(async () => {
    await registry[Symbol.asyncDispose]();
    await pool.end();
    await server[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Plans for any values; older servers would rather read a table of a few hundred rows than look a list of keys up. */
  const plansGenerically = async () => (await query("SHOW server_version_num"))[0].server_version_num >= 170_000;
  const reason = "before PostgreSQL 17 plans for any values are others";

  const met: string[] = [];
  const excused = new Set<RegExp>();
  const used = new Set<string>();

  /** What a plan reads from end to end or sorts, without an excuse. */
  function faultsOf(text: string, plan: Plan): readonly string[] {
    met.push(text);
    return nodes(plan).flatMap((node) => {
      used.add(node["Index Name"] ?? "");
      const [type, of] = [node["Node Type"], node["Relation Name"] ?? node["Sort Key"]?.join() ?? ""];
      if (type !== "Seq Scan" && !type.includes("Sort")) return [];
      const excuse = allowed.find(([kind, pattern]) => type.includes(kind) && pattern.test(of));
      if (excuse !== undefined) excused.add(excuse[1]);
      return excuse === undefined ? [`${type} ${of}\n${text}`] : [];
    });
  }

  it.for(modes)("use an index where they read (%s)", async (mode, { skip }) => {
    skip(mode === "force_generic_plan" && !(await plansGenerically()), reason);
    await readAll(registry, start);
    const faults: string[] = [];
    for (const { text, values = [] } of witness.asked.values()) {
      // Functions were called to fill the fleet: what they do is in the next test.
      if (!/^(SELECT|INSERT|UPDATE|DELETE|WITH)/.test(text) || /flashwave\.\w+\(/.test(text)) continue;
      const [{ "QUERY PLAN": plans }] =
        mode === "force_custom_plan"
          ? await query(`EXPLAIN (FORMAT JSON) ${text}`, values)
          : await query(`EXPLAIN (FORMAT JSON, GENERIC_PLAN) ${text}`);
      faults.push(...faultsOf(text, plans[0].Plan));
    }
    expect(faults).toEqual([]);
  });

  it.for(modes)(
    "use an index where they write, and so does whatever functions and foreign keys do (%s)",
    async (mode, { skip }) => {
      skip(mode === "force_generic_plan" && !(await plansGenerically()), reason);
      const { pool: explaining, run } = explainingPool(server.url(), mode);
      const fleet = mode === "force_custom_plan" ? "default" : "generic";
      const own = await openPostgresRegistry(explaining, { artifacts: folder, fleet });
      if (fleet === "generic") await fill(own, 60);
      await writeAll(own);
      // What is done once in ten thousand changes.
      await query("UPDATE flashwave.fleet SET revision = 1009999 WHERE name = $1", [fleet]);
      await own.devices.put([device("last")]);
      await own[Symbol.asyncDispose]();
      await explaining.end();
      expect(run.flatMap(({ "Query Text": text, Plan }) => faultsOf(text, Plan))).toEqual([]);
    },
  );

  it("were all looked at, each with its plan", async ({ skip }) => {
    skip(!(await plansGenerically()), reason);
    const { all, unmet } = unmetStatements(import.meta.dirname, met);
    expect([unmet, all > 20]).toEqual([[], true]);
    // PL/pgSQL runs a statement as it stands, but for what it is told to do with its result.
    const flat = (text: string) =>
      text
        .replaceAll("PERFORM", "SELECT")
        .replace(/(?<!INSERT)\s+INTO \w+(, \w+)*/g, "")
        .replace(/\s+/g, " ")
        .trim();
    let left = flat(`${deviceFunctions}${profileFunctions}${reportFunctions}`);
    for (const text of met.map(flat).sort((a, b) => b.length - a.length)) left = left.replaceAll(text, "");
    expect(left.match(/\b(SELECT|INSERT|UPDATE|DELETE)\b[^;]*/g)).toBeNull();
    expect(allowed.map(([, pattern]) => pattern).filter((pattern) => !excused.has(pattern))).toEqual([]);
    expect(indexes.filter((name) => !used.has(name))).toEqual([]);
  });

  it("skip rows without reading them", async () => {
    await fill(await openPostgresRegistry(pool, { fleet: "skipped" }), 1_000);
    await query("VACUUM ANALYZE"); // an index alone tells which rows there are
    const page = { limit: 9, offset: 40 };
    const pages: readonly ((of: PostgresRegistry) => Promise<{ readonly items: readonly unknown[] }>)[] = [
      ...[{}, { delivery: "tus" }, { profileId: "p" }, { status: "online" } as const, { tags: ["x1"] }].map(
        (filter) => (of: PostgresRegistry) => of.devices.page(filter, page),
      ),
      ...[{}, { kind: "base" } as const, { delivery: "http" }].map(
        (filter) => (of: PostgresRegistry) => of.profiles.page(filter, page),
      ),
      ...[{}, { kind: "log" } as const].map((filter) => (of: PostgresRegistry) => of.reports.page(filter, page)),
    ];
    const read: string[] = [];
    for (const mode of modes) {
      const { pool: explaining, run } = explainingPool(server.url(), mode);
      const own = await openPostgresRegistry(explaining, { fleet: "skipped" });
      for (const ask of pages) {
        run.length = 0;
        expect((await ask(own)).items).toHaveLength(9);
        const scans = run.flatMap(({ Plan }) => nodes(Plan)).filter((node) => /Scan$/.test(node["Node Type"]));
        const long = scans.filter((scan) => (scan["Actual Rows"] ?? 0) * (scan["Actual Loops"] ?? 0) > 10);
        const kinds = long.map((scan) => scan["Node Type"]).join();
        if (kinds !== "Index Only Scan") read.push(`${kinds}\n${run[0]?.["Query Text"]}`);
      }
      await own[Symbol.asyncDispose]();
      await explaining.end();
    }
    expect(read).toEqual([]);
  });

  it("know what devices are like, once there are many, also before anybody looks at the tables", async () => {
    await query("CREATE DATABASE young");
    const { pool: young, run } = explainingPool(server.url("young"), "force_custom_plan");
    const own = await openPostgresRegistry(young);
    const analyzed = async () =>
      (await young.query("SELECT relname FROM pg_class WHERE relname IN ('device', 'device_tag') AND reltuples > 0"))
        .rowCount;
    const put = (from: number, count: number) =>
      own.devices.put(Array.from({ length: count }, (_, i) => device(`d${from + i}`, { tags: ["t"] })));
    await put(0, 999);
    await put(0, 999);
    expect(await analyzed()).toBe(0);
    const before = own.statistics().statements;
    await put(999, 1);
    expect([await analyzed(), own.statistics().statements - before]).toEqual([2, 2]);
    await put(1_000, 1);
    expect(own.statistics().statements - before).toBe(3);
    run.length = 0;
    await own.devices.page({}, { limit: 9, offset: 900 });
    const types = run.flatMap(({ Plan }) => nodes(Plan)).map((node) => node["Node Type"]);
    expect([types.length > 0, types.includes("Sort")]).toEqual([true, false]);
    await own[Symbol.asyncDispose]();
    await young.end();
    await query("DROP DATABASE young");
  });

  describe("are as few", () => {
    it("for many rows as for one", async () => {
      const own = await openPostgresRegistry(pool, { fleet: "counts" });
      await fill(own, 3_000);
      const inline = Array.from({ length: 200 }, (_, i) => device(`own${i}`, { profile: { send: { path: `/${i}` } } }));
      const { devices, profiles, reports } = own;
      const ids = Array.from({ length: 400 }, (_, i) => `d${i}`);
      const start = (await devices.page()).feed;
      const subjects = ids.map((id, i) => ({ id, group: `g${i % 5}`, profileId: "p" }));
      const counted = async (call: () => Promise<unknown>) => {
        const before = own.statistics().statements;
        await call();
        return own.statistics().statements - before;
      };
      const counts: readonly (readonly [what: string, call: () => Promise<unknown>, statements: number])[] = [
        ["a put of a slice", () => devices.put(inline), 1],
        ["puts at once", () => Promise.all(inline.map((row) => devices.put([row]))), 1],
        ["devices by id", () => devices.getMany(ids), 1],
        ["a page and its feed", () => devices.page({}, { limit: 300 }), 1],
        ["a page by its offset", () => devices.page({ tags: ["t1"] }, { limit: 50, offset: 40 }), 1],
        ["a page of a range", () => devices.page({ seenBefore: 200 }, { limit: 400 }), 1],
        ["a page with inline profiles", () => devices.page({ text: "own" }, { limit: 200 }), 1],
        ["changes", () => devices.changes(start, { limit: 400 }), 1],
        ["items", () => profiles.items(["p", "o", "g", "one"], "header"), 1],
        ["profiles by id", () => profiles.getMany(["p", "o", "g", "one"]), 2],
        ["the same again", () => profiles.getMany(["p", "o", "g", "one"]), 2],
        ["the same, known by now", () => profiles.getMany(["p", "o", "g", "one"]), 1],
        ["a page of profiles", () => profiles.page(), 2],
        ["the same again", () => profiles.page(), 2],
        ["the same, known by now", () => profiles.page(), 1],
        [
          "profiles judged and put",
          () =>
            profiles.put([
              { id: "x", name: "X" },
              { id: "y", name: "Y", parent: "x" },
            ]),
          2,
        ],
        ["metrics", () => profiles.metrics(), 1],
        ["reports", () => reports.page({ device: "d1" }), 1],
        ["resolution", () => profiles.resolveMany(subjects), 1],
        ["observations at once", () => Promise.all(ids.map((id) => devices.observe([{ id, seenAt: 1 }]))), 1],
      ];
      for (const [what, call, statements] of counts) expect([what, await counted(call)]).toEqual([what, statements]);
      await own[Symbol.asyncDispose]();
    });

    it("within a function too: a profile is removed with all its overrides at once, and the fleet's row written once", async () => {
      const { pool: explaining, run } = explainingPool(server.url(), "force_custom_plan");
      const own = await openPostgresRegistry(explaining, { fleet: "within" });
      const { devices, profiles } = own;
      const overrides = (count: number) =>
        Array.from(
          { length: count },
          (_, i) => ({ id: `o${i}`, name: "O", parent: "p", scope: "group", group: `g${i}` }) as const,
        );
      const ids = Array.from({ length: 8 }, (_, i) => `d${i}`);
      const counted = async (call: () => Promise<unknown>) => {
        const before = run.length;
        await call();
        // For each row that goes PostgreSQL looks whether anything refers to it.
        const texts = run
          .slice(before)
          .map(({ "Query Text": text }) => text)
          .filter((text) => !text.startsWith("SELECT 1 FROM ONLY"));
        return [texts.length, texts.filter((text) => text.includes("UPDATE fleet")).length] as const;
      };
      const removals: number[] = [];
      for (const count of [2, 50]) {
        const [, written] = await counted(() => profiles.put([{ id: "p", name: "P" }, ...overrides(count)]));
        const [statements, writtenAgain] = await counted(() => profiles.remove(["p"]));
        expect([written, writtenAgain]).toEqual([1, 1]);
        removals.push(statements);
      }
      expect(removals[1]).toBe(removals[0]);
      await devices.put(ids.map((id) => device(id)));
      await profiles.put([{ id: "p", name: "P" }]);
      await profiles.put(ids.map((id) => ({ id, name: "O", parent: "p", scope: "device", device: id })));
      expect((await counted(() => devices.remove(ids)))[1]).toBe(2); // its profiles' counters, and the sequence
      expect(await profiles.metrics()).toMatchObject({
        profiles: 1,
        overrides: { fleet: 0, group: 0, device: 0 },
        items: 0,
      });
      await own[Symbol.asyncDispose]();
      await explaining.end();
    });
  });

  testLog(
    () => "log",
    (options) => openPostgresRegistry(pool, { fleet: "log", ...options }),
  );
});
