// What must hold of any fleet at rest, whoever wrote to it and however many at once. For tests and for the bench.
import type { Cursor, ProfileRow, RegisteredDevice, Registry } from "../src/core/registry.ts";

export interface FleetStart {
  readonly devices: Cursor;
  readonly profiles: Cursor;
}

/** Where the feeds of an empty fleet begin. */
export async function startOf({ devices, profiles }: Registry): Promise<FleetStart> {
  return { devices: (await devices.page()).feed, profiles: (await profiles.page()).feed };
}

/** The same of a fleet that is opened for it alone. */
export async function emptyStart(open: () => Promise<Registry>): Promise<FleetStart> {
  await using registry = await open();
  return await startOf(registry);
}

/** What does not hold of a fleet at rest that was empty at `start`. Nothing, if all is well. */
export async function violationsOf(registry: Registry, start: FleetStart): Promise<readonly string[]> {
  const devices = await readAll((options) => registry.devices.page({}, options));
  const profiles = await readAll((options) => registry.profiles.page({}, options));
  const fed = {
    devices: await replay((after) => registry.devices.changes(after, { limit: 1_000 }), start.devices),
    profiles: await replay((after) => registry.profiles.changes(after, { limit: 1_000 }), start.profiles),
  };
  return [
    ...unequal("device", devices, fed.devices),
    ...unequal("profile", profiles, fed.profiles),
    ...repeated([...devices.values(), ...profiles.values()]),
    ...dangling(devices, profiles),
    ...(await miscounted(registry, profiles)),
  ];
}

type Rows<Row> = Map<string, Row>;

async function readAll<Row extends { readonly id: string }>(
  read: (options: { limit: number; after?: Cursor }) => Promise<{ items: readonly Row[]; next?: Cursor }>,
): Promise<Rows<Row>> {
  const rows: Rows<Row> = new Map();
  let page = await read({ limit: 500 });
  for (;;) {
    for (const row of page.items) rows.set(row.id, row);
    if (page.next === undefined) return rows;
    page = await read({ limit: 500, after: page.next });
  }
}

/** What a follower of the feed holds: revisions by id. */
async function replay(
  read: (after: Cursor) => Promise<{
    changes: readonly { change: string; id: string; revision: number }[];
    cursor: Cursor;
    more: boolean;
  }>,
  start: Cursor,
): Promise<ReadonlyMap<string, number>> {
  const held = new Map<string, number>();
  for (let cursor = start, more = true; more; ) {
    const stretch = await read(cursor);
    ({ cursor, more } = stretch);
    for (const { change, id, revision } of stretch.changes) {
      if (change === "deleted") held.delete(id);
      else held.set(id, revision);
    }
  }
  return held;
}

function unequal(
  what: string,
  rows: Rows<{ readonly revision: number }>,
  fed: ReadonlyMap<string, number>,
): readonly string[] {
  const ids = new Set([...rows.keys(), ...fed.keys()]);
  return [...ids]
    .filter((id) => rows.get(id)?.revision !== fed.get(id))
    .map((id) => `${what} ${id} is at ${rows.get(id)?.revision}, and at ${fed.get(id)} for who follows the feed`);
}

function repeated(rows: readonly { readonly revision: number }[]): readonly string[] {
  const revisions = rows.map(({ revision }) => revision);
  return new Set(revisions).size === revisions.length ? [] : ["a revision was given out twice"];
}

function dangling(devices: Rows<RegisteredDevice>, profiles: Rows<ProfileRow>): readonly string[] {
  const lost = (id: string | undefined, rows: Rows<unknown>): boolean => id !== undefined && !rows.has(id);
  return [
    ...[...devices.values()].filter(({ profileId }) => lost(profileId, profiles)),
    ...[...profiles.values()].filter(({ parent, device }) => lost(parent, profiles) || lost(device, devices)),
  ].map(({ id }) => `${id} refers to what is not there`);
}

async function miscounted(registry: Registry, profiles: Rows<ProfileRow>): Promise<readonly string[]> {
  const rows = [...profiles.values()];
  const overrides = rows.filter(({ parent }) => parent !== undefined);
  const ofScope = (scope: string): number => overrides.filter((row) => row.scope === scope).length;
  const counted = {
    profiles: rows.length - overrides.length,
    overrides: { fleet: ofScope("fleet"), group: ofScope("group"), device: ofScope("device") },
    items: rows.reduce((sum, { items }) => sum + items.length, 0),
  };
  const { revision: _, ...told } = await registry.profiles.metrics();
  return JSON.stringify(told) === JSON.stringify(counted)
    ? []
    : [`counters say ${JSON.stringify(told)}, the rows ${JSON.stringify(counted)}`];
}
