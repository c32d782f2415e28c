import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import type { DeviceFilter, ProfileSubject } from "../../core/registry.ts";
import { semver } from "../../core/versions.ts";
import { resolveDeviceFilter } from "../device-filter.ts";
import { device } from "../driver.suite.ts";
import { deviceFilters, fill, indexes, readAll, testLog, unmetStatements, writeAll } from "../statements.suite.ts";
import { openSqliteRegistry, type SqliteRegistry } from "./index.ts";
import { devicePage, lastSkipped } from "./match-device.ts";

const folder = mkdtempSync(join(tmpdir(), "flashwave-statements-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => vi.restoreAllMocks());

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
  await readAll(registry, await fill(registry, count));
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
  [
    /^SCAN (d|p|artifact) USING (COVERING )?INDEX sqlite_autoindex_\w+_1$/,
    "a page in the order of ids, until it is full",
  ],
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
    const { all, unmet } = unmetStatements(import.meta.dirname, statements);
    expect(unmet).toEqual([]);
    expect([all, statements.length].every((found) => found > 45)).toBe(true);
    using file = new DatabaseSync(path);
    const met = new Set<RegExp>();
    const used = new Set<string>();
    for (const sql of statements) {
      for (const { detail } of file.prepare(`EXPLAIN QUERY PLAN ${sql}`).all() as unknown as { detail: string }[]) {
        used.add(/ INDEX (\w+)/.exec(detail)?.[1] ?? "");
        const isSort = detail.startsWith("USE TEMP B-TREE");
        if (!isSort && !detail.startsWith("SCAN") && !/AUTOMATIC/.test(detail)) continue;
        const excuse = (isSort ? sorting : allowed).find(([pattern]) => pattern.test(isSort ? sql : detail));
        expect(excuse, `${detail}\n${sql}`).toBeDefined();
        if (excuse !== undefined) met.add(excuse[0]);
      }
    }
    expect([...allowed, ...sorting].map(([pattern]) => pattern).filter((pattern) => !met.has(pattern))).toEqual([]);
    expect(indexes.filter((name) => !used.has(name))).toEqual([]);
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
      await readAll(registry, await fill(registry, 20));
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

const planOf = (file: DatabaseSync, sql: string): readonly string[] =>
  file
    .prepare(`EXPLAIN QUERY PLAN ${sql}`)
    .all()
    .map(({ detail }) => String(detail));

describe("a page of what many devices meet", () => {
  it.each(deviceFilters.filter(({ ids }) => ids === undefined))("is read in the order of ids: %j", async (filter) => {
    const path = join(folder, "walk.db");
    await (await openSqliteRegistry(path))[Symbol.asyncDispose]();
    using file = new DatabaseSync(path);
    const resolved = resolveDeviceFilter(filter, semver);
    const pages = [undefined, "d1"].map((after) => devicePage(resolved, { after, limit: 10 }, "d.id", undefined));
    for (const { sql } of [...pages, lastSkipped(resolved, 90_000, undefined)]) {
      expect(planOf(file, sql).filter((step) => step.startsWith("USE TEMP B-TREE"))).toEqual([]);
    }
  });

  it.each<DeviceFilter>([{}, { site: "s1" }, { tags: ["t1"] }, { site: "s1", tags: ["t1"] }])(
    "skips devices of %j without a look at their rows",
    async (filter) => {
      const path = join(folder, "skip.db");
      await (await openSqliteRegistry(path))[Symbol.asyncDispose]();
      using file = new DatabaseSync(path);
      const { sql } = lastSkipped(resolveDeviceFilter(filter, semver), 90_000, undefined);
      for (const step of planOf(file, sql)) expect(step).toMatch(/USING (COVERING INDEX|PRIMARY KEY)/);
    },
  );
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
      ["devices by id, and the profiles of their own", () => devices.getMany(ids), 2],
      ["the same, known by now", () => devices.getMany(ids), 1],
      ["a page and its feed", () => devices.page({}, { limit: 300 }), 2],
      ["a page of a field and a tag, both counted before", () => devices.page({ site: "s1", tags: ["t1"] }), 4],
      ["the same, whose counts are known by now", () => devices.page({ site: "s1", tags: ["t1"] }), 2],
      ["a page by how many it skips", () => devices.page({}, { limit: 300, offset: 100 }), 3],
      ["one that skips all there are", () => devices.page({}, { limit: 300, offset: 10_000 }), 2],
      ["a page of a range, counted before", () => devices.page({ seenBefore: 200 }, { limit: 400 }), 3],
      ["a page with inline profiles", () => cold.devices.page({ text: "own" }, { limit: 200 }), 3],
      ["the same, known by now", () => cold.devices.page({ text: "own" }, { limit: 200 }), 2],
      ["changes", () => devices.changes(start, { limit: 400 }), 2],
      ["overrides of several since a cursor", () => profiles.overridesSince(["p", "o", "g"], profileStart), 2],
      ["items", () => profiles.items(["p", "o", "g", "one"], "header"), 1],
      ["profiles by id, asked for again since their page", () => profiles.getMany(["p", "o", "g", "one"]), 2],
      ["the same, known by now", () => profiles.getMany(["p", "o", "g", "one"]), 1],
      ["a page of profiles", () => cold.profiles.page(), 3],
      ["the same again", () => cold.profiles.page(), 3],
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

  it("for the removal of a large tree as for that of a small one", async () => {
    await using registry = await openSqliteRegistry(join(folder, "removals.db"));
    const { profiles } = registry;
    const remove = async (count: number) => {
      const overrides = Array.from({ length: count }, (_, i) => ({ id: `o${i}`, name: "O", parent: "p" }));
      await profiles.put([{ id: "p", name: "P" }, ...overrides]);
      const [before, start] = [registry.statistics(), performance.now()];
      expect(await profiles.remove(["p"])).toEqual({ removed: count + 1, inUse: [] });
      const [after, duration] = [registry.statistics(), performance.now() - start];
      return { statements: after.statements - before.statements, commits: after.commits - before.commits, duration };
    };
    await remove(2);
    const [small, large] = [await remove(1_500), await remove(6_000)];
    expect([large.statements, large.commits]).toEqual([small.statements, 1]);
    // Four times, and sixteen where each row costs more the more there are.
    expect(large.duration / small.duration).toBeLessThan(10);
  });

  it("for removals together, in commits of two hundred", async () => {
    await using registry = await openSqliteRegistry(join(folder, "removed.db"));
    const ids = Array.from({ length: 500 }, (_, i) => `p${i}`);
    await registry.profiles.put(ids.map((id) => ({ id, name: "P" })));
    const before = registry.statistics().commits;
    expect(await registry.profiles.remove(ids)).toEqual({ removed: 500, inUse: [] });
    expect(registry.statistics().commits - before).toBe(3);
  });

  const subjects = (ids: readonly string[]): ProfileSubject[] =>
    ids.map((id, i) => ({ id, group: `g${i % 5}`, profileId: "p" }));
});

describe("operations", () => {
  const logged = join(folder, "log.db");
  testLog(
    () => logged,
    (options) => openSqliteRegistry(logged, options),
  );
});
