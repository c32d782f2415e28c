import type { Cursor, ProfileInput, ProfileItem, Registry } from "../../../src/core/registry.ts";

/** Base profiles with ten overrides each, side by side; as many again with a chain of ten. */
export const families = 100;
export const children = 10;
/** Profiles that change together, and are then read as one stretch of the feed. */
export const window = 60;

export const profileId = (n: number): string => `p${String(n).padStart(5, "0")}`;
/** A base profile with a chain below it. */
export const chainBase = (family: number): string => profileId(families + family);

const usualHeaders = 5;

const header = (n: number, ord: number, value = `value ${ord} of ${n}`): ProfileItem => ({
  purpose: "send",
  kind: "header",
  name: `x-header-${ord}`,
  value,
});

/** Fifteen fields, and headers. */
function base(n: number, headers: number = usualHeaders): ProfileInput {
  return {
    id: profileId(n),
    name: `Profile ${n}`,
    description: `How terminals of model ${n} are spoken to`,
    delivery: "http",
    requests: {
      send: { method: "POST", path: `/update/${n}` },
      inspect: { path: "/version", pointer: "/version" },
      health: { path: "/health" },
    },
    items: Array.from({ length: headers }, (_, ord) => header(n, ord)),
  };
}

/** No field is left out. */
function override(id: string, parent: string, n: number, path: string): ProfileInput {
  return { ...base(n), id, parent, requests: { ...base(n).requests, send: { method: "POST", path } } };
}

function siblings(family: number, age: "old" | "new"): readonly ProfileInput[] {
  const parent = profileId(family);
  return Array.from({ length: children }, (_, c) => override(`${parent}-s${c}`, parent, family, `/${age}/${c}`));
}

function chain(family: number, age: "old" | "new"): readonly ProfileInput[] {
  const root = chainBase(family);
  const name = (c: number): string => (c < 0 ? root : `${root}-c${c}`);
  return Array.from({ length: children }, (_, c) => override(name(c), name(c - 1), family, `/${age}/${c}`));
}

/** What the operations need to know of a filled registry. */
export interface Filled {
  readonly bases: number;
  /** The last revision before the overrides were edited. */
  readonly before: number;
  /** Before each family's ten siblings were edited. */
  readonly edits: readonly Cursor[];
  /** Before each sixty changes of base profiles. */
  readonly windows: readonly Cursor[];
  readonly end: Cursor;
}

/** Puts the same profiles into any registry: made, then the overrides edited, then all bases put again. */
export async function fill(
  { profiles }: Pick<Registry, "profiles">,
  bases: number,
  headers: number = usualHeaders,
): Promise<Filled> {
  const put = async (rows: readonly ProfileInput[]): Promise<void> => {
    for (const { id, result } of await profiles.put(rows)) {
      if (result !== "created" && result !== "updated") throw new Error(`The registry took ${id} for ${result}.`);
    }
  };
  const feed = async (): Promise<Cursor> => (await profiles.page({}, { limit: 1 })).feed;
  const all = Array.from({ length: bases }, (_, n) => base(n, headers));
  const overrides = (age: "old" | "new") =>
    Array.from({ length: families }, (_, family) => [...siblings(family, age), ...chain(family, age)]);
  await put([...all, ...overrides("old").flat()]);
  const { revision: before } = await profiles.metrics();
  const edits: Cursor[] = [];
  for (const family of overrides("new")) {
    edits.push(await feed());
    await put(family);
  }
  const windows: Cursor[] = [];
  for (let at = 0; at + window <= bases; at += window) {
    windows.push(await feed());
    await put(all.slice(at, at + window));
  }
  return { bases, before, edits, windows, end: await feed() };
}
