import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ProfileInput, ProfileItem, ProfileSubject, Registry } from "../core/registry.ts";
import { accept, device, type RegistryDriver } from "./driver.suite.ts";

// Random profile trees, changed at random, against a model that keeps a whole copy of all rows after every change and
// resolves by the words of the contract, row by row.

interface ModelRow extends ProfileInput {
  readonly revision: number;
}

type Snapshot = readonly ModelRow[];

const ids = ["p", "q", "a", "b", "c", "d", "e"];
const id = fc.constantFrom(...ids);
const place = fc.constantFrom<Pick<ProfileInput, "scope" | "group" | "device">>(
  { scope: "fleet" },
  { scope: "group", group: "g" },
  { scope: "group", group: "h" },
  { scope: "device", device: "one" },
  { scope: "device", device: "two" },
);
const item: fc.Arbitrary<ProfileItem> = fc.record(
  {
    purpose: fc.constant("send" as const),
    kind: fc.constantFrom("header" as const, "query" as const),
    name: fc.constantFrom("x", "y", "z"),
    value: fc.constantFrom("1", "2", "3"),
    enabled: fc.boolean(),
  },
  { requiredKeys: ["purpose", "kind", "name"] },
);
const content = fc.record({
  path: fc.option(fc.constantFrom("/1", "/2", "/3")),
  off: fc.option(fc.boolean(), { freq: 2 }),
  options: fc.dictionary(fc.constantFrom("o", "n"), fc.constantFrom(1, "1", true), { maxKeys: 2 }),
  items: fc.uniqueArray(item, { selector: ({ kind, name }) => `${kind} ${name}`, maxLength: 3 }),
});
const put = fc.record({ op: fc.constant("put" as const), id, parent: fc.option(id, { freq: 6 }), place, content });
const remove = fc.record({ op: fc.constant("remove" as const), id });
const operations = fc.array(fc.oneof({ weight: 6, arbitrary: put }, remove), { minLength: 5, maxLength: 30 });

const subjects: readonly ProfileSubject[] = ["p", "q"].flatMap((profileId) => [
  { id: "one", group: "g", profileId },
  { id: "two", group: "g", profileId },
  { id: "two", group: "h", profileId },
  { id: "three", group: "g", profileId },
  { id: "four", profileId },
]);

const rank = { fleet: 0, group: 1, device: 2 };

function model(rows: Snapshot, subject: ProfileSubject): unknown {
  const find = (wanted: string | undefined) => rows.find((row) => row.id === wanted);
  const root = find(subject.profileId);
  if (root === undefined || root.parent !== undefined) return undefined;
  const line = (row: ModelRow): ModelRow[] => {
    const parent = find(row.parent);
    return parent === undefined ? [row] : [...line(parent), row];
  };
  const isFor = (row: ModelRow) =>
    (row.group === undefined || row.group === subject.group) && (row.device === undefined || row.device === subject.id);
  const key = (row: ModelRow) => [rank[row.scope ?? "fleet"], line(row).length, row.revision] as const;
  const layers = rows
    .filter((row) => line(row)[0] === root && line(row).every(isFor))
    .sort((a, b) => {
      const [x, y] = [key(a), key(b)];
      return x[0] - y[0] || x[1] - y[1] || x[2] - y[2] || (a.id < b.id ? -1 : 1);
    });
  const last = <T>(values: readonly (T | undefined)[]) => values.findLast((value) => value !== undefined);
  const method = last(layers.map((row) => row.requests?.send?.path));
  const health = last(layers.map((row) => row.requests?.health));
  const names = [...new Set(layers.flatMap((row) => (row.items ?? []).map(({ kind, name }) => `${kind} ${name}`)))];
  const items = names.flatMap((name) => {
    const all = layers.flatMap((row) => (row.items ?? []).filter((own) => `${own.kind} ${own.name}` === name));
    const value = last(all.map((own) => own.value));
    return value === undefined || last(all.map((own) => own.enabled)) === false ? [] : [`${name} ${value}`];
  });
  const options = Object.fromEntries(layers.flatMap((row) => Object.entries(row.options ?? {})));
  return { path: method, health: health === undefined ? undefined : health !== false, items, options };
}

/** A resolved profile in the model's words. */
function shown(profile: Awaited<ReturnType<typeof resolve>>): unknown {
  if (profile === undefined) return undefined;
  const { send, health, options = {} } = profile;
  const list = (kind: string, record: object = {}) =>
    Object.entries(record).map(([name, value]) => `${kind} ${name} ${value}`);
  const items = { header: list("header", send?.headers), query: list("query", send?.query) };
  return { path: send?.path, health: health === undefined ? undefined : health !== false, items, options };
}

/** The model's items by kind, each kind in order. */
function byKind(state: unknown): unknown {
  if (typeof state !== "object" || state === null) return undefined;
  const { items } = state as { readonly items: readonly string[] };
  const of = (kind: string) => items.filter((text) => text.startsWith(`${kind} `));
  return { ...state, items: { header: of("header"), query: of("query") } };
}

async function resolve(registry: Registry, subject: ProfileSubject, at: number | undefined) {
  return (await registry.profiles.resolveMany([subject], at === undefined ? {} : { at })).get(subject.id);
}

function without(rows: Snapshot, gone: string): Snapshot {
  const children = rows.filter((row) => row.parent === gone);
  const left: Snapshot = rows.filter((row) => row.id !== gone);
  return children.reduce((some: Snapshot, child) => without(some, child.id), left);
}

class Run {
  readonly registry: Registry;
  rows: Snapshot = [];
  readonly history: { readonly at: number; readonly rows: Snapshot }[] = [];

  constructor(registry: Registry) {
    this.registry = registry;
  }

  async apply(operation: Generated<typeof put> | Generated<typeof remove>): Promise<void> {
    if (operation.op === "remove") {
      const left = without(this.rows, operation.id);
      const there = this.rows.some((row) => row.id === operation.id);
      const result = await this.registry.profiles.remove([operation.id]);
      expect(result).toEqual({ removed: there ? this.rows.length - left.length : 0, inUse: [] });
      if (there) this.rows = left;
    } else await this.#put(operation);
    this.history.push({ at: (await this.registry.profiles.metrics()).revision, rows: this.rows });
  }

  async #put({
    id: own,
    parent,
    place: where,
    content: { path, off, items, options },
  }: Generated<typeof put>): Promise<void> {
    const send = path === null ? {} : { send: { path } };
    const health = off === null ? {} : { health: off ? ({} as const) : (false as const) };
    const input: ProfileInput = {
      id: own,
      name: own,
      ...(parent === null ? {} : { parent, ...where }),
      requests: { ...send, ...health },
      items,
      options,
    };
    const [result] = await this.registry.profiles.put([input]);
    const before = this.rows.find((row) => row.id === own);
    const isMoved = (["parent", "scope", "group", "device"] as const).some(
      (field) => before !== undefined && (before[field] ?? "fleet") !== (input[field] ?? "fleet"),
    );
    const above = this.rows.find((row) => row.id === parent);
    const isWider = above !== undefined && !fits(input, above);
    if (isMoved || (before === undefined && parent !== null && (above === undefined || isWider))) {
      expect(["invalid_parent", "invalid_scope"]).toContain(result?.result);
      return;
    }
    expect(result?.result).toBe(before === undefined ? "created" : "updated");
    const revision = result !== undefined && "revision" in result ? result.revision : 0;
    this.rows = [...this.rows.filter((row) => row.id !== own), { ...input, revision }];
  }

  async check(): Promise<void> {
    const past = this.history.map(({ at, rows }) => ({ at, rows }));
    for (const { at, rows } of [{ at: undefined, rows: this.rows }, ...past]) {
      for (const subject of subjects) {
        expect(shown(await resolve(this.registry, subject, at))).toEqual(byKind(model(rows, subject)));
      }
    }
    const live = this.rows.map((row) => row.id).sort();
    expect((await this.registry.profiles.page()).items.map((row) => row.id)).toEqual(live);
    const bases = this.rows.filter((row) => row.parent === undefined).length;
    const count = (scope: string) => this.rows.filter((row) => row.parent !== undefined && row.scope === scope).length;
    expect(await this.registry.profiles.metrics()).toMatchObject({
      profiles: bases,
      overrides: { fleet: count("fleet"), group: count("group"), device: count("device") },
      items: this.rows.reduce((sum, row) => sum + (row.items?.length ?? 0), 0),
    });
  }
}

function fits(input: ProfileInput, above: ProfileInput): boolean {
  const [own, its] = [rank[input.scope ?? "fleet"], rank[above.scope ?? "fleet"]];
  return own > its || (own === its && input.group === above.group && input.device === above.device);
}

type Generated<A> = A extends fc.Arbitrary<infer T> ? T : never;

export function testResolutionModel(driver: RegistryDriver): void {
  describe("against a plain reading of the contract", () => {
    it("resolves alike, now and as of every revision there ever was", async () => {
      await fc.assert(
        fc.asyncProperty(operations, async (all) => {
          await using registry = await driver.open();
          await accept(registry.devices, device("one"), device("two"));
          const run = new Run(registry);
          for (const operation of all) {
            await run.apply(operation);
            // Looked at in between as well: what is remembered must not outlive a change.
            for (const subject of subjects) {
              expect(shown(await resolve(registry, subject, undefined))).toEqual(byKind(model(run.rows, subject)));
            }
          }
          await run.check();
        }),
        { numRuns: driver.runs ?? 60 },
      );
    });
  });
}
