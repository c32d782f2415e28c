import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describePostgres, type PostgresServer, startPostgres } from "../../../integration/peers/postgres.ts";
import type { DeviceFilter, ProfileFilter, ProfileSubject, ReportFilter } from "../../core/registry.ts";
import type { PostgresPool, PostgresQuery } from "../../store/postgres/index.ts";
import { testArtifact } from "../artifact-fixture.suite.ts";
import { device } from "../driver.suite.ts";
import { openPostgresRegistry, type PostgresRegistry } from "./index.ts";

const deviceFilters: readonly DeviceFilter[] = [
  {},
  { ids: ["d1", "d5"] },
  { ids: ["d1"], site: "s1", tags: ["t1"] },
  { status: "offline" },
  { status: ["offline", "unknown"] },
  { group: "g1" },
  { site: "s1" },
  { location: "l" },
  { delivery: "http" },
  { profileId: "q" },
  { tags: ["t1"] },
  { tags: ["t1", "x1"], site: "s1" },
  { firmware: { min: "1.10.0", below: "1.12.0" } },
  { firmware: { above: "1.10.0", max: "1.12.0" }, seenAfter: 1 },
  { seenBefore: 5, seenAfter: 1 },
  { site: "s1", seenBefore: 5, tags: ["t1"] },
  { tags: ["t1"], status: ["offline", "unknown"] },
  { text: "d1" },
];

const profileFilters: readonly ProfileFilter[] = [
  {},
  { ids: ["p"] },
  { kind: "base" },
  { kind: "override" },
  { parent: "p" },
  { scope: "group" },
  { group: "g1" },
  { device: "d1" },
  { delivery: "http" },
  { kind: "override", scope: "device", delivery: "http" },
];

const reportFilters: readonly ReportFilter[] = [
  {},
  { device: "d1" },
  { kind: "log" },
  { device: "d1", kind: "log" },
  { since: 1, until: Number.MAX_SAFE_INTEGER },
  { device: "d1", kind: "log", since: 1, until: Number.MAX_SAFE_INTEGER },
];

const subject: ProfileSubject = { id: "d1", group: "g1", profileId: "p" };
const count = 3_000;

async function fill(registry: PostgresRegistry): Promise<void> {
  const many = Array.from({ length: 300 }, (_, i) => ({ id: `many${i}`, name: "Many", delivery: "http" }));
  await registry.profiles.put([
    { id: "p", name: "P" },
    { id: "q", name: "Q" },
    { id: "o", name: "O", parent: "p", items: [{ purpose: "send", kind: "header", name: "a", value: "1" }] },
    { id: "g", name: "G", parent: "o", scope: "group", group: "g1" },
    ...many,
    ...many.map(({ id }) => ({ id: `${id}-o`, name: "Over", parent: id })),
  ]);
  const rows = Array.from({ length: count }, (_, i) =>
    device(`d${i}`, {
      ...{ group: `g${i % 50}`, site: `s${i % 90}`, location: `l${i}`, delivery: i % 99 === 0 ? "http" : "tus" },
      ...{ tags: [`t${i % 30}`, `x${i % 7}`], profileId: i % 500 === 0 ? "q" : "p" },
      ...(i % 4 === 0 ? { profile: { send: { path: `/${i}` } } } : {}),
    }),
  );
  await registry.devices.put(rows);
  await registry.devices.observe(
    rows.map(({ id }, i) => ({ id, seenAt: i, firmware: `1.${i}.0`, status: i % 500 === 0 ? "offline" : "online" })),
  );
  await registry.reports.append(
    Array.from({ length: count }, (_, i) => ({
      id: `${i}`,
      device: `d${i % 100}`,
      kind: i % 40 < 2 ? "log" : "heartbeat",
    })),
  );
  await registry.profiles.put([{ id: "one", name: "One", parent: "p", scope: "device", device: "d1" }]);
}

/** Every read of every port; a write of every kind is in `writeAll`. */
async function readAll(registry: PostgresRegistry): Promise<void> {
  const { devices, profiles, artifacts, reports } = registry;
  for (const filter of reportFilters) {
    for (const order of ["newest", "oldest"] as const) {
      const { next = "" } = await reports.page(filter, { limit: 1, order });
      await reports.page(filter, { limit: 1, order, after: next });
    }
  }
  for (const filter of deviceFilters) {
    const { next } = await devices.page(filter, { limit: 1 });
    if (next !== undefined) await devices.page(filter, { limit: 1, after: next });
  }
  for (const filter of profileFilters) {
    const { next } = await profiles.page(filter, { limit: 1 });
    if (next !== undefined) await profiles.page(filter, { limit: 1, after: next });
  }
  const [feed, profileFeed] = [(await devices.page()).feed, (await profiles.page()).feed];
  await devices.getMany(["d1"]);
  await devices.changes(feed);
  await profiles.getMany(["p"]);
  await profiles.changes(profileFeed);
  await profiles.overridesSince(["p", "o"], profileFeed);
  await profiles.items(["p", "o"], "header");
  const { revision } = await profiles.metrics();
  await profiles.resolveMany([subject]);
  await profiles.resolveMany([subject], { at: revision - 1 });
  await artifacts.list({ limit: 1 });
}

async function writeAll(registry: PostgresRegistry): Promise<void> {
  const { devices, profiles, artifacts, reports } = registry;
  await reports.append([{ id: "new", device: "d1", kind: "log" }]);
  await reports.removeBefore(2, { device: "d0", kind: "log" });
  await reports.removeBefore(2);
  const profile = { send: { path: "/own" } };
  await devices.put([device("own", { profile, tags: ["a"] }), device("own", { tags: ["b"], ifRevision: 1 })]);
  await devices.put([device("own", { tags: ["b"] }), device("d7", { profileId: "p", tags: ["t1"] })]);
  await devices.observe([{ id: "d2", seenAt: 9_999 }]);
  await profiles.put([{ id: "o", name: "O again", parent: "p" }]);
  await devices.remove(["d1", "own", "d3"]);
  await profiles.remove(["o", "p", "many1"]);
  const { digest } = await artifacts.put(testArtifact("one"));
  await (await artifacts.open(digest))[Symbol.asyncDispose]();
  await artifacts.remove(digest);
}

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

/** What reads all of a table or sorts, each with the reason why it may. */
const allowed: readonly (readonly [node: string, of: RegExp, reason: string])[] = [
  ["Seq Scan", /^fleet$/, "as many rows as there are fleets"],
  ["Seq Scan", /^artifact$/, "empty here"],
  ["Sort", /^digest( COLLATE "C")?$/, "of the same, empty table"],
  [
    "Sort",
    /^(d\.id|p\.id|g\.device)( COLLATE "C")?$/,
    "the few rows that a condition leaves: their index comes before the order",
  ],
  ["Sort", /^v\.revision$/, "the feeds of several parents in one order"],
];

interface Plan {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Index Name"?: string;
  readonly "Sort Key"?: readonly string[];
  readonly Plans?: readonly Plan[];
}

const nodes = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodes)];

describePostgres("PostgreSQL's statements", () => {
  const folder = mkdtempSync(join(tmpdir(), "flashwave-statements-"));
  let server: PostgresServer;
  let pool: pg.Pool;
  let witness: Witness;
  let registry: PostgresRegistry;
  const query = async (sql: string, values: readonly unknown[] = []) => (await pool.query(sql, [...values])).rows;

  beforeAll(async () => {
    server = await startPostgres({ settings: { autovacuum: "off" } });
    pool = new pg.Pool({ connectionString: server.url(), max: 2 });
    witness = new Witness(pool);
    registry = await openPostgresRegistry(witness, { artifacts: folder });
    await fill(registry);
    await query("ANALYZE");
  }, 120_000);
  afterAll(async () => {
    await registry[Symbol.asyncDispose]();
    await pool.end();
    await server[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  it("each read uses an index", async () => {
    await readAll(registry);
    const reads = [...witness.asked.values()].filter(({ text }) => /^SELECT/.test(text) && text.includes("flashwave."));
    expect(reads.length).toBeGreaterThan(60);
    for (const { text, values = [] } of reads) {
      if (/flashwave\.\w+\(/.test(text)) continue; // a function: what is within it is watched below
      const [{ "QUERY PLAN": plans }] = await query(`EXPLAIN (FORMAT JSON) ${text}`, values);
      for (const node of nodes(plans[0].Plan)) {
        const [type, of] = [node["Node Type"], node["Relation Name"] ?? node["Sort Key"]?.join() ?? ""];
        if (type !== "Seq Scan" && !type.includes("Sort")) continue;
        const excuse = allowed.find(([kind, pattern]) => type.includes(kind) && pattern.test(of));
        expect(excuse, `${type} ${of}\n${text}`).toBeDefined();
      }
    }
  });

  it("each write, whatever its function does, reads no table from end to end", async () => {
    const scans = async () => {
      for (let i = 0; i < 2; i += 1) await query("SELECT pg_stat_force_next_flush(), pg_sleep(0.01)");
      const rows = await query(
        "SELECT relname, seq_scan::int4, idx_scan::int4 FROM pg_stat_user_tables WHERE relname NOT IN ('fleet', 'schema_version')",
      );
      return new Map(
        rows.map((row) => [row["relname"] as string, [row["seq_scan"], row["idx_scan"]] as [number, number]]),
      );
    };
    // Statistics are sent when a connection has its turn; with one, its turn is now.
    const single = new pg.Pool({ connectionString: server.url(), max: 1, application_name: "writes" });
    const own = await openPostgresRegistry(single, { artifacts: folder });
    const before = await scans();
    await writeAll(own);
    await single.query("SELECT pg_stat_force_next_flush()");
    await single.end();
    const after = await scans();
    const grown = [...after].filter(([table, [seq]]) => table !== "artifact" && seq > (before.get(table)?.[0] ?? 0));
    expect(grown.map(([table]) => table)).toEqual([]);
    const used = [...after].filter(([table, [, idx]]) => idx > (before.get(table)?.[1] ?? 0)).map(([table]) => table);
    expect(used).toEqual(expect.arrayContaining(["device", "device_tag", "profile", "report", "inline_profile"]));
  });

  describe("are as few", () => {
    it("for many rows as for one", async () => {
      const own = await openPostgresRegistry(pool, { fleet: "counts" });
      await fill(own);
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
        ["a page of a range", () => devices.page({ seenBefore: 200 }, { limit: 400 }), 1],
        ["a page with inline profiles", () => devices.page({ text: "own" }, { limit: 200 }), 1],
        ["changes", () => devices.changes(start, { limit: 400 }), 1],
        ["items", () => profiles.items(["p", "o", "g", "one"], "header"), 1],
        ["profiles by id", () => profiles.getMany(["p", "o", "g", "one"]), 1],
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
  });

  it("are logged, each operation once with its rows and its failure, and added up", async () => {
    const log: unknown[] = [];
    const own = await openPostgresRegistry(pool, {
      fleet: "log",
      onOperation: ({ operation, records, duration, at, error }) => {
        expect([duration >= 0, at > 0]).toEqual([true, true]);
        log.push([operation, records, error]);
      },
    });
    const { feed } = await own.devices.page();
    await own.devices.put([device("a"), device("b")]);
    await own.devices.changes(feed);
    await expect(own.devices.changes("no cursor")).rejects.toMatchObject({ code: "invalid_cursor" });
    await own.devices.remove(["a", "nobody"]);
    expect(log).toEqual([
      ["devices.page", 0, undefined],
      ["devices.put", 2, undefined],
      ["devices.changes", 2, undefined],
      ["devices.changes", 0, "invalid_cursor"],
      ["devices.remove", 1, undefined],
    ]);
    const { operations, commits } = own.statistics();
    const changes = operations.find(({ operation }) => operation === "devices.changes");
    expect(changes).toMatchObject({ calls: 2, errors: 1, records: 2 });
    expect(commits).toBe(3); // one that made the fleet
    await own[Symbol.asyncDispose]();
  });
});
