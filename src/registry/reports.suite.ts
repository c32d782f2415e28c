import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Registry, Report, ReportFilter, ReportInput, ReportPageOptions } from "../core/registry.ts";
import { reportKinds } from "../core/report-store.ts";
import {
  accept,
  device,
  expectCode,
  isDeeplyFrozen,
  type RegistryDriver,
  readAll,
  spoiltCursors,
  stoppedClock,
} from "./driver.suite.ts";

const heartbeat = (id: string, more: Partial<ReportInput> = {}): ReportInput => ({
  id,
  device: "a",
  kind: "heartbeat",
  ...more,
});

const names = (reports: readonly Report[]) => reports.map(({ device: of, id }) => `${of}:${id}`);
const deep = (levels: number): ReportInput["body"] => (levels === 0 ? "x" : [deep(levels - 1)]) as ReportInput["body"];

const malformed: readonly (readonly [what: string, row: unknown])[] = [
  ["nothing", null],
  ["no id", { device: "a", kind: "log" }],
  ["an id that does not print", heartbeat("1\u0007")],
  ["an id that is too long", heartbeat("x".repeat(257))],
  ["no device", heartbeat("1", { device: undefined as unknown as string })],
  ["another kind", { id: "1", device: "a", kind: "toString" }],
  ["a moment that is none", heartbeat("1", { at: Number.NaN })],
  ["a moment before the epoch", heartbeat("1", { at: -1 })],
  ["a moment that no date can be", heartbeat("1", { at: 8_640_000_000_000_001 })],
  ["another status", { ...heartbeat("1"), status: "asleep" }],
  ["an empty firmware", heartbeat("1", { firmware: "" })],
  ["a body that is too large", heartbeat("1", { body: "x".repeat(16_384) })],
  ["a body that is too deep", heartbeat("1", { body: deep(9) ?? null })],
  ["a body that is no JSON", heartbeat("1", { body: { at: new Date(0) } as unknown as string })],
  ["a body that reaches a prototype", heartbeat("1", { body: JSON.parse('{"__proto__":1}') })],
];

async function opened(driver: RegistryDriver) {
  const clock = stoppedClock();
  const registry = await driver.open({ clock });
  await accept(registry.devices, device("a"), device("b"));
  return { registry, clock };
}

function testAppend(driver: RegistryDriver): void {
  it("keeps reports as they came in, frozen, with their receipt", async () => {
    const { registry, clock } = await opened(driver);
    await using _ = registry;
    const body = { volts: [3.3, null], deep: deep(6) ?? null, "": true, text: "line\nbreak \u{1F600} é" };
    const rows: ReportInput[] = [
      heartbeat("1", { at: 5, status: "offline", firmware: "1.0.0", body }),
      { id: "2", device: "b", kind: "delivery", body: null },
    ];
    expect(await registry.reports.append(rows)).toEqual([
      { id: "1", result: "appended" },
      { id: "2", result: "appended" },
    ]);
    const { items } = await registry.reports.page();
    expect(items).toEqual([
      { ...rows[1], at: clock.time, receivedAt: clock.time },
      { ...rows[0], receivedAt: clock.time },
    ]);
    expect(items.every(isDeeplyFrozen)).toBe(true);
  });

  it("appends a device's report once, whoever sends it again, and changes nothing of it", async () => {
    const { registry, clock } = await opened(driver);
    await using _ = registry;
    const first = heartbeat("1", { body: "first", status: "online" });
    expect(await registry.reports.append([first, heartbeat("1", { body: "second" })])).toMatchObject([
      { result: "appended" },
      { result: "known" },
    ]);
    clock.time += 1_000;
    const again = [heartbeat("1", { status: "offline" }), heartbeat("1", { device: "b" })];
    // An id of one device is none of another's: whoever reports for one keeps no report of another out.
    expect(await registry.reports.append(again)).toMatchObject([{ result: "known" }, { result: "appended" }]);
    const { items } = await registry.reports.page({ device: "a" });
    expect(items).toMatchObject([{ id: "1", body: "first", status: "online", receivedAt: clock.time - 1_000 }]);
    expect((await registry.devices.getMany(["a"])).get("a")).toMatchObject({
      status: "online",
      lastSeen: clock.time - 1_000,
    });
  });

  it("takes the good rows of a batch, and says of the others what is wrong, without their values", async () => {
    const { registry } = await opened(driver);
    await using _ = registry;
    const bad = malformed.map(([, row]) => row as ReportInput);
    const rows = bad.flatMap((row, i) => [row, heartbeat(`good${i}`)]);
    const results = await registry.reports.append([...rows, heartbeat("x", { device: "nobody" })]);
    expect(results).toHaveLength(rows.length + 1);
    for (const [i, [what]] of malformed.entries()) {
      const told = results[2 * i];
      expect([what, told]).toEqual([what, expect.objectContaining({ result: "invalid_report" })]);
      expect(results[2 * i + 1]).toEqual({ id: `good${i}`, result: "appended" });
    }
    expect(results.at(-1)).toMatchObject({ id: "x", result: "unknown_device" });
    expect(JSON.stringify(results.map((told) => ({ ...told, id: "" })))).not.toMatch(/asleep|toString|xxxx/);
    expect((await registry.reports.page()).items).toHaveLength(malformed.length);
  });

  it("takes batches of any size, and two callers at once", async () => {
    const { registry } = await opened(driver);
    await using _ = registry;
    const rows = Array.from({ length: 900 }, (_, i) => heartbeat(`${i % 700}`));
    const results = await Promise.all([registry.reports.append(rows), registry.reports.append(rows)]);
    const appended = results.flat().filter(({ result }) => result === "appended");
    expect([appended.length, new Set(appended.map(({ id }) => id)).size]).toEqual([700, 700]);
    expect(await registry.reports.append([])).toEqual([]);
  });
}

function testObserving(driver: RegistryDriver): void {
  it("observes the device: seen when it says, never later than its receipt", async () => {
    const { registry, clock } = await opened(driver);
    await using _ = registry;
    const [revision, { feed }] = [await revisionOf(registry), await registry.devices.page()];
    const seen = async (row: Partial<ReportInput>, id: string) => {
      await registry.reports.append([heartbeat(id, row)]);
      const { status, lastSeen, firmware, evidence } = (await registry.devices.getMany(["a"])).get("a") ?? {};
      return [status, lastSeen, firmware, evidence];
    };
    const now = clock.time;
    expect(await seen({ kind: "delivery", status: "online", firmware: "9.0.0" }, "0")).toEqual([
      "unknown",
      undefined,
      undefined,
      undefined,
    ]);
    expect(await seen({ kind: "log", at: now - 9 }, "1")).toEqual(["online", now - 9, undefined, undefined]);
    expect(await seen({ kind: "install", at: now - 5, firmware: "2.0.0" }, "2")).toEqual([
      "online",
      now - 5,
      "2.0.0",
      undefined,
    ]);
    expect(await seen({ at: now - 7, status: "offline", firmware: "1.0.0" }, "3")).toEqual([
      "online",
      now - 5,
      "2.0.0",
      undefined,
    ]);
    expect(await seen({ at: now + 1e9, status: "offline" }, "4")).toEqual(["offline", now, "2.0.0", undefined]);
    clock.time += 1;
    expect(await seen({}, "5")).toEqual(["online", now + 1, "2.0.0", undefined]);
    expect(await revisionOf(registry)).toBe(revision);
    expect((await registry.devices.changes(feed)).changes).toEqual([]);
  });

  it("keeps the reports of a device that is removed, and takes no more of it", async () => {
    const { registry } = await opened(driver);
    await using _ = registry;
    await registry.reports.append([heartbeat("1"), heartbeat("1", { device: "b" })]);
    await registry.devices.remove(["a"]);
    expect(names((await registry.reports.page({ device: "a" })).items)).toEqual(["a:1"]);
    expect(await registry.reports.append([heartbeat("1"), heartbeat("2")])).toMatchObject([
      { result: "known" },
      { result: "unknown_device" },
    ]);
    expect(await registry.reports.removeBefore(Number.MAX_SAFE_INTEGER, { device: "a" })).toBe(1);
    expect(names((await registry.reports.page()).items)).toEqual(["b:1"]);
  });
}

const revisionOf = async (registry: Registry) => (await registry.devices.getMany(["a"])).get("a")?.revision;

interface Step {
  readonly wait: number;
  readonly rows: readonly ReportInput[];
}

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    wait: fc.constantFrom(0, 0, 1, 5, -3),
    rows: fc.array(
      fc.record({
        id: fc.nat(30).map(String),
        device: fc.constantFrom("a", "b"),
        kind: fc.constantFrom(...reportKinds),
        at: fc.nat(50),
      }),
      { maxLength: 6 },
    ),
  }),
  { maxLength: 8 },
);

const start = stoppedClock().time;
const conditions = fc.record(
  {
    device: fc.constantFrom("a", "b", "nobody", "\uD800"),
    kind: fc.constantFrom(...reportKinds),
    since: fc.integer({ min: start - 5, max: start + 20 }),
    until: fc.integer({ min: start - 5, max: start + 20 }),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<ReportFilter>;

/** What a page must hold, oldest first: in the order of receipt, and of that of appending. */
function expected(kept: readonly Report[], filter: ReportFilter): Report[] {
  const { device: of, kind, since = 0, until = Number.MAX_SAFE_INTEGER } = filter;
  return kept
    .filter((row) => (of === undefined || row.device === of) && (kind === undefined || row.kind === kind))
    .filter(({ receivedAt }) => receivedAt >= since && receivedAt < until)
    .toSorted((a, b) => a.receivedAt - b.receivedAt);
}

function testReportPages(driver: RegistryDriver): void {
  it("gives what matches, page by page in either order, and removes what is old, whatever was appended", async () => {
    const property = fc.asyncProperty(steps, conditions, fc.integer({ min: 1, max: 7 }), async (all, filter, limit) => {
      const { registry, clock } = await opened(driver);
      await using _ = registry;
      let kept: Report[] = [];
      for (const { wait, rows } of all) {
        clock.time += wait;
        const results = await registry.reports.append(rows);
        for (const [i, row] of rows.entries()) {
          if (results[i]?.result === "appended") kept.push({ at: 0, ...row, receivedAt: clock.time });
        }
      }
      const check = async () => {
        for (const order of ["oldest", "newest"] as const) {
          const page = (after: string | undefined) =>
            registry.reports.page(filter, { limit, order, ...(after && { after }) });
          const { items } = await readAll(page, limit);
          const wanted = expected(kept, filter);
          expect(items).toEqual(order === "newest" ? wanted.reverse() : wanted);
        }
      };
      await check();
      const { device: of, kind } = filter;
      const narrow = { ...(of && { device: of }), ...(kind && { kind }) };
      const old = new Set(expected(kept, { ...narrow, until: start + 2 }));
      expect(await registry.reports.removeBefore(start + 2, narrow)).toBe(old.size);
      kept = kept.filter((row) => !old.has(row));
      await check();
    });
    await fc.assert(property, { numRuns: Math.min(30, driver.runs ?? 30) });
  });

  it("removes more than a transaction's worth", async () => {
    const { registry, clock } = await opened(driver);
    await using _ = registry;
    await registry.reports.append(Array.from({ length: 1_100 }, (_, i) => heartbeat(`${i}`)));
    expect(await registry.reports.removeBefore(clock.time)).toBe(0);
    expect(await registry.reports.removeBefore(clock.time + 1)).toBe(1_100);
    expect(await registry.reports.append([heartbeat("1")])).toEqual([{ id: "1", result: "appended" }]);
  });

  it("skips by offset", async () => {
    const { registry } = await opened(driver);
    await using _ = registry;
    await registry.reports.append(Array.from({ length: 6 }, (_, i) => heartbeat(`${i}`)));
    const { items, next = "" } = await registry.reports.page({}, { offset: 1, limit: 3 });
    expect(names(items)).toEqual(["a:4", "a:3", "a:2"]);
    expect(names((await registry.reports.page({}, { after: next })).items)).toEqual(["a:1", "a:0"]);
  });

  it("refuses what it does not know, before anything is removed", async () => {
    const { registry } = await opened(driver);
    await using _ = registry;
    await registry.reports.append([heartbeat("1"), heartbeat("2")]);
    const filters = [{ colour: 1 }, { kind: "all" }, { device: 1 }, { since: "1" }, { until: 0.5 }];
    for (const filter of filters as unknown as ReportFilter[]) {
      await expectCode(registry.reports.page(filter), "invalid_option");
      await expectCode(registry.reports.removeBefore(Number.MAX_SAFE_INTEGER, filter), "invalid_option");
    }
    for (const moment of [undefined, Number.NaN, "now"] as unknown as number[]) {
      await expectCode(registry.reports.removeBefore(moment), "invalid_option");
    }
    for (const options of [{ order: "random" }, { limit: 0 }] as unknown as ReportPageOptions[]) {
      await expectCode(registry.reports.page({}, options), "invalid_option");
    }
    const { next = "" } = await registry.reports.page({}, { limit: 1 });
    for (const after of spoiltCursors(next)) await expectCode(registry.reports.page({}, { after }), "invalid_cursor");
    await expectCode(registry.reports.page({}, { after: next, order: "oldest" }), "invalid_cursor");
    await expectCode(registry.reports.page({ device: "a" }, { after: next }), "invalid_cursor");
    expect(names((await registry.reports.page({}, { after: next })).items)).toEqual(["a:1"]);
  });
}

/** Reports: appending, what it shows of devices, pages and retention. */
export function testReportStore(driver: RegistryDriver): void {
  describe(`report store: ${driver.driver}`, () => {
    describe("append", () => testAppend(driver));
    describe("a report", () => testObserving(driver));
    describe("pages and retention", () => testReportPages(driver));
  });
}
