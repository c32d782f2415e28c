// What the drivers' tests of their statements share: every question that a registry can be asked, in every shape that makes
// a statement of its own, and how they find a statement that nobody asked for.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { Cursor, DeviceFilter, ProfileFilter, ProfileSubject, Registry, ReportFilter } from "../core/registry.ts";
import type { OperationCounters, OperationRecord } from "../store/counters.ts";
import { testArtifact } from "./artifact-fixture.suite.ts";
import { device } from "./driver.suite.ts";

export const deviceFilters: readonly DeviceFilter[] = [
  {},
  { ids: ["d1", "d5"] },
  { ids: ["d1"], site: "s1", tags: ["t1"] },
  { status: "offline" },
  { status: ["offline", "unknown"] },
  { group: "g1" },
  { site: "s1" },
  { location: "l1" },
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

export const profileFilters: readonly ProfileFilter[] = [
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

/** What both drivers have beside their primary keys; each must lead a statement, and without it another would not do as well. */
export const indexes: readonly string[] = [
  "device_change_deleted",
  "device_tag_device",
  ...["delivery", "firmware", "group", "inline", "location", "profile", "seen", "site", "status"].map(
    (name) => `device_${name}`,
  ),
  ...["base", "delivery", "override", "owner", "parent", "place", "scope"].map((name) => `profile_${name}`),
  ...["id", "parent", "place"].map((name) => `profile_version_${name}`),
  ...["device", "device_kind", "kind", "received"].map((name) => `report_${name}`),
];

const subject: ProfileSubject = { id: "d1", group: "g1", profileId: "p" };

/**
 * A fleet in which each filter is met by some devices, by few where there are indexes for few.
 * @returns the end of the profiles' feed before it
 */
export async function fill(registry: Registry, count: number): Promise<Cursor> {
  const { devices, profiles, reports } = registry;
  const { feed } = await profiles.page();
  const many = Array.from({ length: Math.floor(count / 10) }, (_, i) => `many${i}`);
  await profiles.put([
    { id: "p", name: "P" },
    { id: "q", name: "Q" },
    { id: "o", name: "O", parent: "p", items: [{ purpose: "send", kind: "header", name: "a", value: "1" }] },
    { id: "g", name: "G", parent: "o", scope: "group", group: "g1" },
    ...many.map((id) => ({ id, name: "Many", delivery: "http" })),
    ...many.map((id) => ({ id: `${id}-o`, name: "Over", parent: id })),
  ]);
  const rows = Array.from({ length: count }, (_, i) =>
    device(`d${i}`, {
      ...{ group: `g${i % 50}`, site: `s${i % 90}`, location: `l${i}`, delivery: i % 99 === 0 ? "http" : "tus" },
      ...{ tags: [`t${i % 30}`, `x${i % 7}`], profileId: i % 500 === 0 ? "q" : "p" },
      ...(i % 4 === 0 ? { profile: { send: { path: `/${i}` } } } : {}),
    }),
  );
  await devices.put(rows);
  await devices.observe(
    rows.map(({ id }, i) => ({ id, seenAt: i, firmware: `1.${i}.0`, status: i % 500 === 0 ? "offline" : "online" })),
  );
  await reports.append(
    Array.from({ length: Math.max(count, 60) }, (_, i) => ({
      ...{ id: `${i}`, device: `d${i % Math.min(count, 100)}`, kind: i % 40 < 2 ? "log" : "heartbeat" },
    })),
  );
  await profiles.put([{ id: "one", name: "One", parent: "p", scope: "device", device: "d1" }]);
  return feed;
}

/** Every read of every port; a write of every kind is in `writeAll`. @param since what `fill` returned */
export async function readAll({ devices, profiles, artifacts, reports }: Registry, since: Cursor): Promise<void> {
  for (const filter of reportFilters) {
    for (const order of ["newest", "oldest"] as const) {
      const { next } = await reports.page(filter, { limit: 1, order });
      if (next !== undefined) await reports.page(filter, { limit: 1, order, after: next });
      await reports.page(filter, { limit: 1, order, offset: 1 });
    }
  }
  for (const filter of deviceFilters) {
    const { next } = await devices.page(filter, { limit: 1 });
    if (next !== undefined) await devices.page(filter, { limit: 1, after: next });
    await devices.page(filter, { limit: 1, offset: 1 });
  }
  for (const filter of profileFilters) {
    const { next } = await profiles.page(filter, { limit: 1 });
    if (next !== undefined) await profiles.page(filter, { limit: 1, after: next });
    await profiles.page(filter, { limit: 1, offset: 1 });
  }
  const { feed } = await devices.page();
  await devices.getMany(["d1"]);
  await devices.changes(feed);
  await profiles.getMany(["p"]);
  await profiles.changes(since);
  await profiles.overridesSince(["p", "o"], since);
  await profiles.items(["p", "o"], "header");
  const { revision } = await profiles.metrics();
  await profiles.resolveMany([subject]);
  await profiles.resolveMany([subject], { at: revision - 1 });
  await artifacts.list({ limit: 1 });
}

/** Every write of every port, and what is read on its way. */
export async function writeAll({ devices, profiles, artifacts, reports }: Registry): Promise<void> {
  await reports.append([{ id: "new", device: "d1", kind: "log", status: "online" }]);
  for (const filter of [{ device: "d0", kind: "log" }, { kind: "log" }, { device: "d1" }, {}] as const) {
    await reports.removeBefore(Number.MAX_SAFE_INTEGER, filter);
  }
  const profile = { send: { path: "/own" } };
  await devices.put([device("own", { profile, tags: ["a"] }), device("own", { tags: ["b"], ifRevision: 1 })]);
  await devices.getMany(["own"]);
  await devices.put([device("own", { tags: ["b"] }), device("d1", { profileId: "p", tags: ["t1"] })]);
  await devices.observe([{ id: "d1", seenAt: 9_999 }]);
  await profiles.put([{ id: "o", name: "O again", parent: "p" }]);
  await profiles.put([{ id: "own", name: "Own", parent: "o", scope: "device", device: "own" }]);
  await profiles.resolveMany([subject]);
  await devices.put([device("gone", { profile })]);
  await devices.remove(["d1", "own", "gone", "nobody"]);
  await profiles.remove(["o", "p", "many1"]);
  const { digest } = await artifacts.put(testArtifact("one"));
  await artifacts.put(testArtifact("two"));
  const { next = "" } = await artifacts.list({ limit: 1 });
  await artifacts.list({ limit: 1, after: next });
  await (await artifacts.open(digest))[Symbol.asyncDispose]();
  await artifacts.remove(digest);
}

const verbs = "(?:SELECT|INSERT|UPDATE|DELETE|WITH)\\b";
const inserted = "\\$\\{(?:[^{}`]|`[^`]*`|\\{[^{}]*\\})*\\}";
const literal = new RegExp(`"(${verbs}[^"\\n]*)"|\`(${verbs}(?:[^\`$]|\\$(?!\\{)|${inserted})*)\``, "g");

/**
 * The SQL texts in a driver's sources that are part of none of these statements: nobody has looked at their plans. What is
 * put into a text when it runs may be anything.
 */
export function unmetStatements(
  folder: string,
  met: Iterable<string>,
): { readonly all: number; readonly unmet: string[] } {
  const files = readdirSync(folder).filter((name) => name.endsWith(".ts") && !/\.(test|suite)\.ts$/.test(name));
  const texts = files.flatMap((name) =>
    [...readFileSync(join(folder, name), "utf8").matchAll(literal)].map(
      ([, plain, template]) => plain ?? template ?? "",
    ),
  );
  const statements = [...met];
  const isMet = (text: string) => {
    const parts = text.split(new RegExp(inserted)).map((part) =>
      part
        .replace(/[.*+^${}()|[\]\\]/g, "\\$&")
        .replaceAll("?", "(?:\\?|\\$\\d+)")
        .replace(/\s+/g, "\\s+"),
    );
    const pattern = new RegExp(parts.join("[^]*"));
    return statements.some((statement) => pattern.test(statement));
  };
  return { all: texts.length, unmet: texts.filter((text) => !isMet(text)) };
}

/** A registry that says what it was asked. */
type Counting = Registry & {
  statistics(): { readonly commits: number; readonly operations: readonly OperationCounters[] };
};

/** The performance log and the counters of a driver. */
export function testLog(
  fleet: () => string,
  open: (options: { onOperation(record: OperationRecord): void }) => Promise<Counting>,
): void {
  it("are logged, each operation once with its rows and its failure, and added up", async () => {
    const log: unknown[] = [];
    await using registry = await open({
      onOperation: ({ operation, records, duration, at, error, fleet: told }) => {
        expect([duration >= 0, at > 0, told]).toEqual([true, true, fleet()]);
        log.push([operation, records, error]);
      },
    });
    const { devices } = registry;
    const { feed } = await devices.page();
    await devices.put([device("a"), device("b")]);
    await devices.changes(feed);
    await expect(devices.changes("no cursor")).rejects.toMatchObject({ code: "invalid_cursor" });
    await devices.remove(["a", "nobody"]);
    expect(log).toEqual([
      ["devices.page", 0, undefined],
      ["devices.put", 2, undefined],
      ["devices.changes", 2, undefined],
      ["devices.changes", 0, "invalid_cursor"],
      ["devices.remove", 1, undefined],
    ]);
    const { operations, commits } = registry.statistics();
    const changes = operations.find(({ operation }) => operation === "devices.changes");
    expect(changes).toMatchObject({ calls: 2, errors: 1, records: 2 });
    expect(commits).toBe(3); // one that made the fleet, or settled its version scheme
  });
}
