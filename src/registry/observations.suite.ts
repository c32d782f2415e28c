import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Evidence } from "../core/outcome.ts";
import type { Observation, Registry } from "../core/registry.ts";
import { accept, device, isDeeplyFrozen, type RegistryDriver, stoppedClock } from "./driver.suite.ts";

const evidence = (id: string, version: string): Evidence => ({
  device: id,
  proved: "version",
  version,
  newBoot: "seen",
  health: "ok",
  identity: "reported-id",
  reads: 3,
  firstSeenAt: 10,
  lastSeenAt: 20,
});

const malformed: readonly (readonly [what: string, row: unknown])[] = [
  ["no moment", { id: "a" }],
  ["evidence that is none", { id: "a", seenAt: 1, evidence: "1.0.0" }],
  ["a moment that is none", { id: "a", seenAt: Number.NaN }],
  ["a moment before the epoch", { id: "a", seenAt: -1 }],
  ["a moment that no date can be", { id: "a", seenAt: 8_640_000_000_000_001 }],
  ["another status", { id: "a", seenAt: 1, status: "asleep" }],
  ["an empty firmware", { id: "a", seenAt: 1, firmware: "" }],
  ["a control in the firmware", { id: "a", seenAt: 1, firmware: "1.0\u0007" }],
  ["evidence of another device", { id: "a", seenAt: 1, evidence: evidence("b", "1.0.0") }],
  ["evidence that is too large", { id: "a", seenAt: 1, evidence: { ...evidence("a", "1"), slot: "x".repeat(16_385) } }],
];

const read = async (registry: Registry, id: string) => (await registry.devices.getMany([id])).get(id);

/** Observations of one device, no two at the same moment. */
const history = fc.uniqueArray(
  fc.record(
    {
      id: fc.constant("a"),
      seenAt: fc.nat(1_000),
      status: fc.constantFrom("online", "offline", "unknown"),
      firmware: fc.constantFrom("1.0.0", "1.9.0", "1.10.0"),
      evidence: fc.constantFrom("1.0.0", "2.0.0", null).map((version) => version && evidence("a", version)),
    },
    { requiredKeys: ["id", "seenAt"] },
  ),
  { selector: (row) => row.seenAt, maxLength: 6 },
) as fc.Arbitrary<Observation[]>;

/** What all observations together say, whatever the order in which they come. */
function latest(rows: readonly Observation[]): object {
  const inOrder = [...rows].sort((a, b) => a.seenAt - b.seenAt);
  const lastSeen = inOrder.at(-1)?.seenAt;
  const fields = inOrder.map(({ id: _, seenAt: __, evidence, ...seen }) =>
    evidence === undefined ? seen : { ...seen, evidence: evidence ?? undefined },
  );
  return Object.assign({ status: "unknown" }, lastSeen === undefined ? {} : { lastSeen }, ...fields);
}

export function testObservations(driver: RegistryDriver): void {
  describe("observe", () => {
    it("keeps what was seen without touching revision, dates or feed", async () => {
      const clock = stoppedClock();
      await using registry = await driver.open({ clock });
      const [revision] = await accept(registry.devices, device("a"));
      const { feed } = await registry.devices.page();
      const dates = { createdAt: clock.time, updatedAt: clock.time };
      clock.time += 60_000;
      const seen = { status: "online", firmware: "2.0.0", evidence: evidence("a", "2.0.0") } as const;
      expect(await registry.devices.observe([{ id: "a", seenAt: 7, ...seen }])).toEqual({ unknown: [], invalid: [] });
      const row = await read(registry, "a");
      expect(row).toEqual({ ...device("a"), ...seen, lastSeen: 7, revision, ...dates });
      expect(isDeeplyFrozen(row)).toBe(true);
      expect((await registry.devices.changes(feed)).changes).toEqual([]);
      await accept(registry.devices, device("a", { ifRevision: revision ?? -1 }));
    });

    it("says which devices it does not know, and keeps the others", async () => {
      await using registry = await driver.open();
      await accept(registry.devices, device("a"));
      const rows = ["nobody", "a", "late"].map((id) => ({ id, seenAt: 3 }));
      expect(await registry.devices.observe(rows)).toEqual({ unknown: ["nobody", "late"], invalid: [] });
      expect(await read(registry, "a")).toMatchObject({ lastSeen: 3 });
      expect((await registry.devices.getMany(["nobody", "late"])).size).toBe(0);
      expect(await registry.devices.observe([])).toEqual({ unknown: [], invalid: [] });
    });

    it.each(malformed)("keeps nothing of %s", async (_, row) => {
      await using registry = await driver.open();
      await accept(registry.devices, device("a"), device("b"));
      const before = await read(registry, "a");
      const result = await registry.devices.observe([row as Observation, { id: "b", seenAt: 2 }]);
      expect(result).toEqual({ unknown: [], invalid: ["a"] });
      expect(await read(registry, "a")).toEqual(before);
      expect(await read(registry, "b")).toMatchObject({ lastSeen: 2 });
    });

    it("tells of rows that are not even rows", async () => {
      await using registry = await driver.open();
      const rows = [null, { id: 3, seenAt: 1 }] as unknown as Observation[];
      expect(await registry.devices.observe(rows)).toEqual({ unknown: [], invalid: ["", ""] });
    });

    it("takes no moment after its own clock's, which would keep all later observations out", async () => {
      const clock = stoppedClock();
      await using registry = await driver.open({ clock });
      await accept(registry.devices, device("a"));
      const ahead = { status: "online", firmware: "1.0.0", evidence: evidence("a", "1.0.0") } as const;
      await registry.devices.observe([{ id: "a", seenAt: 8_640_000_000_000_000, ...ahead }]);
      expect(await read(registry, "a")).toMatchObject({ lastSeen: clock.time, ...ahead });
      clock.time += 1;
      const later = { status: "offline", firmware: "2.0.0", evidence: evidence("a", "2.0.0") } as const;
      await registry.devices.observe([{ id: "a", seenAt: clock.time, ...later }]);
      expect(await read(registry, "a")).toMatchObject({ lastSeen: clock.time, ...later });
    });

    it("lets the later call win at the same moment", async () => {
      await using registry = await driver.open();
      await accept(registry.devices, device("a"));
      await registry.devices.observe([
        { id: "a", seenAt: 5, status: "online", firmware: "1.0.0" },
        { id: "a", seenAt: 5, status: "offline" },
      ]);
      await registry.devices.observe([{ id: "a", seenAt: 5, firmware: "2.0.0" }]);
      expect(await read(registry, "a")).toMatchObject({ status: "offline", firmware: "2.0.0", lastSeen: 5 });
    });

    it("has a device found by the version that was seen last, whatever comes late", async () => {
      await using registry = await driver.open();
      await accept(registry.devices, device("a"));
      await registry.devices.observe([{ id: "a", seenAt: 9, firmware: "1.10.0" }]);
      await registry.devices.observe([{ id: "a", seenAt: 5, firmware: "1.9.0" }]);
      const found = async (firmware: object) => (await registry.devices.page({ firmware })).items.length;
      expect([await found({ min: "1.10.0" }), await found({ below: "1.10.0" })]).toEqual([1, 0]);
    });

    it("takes evidence back, and leaves everything else that was seen", async () => {
      await using registry = await driver.open();
      await accept(registry.devices, device("a"));
      const proven = {
        id: "a",
        seenAt: 5,
        status: "online",
        firmware: "2.0.0",
        evidence: evidence("a", "2.0.0"),
      } as const;
      await registry.devices.observe([proven]);
      await registry.devices.observe([{ id: "a", seenAt: 9, firmware: "1.0.0", evidence: null }]);
      const row = await read(registry, "a");
      expect(row).toMatchObject({ status: "online", firmware: "1.0.0", lastSeen: 9 });
      expect(row !== undefined && "evidence" in row).toBe(false);
      // Evidence from before it was taken back comes too late, later evidence holds again, also through a put.
      await registry.devices.observe([proven]);
      expect(await read(registry, "a")).not.toHaveProperty("evidence");
      await accept(registry.devices, device("a", { name: "renamed" }));
      expect(await read(registry, "a")).not.toHaveProperty("evidence");
      await registry.devices.observe([{ ...proven, seenAt: 10 }]);
      expect(await read(registry, "a")).toMatchObject({ evidence: proven.evidence });
    });

    it("comes to the same, field by field, in whatever order and batches observations arrive", async () => {
      await fc.assert(
        fc.asyncProperty(history, fc.infiniteStream(fc.nat()), fc.boolean(), async (rows, order, together) => {
          await using registry = await driver.open();
          await accept(registry.devices, device("a"));
          const keys = new Map(rows.map((row) => [row, order.next().value]));
          const shuffled = [...rows].sort((a, b) => Number(keys.get(a)) - Number(keys.get(b)));
          if (together) await registry.devices.observe(shuffled);
          else for (const row of shuffled) await registry.devices.observe([row]);
          const { status, lastSeen, firmware, evidence: proof } = (await read(registry, "a")) ?? {};
          expect({ status, lastSeen, firmware, evidence: proof }).toEqual(latest(rows));
        }),
        { numRuns: driver.runs ?? 60 },
      );
    });

    it("loses nothing against puts at the same time, nor they against it", async () => {
      await using registry = await driver.open();
      await accept(registry.devices, device("a", { name: "0" }));
      const names = Array.from({ length: 20 }, (_, i) => String(i));
      const puts = names.map((name) => registry.devices.put([device("a", { name })]));
      const observations = names.map((_, i) =>
        registry.devices.observe([{ id: "a", seenAt: i, status: "online", firmware: `1.${i}.0` }]),
      );
      const results = (await Promise.all(puts)).flat() as readonly { readonly revision: number }[];
      await Promise.all(observations);
      const revision = Math.max(...results.map((put) => put.revision));
      const name = names[results.findIndex((put) => put.revision === revision)];
      const row = await read(registry, "a");
      expect(row).toMatchObject({ name, revision, status: "online", firmware: "1.19.0", lastSeen: 19 });
    });
  });
}
