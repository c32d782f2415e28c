import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DeviceFilter, DeviceInput, Observation, RegisteredDevice, Registry } from "../core/registry.ts";
import { semver } from "../core/versions.ts";
import { followDevices } from "./device-feed.suite.ts";
import { device, type RegistryDriver, readAll } from "./driver.suite.ts";

// Random operations against a registry and against a plain array of rows; after each, both must say the same.

const id = fc.constantFrom("a", "b", "c", "d", "e", "f");
const version = fc.constantFrom("1.2.0", "1.9.0", "1.10.0", "1.10.0-rc.1", "2.0.0", "nightly");
const status = fc.constantFrom("online", "offline", "unknown");
const tag = fc.constantFrom("x", "y", "z");
const optional = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: undefined, freq: 2 });

/** The same object without undefined members, as options must be. */
function tidy<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

const put = fc.record({
  op: fc.constant("put" as const),
  id,
  tags: optional(fc.uniqueArray(tag)),
  site: optional(fc.constantFrom("s", "t")),
  group: optional(fc.constantFrom("g", "h")),
  /** Which revision the writer believes in: any, none, the current one, or an old one. */
  belief: fc.constantFrom("any", "none", "current", "old"),
});

const observe = fc.record({
  op: fc.constant("observe" as const),
  id,
  seenAt: fc.nat(20),
  status: optional(status),
  firmware: optional(version),
});

const remove = fc.record({ op: fc.constant("remove" as const), ids: fc.array(id, { maxLength: 2 }) });

const look = fc.record({
  op: fc.constant("look" as const),
  limit: fc.integer({ min: 1, max: 4 }),
  filter: fc
    .record({
      ids: optional(fc.array(id)),
      status: optional(status),
      group: optional(fc.constantFrom("g", "h")),
      site: optional(fc.constantFrom("s", "t")),
      tags: optional(fc.array(tag, { maxLength: 2 })),
      firmware: optional(
        fc
          .record({
            min: optional(version),
            max: optional(version),
            above: optional(version),
            below: optional(version),
          })
          .map(tidy),
      ),
      seenBefore: optional(fc.nat(20)),
      seenAfter: optional(fc.nat(20)),
    })
    .map(tidy),
});

const follow = fc.record({ op: fc.constant("follow" as const), limit: fc.integer({ min: 1, max: 3 }) });

type Operation = Generated<typeof put | typeof observe | typeof remove | typeof look | typeof follow>;
type Generated<A> = A extends fc.Arbitrary<infer T> ? T : never;

interface ModelRow {
  input: DeviceInput;
  revision: number;
  status: string;
  statusAt: number;
  firmware: string | undefined;
  firmwareAt: number;
  lastSeen: number | undefined;
}

class Model {
  rows: ModelRow[] = [];

  put(input: DeviceInput, revision: number): void {
    const row = this.rows.find((other) => other.input.id === input.id);
    if (row !== undefined) Object.assign(row, { input, revision });
    else {
      const unseen = { status: "unknown", statusAt: -1, firmware: undefined, firmwareAt: -1, lastSeen: undefined };
      this.rows.push({ input, revision, ...unseen });
    }
  }

  observe(seen: Extract<Operation, { op: "observe" }>): boolean {
    const row = this.rows.find((other) => other.input.id === seen.id);
    if (row === undefined) return false;
    const { seenAt, status: state, firmware } = seen;
    if (state !== undefined && seenAt >= row.statusAt) Object.assign(row, { status: state, statusAt: seenAt });
    if (firmware !== undefined && seenAt >= row.firmwareAt) Object.assign(row, { firmware, firmwareAt: seenAt });
    row.lastSeen = Math.max(seenAt, row.lastSeen ?? 0);
    return true;
  }

  remove(ids: readonly string[]): number {
    const before = this.rows.length;
    this.rows = this.rows.filter((row) => !ids.includes(row.input.id));
    return before - this.rows.length;
  }

  select(filter: DeviceFilter): ModelRow[] {
    const { ids, status: state, group, site, tags = [], seenBefore, seenAfter } = filter;
    return this.rows
      .filter(({ input }) => ids === undefined || ids.includes(input.id))
      .filter((row) => state === undefined || row.status === state)
      .filter(({ input }) => group === undefined || input.group === group)
      .filter(({ input }) => site === undefined || input.site === site)
      .filter(({ input }) => tags.every((wanted) => (input.tags ?? []).includes(wanted)))
      .filter((row) => seenBefore === undefined || (row.lastSeen !== undefined && row.lastSeen < seenBefore))
      .filter((row) => seenAfter === undefined || (row.lastSeen !== undefined && row.lastSeen >= seenAfter))
      .filter((row) => inRange(row.firmware, filter.firmware ?? {}))
      .sort((a, b) => (a.input.id < b.input.id ? -1 : 1));
  }
}

function inRange(firmware: string | undefined, range: NonNullable<DeviceFilter["firmware"]>): boolean {
  const against = (bound: string | undefined, holds: (order: number) => boolean) =>
    bound === undefined || (firmware !== undefined && holds(semver.compare(firmware, bound)));
  return (
    against(range.min, (order) => order >= 0) &&
    against(range.max, (order) => order <= 0) &&
    against(range.above, (order) => order > 0) &&
    against(range.below, (order) => order < 0)
  );
}

/** What of a row the model knows. */
function shown(row: RegisteredDevice): object {
  const { createdAt: _, updatedAt: __, ...rest } = row;
  return rest;
}

function expected(row: ModelRow): object {
  const { input, revision, status: state, firmware, lastSeen } = row;
  return tidy({ ...input, ifRevision: undefined, revision, status: state, firmware, lastSeen });
}

class Run {
  readonly model = new Model();
  readonly mirror = new Map<string, RegisteredDevice>();
  readonly registry: Registry;
  cursor: string;
  highest = 0;

  constructor(registry: Registry, cursor: string) {
    this.registry = registry;
    this.cursor = cursor;
  }

  async apply(operation: Operation): Promise<void> {
    if (operation.op === "put") return this.#put(operation);
    if (operation.op === "look") return this.#look(operation.filter, operation.limit);
    if (operation.op === "follow") return this.#follow(operation.limit);
    if (operation.op === "remove") {
      expect(await this.registry.devices.remove(operation.ids)).toBe(this.model.remove(operation.ids));
      return;
    }
    const { op: _, ...seen } = operation;
    const result = await this.registry.devices.observe([tidy(seen) as Observation]);
    expect(result).toEqual({ unknown: this.model.observe(operation) ? [] : [operation.id], invalid: [] });
  }

  async #put({ op: _, belief, ...fields }: Extract<Operation, { op: "put" }>): Promise<void> {
    const current = this.model.rows.find((row) => row.input.id === fields.id)?.revision ?? 0;
    const ifRevision = { any: undefined, none: 0, current, old: current + 1_000 }[belief];
    const input = tidy({ ...device(fields.id), ...fields, ifRevision }) as DeviceInput;
    const [result] = await this.registry.devices.put([input]);
    if (ifRevision !== undefined && ifRevision !== current) {
      expect(result).toEqual({ id: fields.id, result: "conflict", revision: current });
      return;
    }
    expect(result).toMatchObject({ id: fields.id, result: current === 0 ? "created" : "updated" });
    const revision = result !== undefined && "revision" in result ? result.revision : 0;
    expect(revision).toBeGreaterThan(this.highest);
    this.highest = revision;
    this.model.put(input, revision);
  }

  async #look(filter: DeviceFilter, limit: number): Promise<void> {
    const { items } = await readAll(
      (after) => this.registry.devices.page(filter, { limit, ...(after === undefined ? {} : { after }) }),
      limit,
    );
    expect(items.map(shown)).toEqual(this.model.select(filter).map(expected));
  }

  async #follow(limit: number): Promise<void> {
    this.cursor = await followDevices(this.registry, this.mirror, this.cursor, limit);
    const registered = (row: ModelRow) => [row.input.id, row.revision, row.input.site, row.input.tags];
    const mirrored = [...this.mirror.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
    expect(mirrored.map((row) => [row.id, row.revision, row.site, row.tags])).toEqual(
      this.model.select({}).map(registered),
    );
  }
}

export function testDeviceModel(driver: RegistryDriver): void {
  describe("against a plain array", () => {
    it("says the same after every operation", async () => {
      const operation = fc.oneof(
        { weight: 3, arbitrary: put },
        { weight: 2, arbitrary: observe },
        remove,
        look,
        follow,
      );
      await fc.assert(
        fc.asyncProperty(fc.array(operation, { minLength: 10, maxLength: 60 }), async (operations) => {
          await using registry = await driver.open();
          const run = new Run(registry, (await registry.devices.page()).feed);
          for (const next of operations) await run.apply(next);
          await run.apply({ op: "look", filter: {}, limit: 2 });
          await run.apply({ op: "follow", limit: 3 });
        }),
        { numRuns: driver.runs ?? 60 },
      );
    });
  });
}
