import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import type { DeviceFilter, ProfileFilter, ProfileSubject, ReportFilter } from "../../core/registry.ts";
import { semver } from "../../core/versions.ts";
import { testArtifact } from "../artifact-fixture.suite.ts";
import { resolveDeviceFilter } from "../device-filter.ts";
import { device } from "../driver.suite.ts";
import { openSqliteRegistry, type SqliteRegistry } from "./index.ts";
import { devicePage } from "./match-device.ts";

const folder = mkdtempSync(join(tmpdir(), "flashwave-statements-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => vi.restoreAllMocks());

const deviceFilters: readonly DeviceFilter[] = [
  {},
  { ids: ["d1", "d5"] },
  { ids: ["d1"], site: "s1", tags: ["t1"] },
  { status: "online" },
  { status: ["online", "offline"] },
  { group: "g1" },
  { site: "s1" },
  { location: "l" },
  { delivery: "http" },
  { profileId: "p" },
  { tags: ["t1"] },
  { tags: ["t1", "x1"], site: "s1" },
  { firmware: { min: "1.0.0", below: "2.0.0" } },
  { firmware: { above: "1.0.0", max: "2.0.0" }, seenAfter: 1 },
  { seenBefore: 5, seenAfter: 1 },
  { site: "s1", seenBefore: 5, tags: ["t1"] },
  { tags: ["t1"], status: ["online", "unknown"] },
  { text: "x" },
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

async function fill(registry: SqliteRegistry, count: number): Promise<void> {
  await registry.profiles.put([
    { id: "p", name: "P" },
    { id: "o", name: "O", parent: "p", items: [{ purpose: "send", kind: "header", name: "a", value: "1" }] },
    { id: "g", name: "G", parent: "o", scope: "group", group: "g1" },
  ]);
  const rows = Array.from({ length: count }, (_, i) =>
    device(`d${i}`, { group: `g${i % 5}`, site: `s${i % 9}`, tags: [`t${i % 3}`, `x${i % 7}`], profileId: "p" }),
  );
  await registry.devices.put(rows);
  await registry.devices.observe(rows.map(({ id }, i) => ({ id, seenAt: i, firmware: `1.${i}.0`, status: "online" })));
  await registry.reports.append(
    Array.from({ length: 20 }, (_, i) => ({ id: `${i}`, device: `d${i % 2}`, kind: i % 4 < 2 ? "log" : "heartbeat" })),
  );
  await registry.profiles.put([{ id: "one", name: "One", parent: "p", scope: "device", device: "d1" }]);
}

/** Every read of every port; a write of every kind is in `writeAll`. */
async function readAll(registry: SqliteRegistry): Promise<void> {
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

async function writeAll(registry: SqliteRegistry): Promise<void> {
  const { devices, profiles, artifacts, reports } = registry;
  for (const filter of [{ device: "d0", kind: "log" }, { kind: "log" }, { device: "d1" }, {}] as const) {
    await reports.removeBefore(Number.MAX_SAFE_INTEGER, filter);
  }
  const profile = { send: { path: "/own" } };
  await devices.put([device("own", { profile, tags: ["a"] }), device("own", { tags: ["b"], ifRevision: 1 })]);
  await devices.getMany(["own"]);
  await devices.put([device("own", { tags: ["b"] })]);
  await profiles.put([{ id: "o", name: "O again", parent: "p" }]);
  await profiles.resolveMany([subject]);
  await devices.put([device("gone", { profile })]);
  await devices.remove(["d1", "own", "gone"]);
  await profiles.remove(["o", "p"]);
  const { digest } = await artifacts.put(testArtifact("one"));
  await artifacts.put(testArtifact("two"));
  const { next = "" } = await artifacts.list({ limit: 1 });
  await artifacts.list({ limit: 1, after: next });
  await (await artifacts.open(digest))[Symbol.asyncDispose]();
  await artifacts.remove(digest);
}

/** What is done once in ten thousand changes. */
async function forgetChanges(path: string, registry: SqliteRegistry): Promise<void> {
  using file = new DatabaseSync(path);
  file.exec("UPDATE fleet SET revision = 1009999");
  await registry.devices.put([device("last")]);
}

/** All statements that were prepared meanwhile. */
async function statementsOf(path: string, count: number): Promise<readonly string[]> {
  const texts = new Set<string>();
  const prepare = DatabaseSync.prototype.prepare;
  vi.spyOn(DatabaseSync.prototype, "prepare").mockImplementation(function (this: DatabaseSync, sql: string) {
    texts.add(sql);
    return prepare.call(this, sql) as StatementSync;
  });
  await using registry = await openSqliteRegistry(path);
  await fill(registry, count);
  await readAll(registry);
  await writeAll(registry);
  await forgetChanges(path, registry);
  vi.restoreAllMocks();
  return [...texts].filter((sql) => /^\s*(SELECT|INSERT|UPDATE|DELETE|WITH)/.test(sql));
}

/** Steps that read a whole table or sort, each with the reason why it may. */
const allowed: readonly (readonly [step: RegExp, reason: string])[] = [
  [/^SCAN (j|json_each) VIRTUAL TABLE/, "the list that was given"],
  [/^SCAN (tree|\(subquery-\d+\))$/, "what an inner step has found"],
  [/^SCAN sqlite_master$/, "once, when a file is opened"],
  [/^SCAN (d|p|artifact) USING INDEX sqlite_autoindex_\w+_1$/, "a page in the order of ids, until it is full"],
  [/^SCAN report USING (COVERING )?INDEX report_received$/, "a page in the order of receipt, until it is full"],
  [/^SCAN p USING INDEX profile_(base|override)$/, "the same among bases or overrides alone"],
];

/** Statements that sort, each with the reason why it may. */
const sorting: readonly (readonly [statement: RegExp, reason: string])[] = [
  [/INDEXED BY device_(firmware|seen|status)/, "fewer than a thousand devices, counted before"],
  [/FROM tree ORDER BY depth/, "one tree, leaves first"],
  [/ORDER BY depth DESC, id/, "the overrides of one device"],
  [/json_each\(\?3\) j CROSS JOIN profile_version/, "the feeds of several parents in one order"],
];

describe("every statement", () => {
  it.each([0, 300])("uses an index, with %i devices before it", async (count) => {
    const path = join(folder, `plans-${count}.db`);
    const statements = await statementsOf(path, count + 2);
    expect(statements.length).toBeGreaterThan(60);
    using file = new DatabaseSync(path);
    const met = new Set<RegExp>();
    for (const sql of statements) {
      for (const { detail } of file.prepare(`EXPLAIN QUERY PLAN ${sql}`).all() as unknown as { detail: string }[]) {
        const isSort = detail.startsWith("USE TEMP B-TREE");
        if (!isSort && !detail.startsWith("SCAN") && !/AUTOMATIC/.test(detail)) continue;
        const excuse = (isSort ? sorting : allowed).find(([pattern]) => pattern.test(isSort ? sql : detail));
        expect(excuse, `${detail}\n${sql}`).toBeDefined();
        if (excuse !== undefined) met.add(excuse[0]);
      }
    }
    expect([...allowed, ...sorting].map(([pattern]) => pattern).filter((pattern) => !met.has(pattern))).toEqual([]);
  });
});

describe("a statement", () => {
  it("is prepared once, whatever is bound to it", async () => {
    const databases = new Set<DatabaseSync>();
    const prepare = DatabaseSync.prototype.prepare;
    vi.spyOn(DatabaseSync.prototype, "prepare").mockImplementation(function (this: DatabaseSync, sql: string) {
      databases.add(this);
      return prepare.call(this, sql) as StatementSync;
    });
    await using registry = await openSqliteRegistry(join(folder, "prepared.db"));
    const work = async () => {
      await fill(registry, 20);
      await readAll(registry);
    };
    await work();
    await work(); // updates, where those before were inserts
    const prepared: unknown[] = [];
    for (const database of databases) {
      // SQLite asks whenever a statement is prepared, also when it does that by itself.
      database.setAuthorizer((...what) => {
        prepared.push(what);
        return 0;
      });
    }
    await work(); // a new authorizer has all statements prepared again
    expect(prepared.length).toBeGreaterThan(0);
    prepared.length = 0;
    await work();
    expect(prepared).toEqual([]);
  });
});

describe("a page of what many devices meet", () => {
  it.each(deviceFilters.filter(({ ids }) => ids === undefined))("is read in the order of ids: %j", async (filter) => {
    const path = join(folder, "walk.db");
    await (await openSqliteRegistry(path))[Symbol.asyncDispose]();
    using file = new DatabaseSync(path);
    for (const after of [undefined, "d1"]) {
      const window = { after, offset: 0, limit: 10 };
      const { sql } = devicePage(resolveDeviceFilter(filter, semver), window, "d.id", undefined);
      const plan = file.prepare(`EXPLAIN QUERY PLAN ${sql}`).all();
      expect(plan.filter(({ detail }) => String(detail).startsWith("USE TEMP B-TREE"))).toEqual([]);
    }
  });
});

describe("statements are as few", () => {
  it("for many rows as for one", async () => {
    await using registry = await openSqliteRegistry(join(folder, "counts.db"));
    await fill(registry, 400);
    const inline = Array.from({ length: 200 }, (_, i) => device(`own${i}`, { profile: { send: { path: `/${i}` } } }));
    await registry.devices.put(inline);
    const { devices, profiles } = registry;
    const ids = Array.from({ length: 400 }, (_, i) => `d${i}`);
    const start = (await devices.page()).feed;
    const profileStart = (await profiles.page()).feed;
    await devices.put(ids.slice(0, 200).map((id) => device(id, { profileId: "p", group: "g1" })));
    const cold = await openSqliteRegistry(join(folder, "counts.db"));
    const count = async (call: () => Promise<unknown>) => {
      const before = registry.statistics().statements + cold.statistics().statements;
      await call();
      return registry.statistics().statements + cold.statistics().statements - before - 2; // BEGIN and COMMIT
    };
    const counts: readonly (readonly [what: string, call: () => Promise<unknown>, statements: number])[] = [
      ["devices by id", () => devices.getMany(ids), 1],
      ["a page and its feed", () => devices.page({}, { limit: 300 }), 2],
      ["a page of a range, counted before", () => devices.page({ seenBefore: 200 }, { limit: 400 }), 3],
      ["a page with inline profiles", () => cold.devices.page({ text: "own" }, { limit: 200 }), 3],
      ["the same, known by now", () => cold.devices.page({ text: "own" }, { limit: 200 }), 2],
      ["changes", () => devices.changes(start, { limit: 400 }), 2],
      ["overrides of several since a cursor", () => profiles.overridesSince(["p", "o", "g"], profileStart), 2],
      ["items", () => profiles.items(["p", "o", "g", "one"], "header"), 1],
      ["profiles by id", () => profiles.getMany(["p", "o", "g", "one"]), 1],
      ["a page of profiles", () => cold.profiles.page(), 3],
      ["the same, known by now", () => cold.profiles.page(), 2],
      ["overrides known by then", () => cold.profiles.overridesSince(["p", "o", "g"], profileStart), 2],
      ["metrics", () => profiles.metrics(), 1],
      ["reports", () => registry.reports.page({ device: "d1" }), 1],
      ["resolution, all new", () => cold.profiles.resolveMany(subjects(ids)), 2],
      ["resolution, known but for single devices", () => cold.profiles.resolveMany(subjects(ids)), 2],
    ];
    for (const [what, call, statements] of counts) expect([what, await count(call)]).toEqual([what, statements]);
    await cold[Symbol.asyncDispose]();
  });

  const subjects = (ids: readonly string[]): ProfileSubject[] =>
    ids.map((id, i) => ({ id, group: `g${i % 5}`, profileId: "p" }));
});

describe("the log", () => {
  it("tells each operation once, with its rows and its failure, and adds them up", async () => {
    const log: unknown[] = [];
    const registry = await openSqliteRegistry(join(folder, "log.db"), {
      onOperation: ({ operation, records, duration, at, error }) => {
        expect([duration >= 0, at > 0]).toEqual([true, true]);
        log.push([operation, records, error]);
      },
    });
    const { feed } = await registry.devices.page();
    await registry.devices.put([device("a"), device("b")]);
    await registry.devices.changes(feed);
    await expect(registry.devices.changes("no cursor")).rejects.toMatchObject({ code: "invalid_cursor" });
    await registry.devices.remove(["a", "nobody"]);
    expect(log).toEqual([
      ["devices.page", 0, undefined],
      ["devices.put", 2, undefined],
      ["devices.changes", 2, undefined],
      ["devices.changes", 0, "invalid_cursor"],
      ["devices.remove", 1, undefined],
    ]);
    const { operations, commits } = registry.statistics();
    expect(operations.find(({ operation }) => operation === "devices.changes")).toMatchObject({
      calls: 2,
      errors: 1,
      records: 2,
    });
    expect(commits).toBe(3); // one to settle the version scheme
    await registry[Symbol.asyncDispose]();
  });
});
