import type { ResolvedDeviceFilter } from "../device-filter.ts";
import type { PageWindow } from "../page-options.ts";
import { type Condition, condition, isStorable, keys, nothing } from "./page.ts";

const columns = {
  group: "place",
  site: "site",
  location: "location",
  delivery: "delivery",
  profileId: "profile",
} as const;
const bounds = { min: ">=", max: "<=", above: ">", below: "<" } as const;

function equals(column: string, value: string): Condition {
  return isStorable(value) ? condition(`${column} = ?`, value) : nothing;
}

// In the collation "C" lower() knows A to Z alone, as the contract has it.
function contains(text: string): Condition {
  if (!isStorable(text)) return nothing;
  return condition("(strpos(lower(d.id), ?) > 0 OR strpos(lower(d.name), ?) > 0)", text, text);
}

function hasTag(tag: string, fleet: number): Condition {
  if (!isStorable(tag)) return nothing;
  return condition(
    "EXISTS (SELECT 1 FROM flashwave.device_tag t WHERE t.fleet = ? AND t.tag = ? AND t.device = d.id)",
    fleet,
    tag,
  );
}

function ranges({ firmware, seenBefore, seenAfter }: ResolvedDeviceFilter): readonly Condition[] {
  const entries = Object.entries(firmware) as [keyof typeof bounds, string][];
  return [
    ...entries.map(([bound, key]) => (isStorable(key) ? condition(`d.firmware_key ${bounds[bound]} ?`, key) : nothing)),
    ...(seenBefore === undefined ? [] : [condition("d.seen_at < ?", seenBefore)]),
    ...(seenAfter === undefined ? [] : [condition("d.seen_at >= ?", seenAfter)]),
  ];
}

interface Source {
  readonly from: string;
  readonly key: string;
  readonly conditions: readonly Condition[];
}

/**
 * Where a filter's rows come from: those of its first tag, or all devices. Which index leads, that of a condition or the order
 * of ids, PostgreSQL decides by its statistics; each has the id at its end.
 */
function source(filter: ResolvedDeviceFilter, fleet: number): Source {
  const { equal, statuses, text, ids, tags } = filter;
  const conditions = [
    ...equal.map(([field, value]) => equals(`d.${columns[field]}`, value)),
    ...(statuses === undefined ? [] : [statusIn(statuses)]),
    ...ranges(filter),
    ...(text === undefined ? [] : [contains(text)]),
    ...(ids === undefined ? [] : [condition("d.id = ANY (?)", keys(ids))]),
  ];
  const [tag, ...more] = tags;
  if (tag === undefined) return { from: "flashwave.device d", key: "d.id", conditions };
  const isTag = isStorable(tag) ? condition("g.fleet = ? AND g.tag = ?", fleet, tag) : nothing;
  return {
    from: "flashwave.device_tag g JOIN flashwave.device d ON d.fleet = g.fleet AND d.id = g.device",
    key: "g.device",
    conditions: [isTag, ...conditions, ...more.map((other) => hasTag(other, fleet))],
  };
}

function statusIn(statuses: readonly string[]): Condition {
  const [only] = statuses;
  if (only === undefined) return nothing;
  return statuses.length === 1 ? condition("d.status = ?", only) : condition("d.status = ANY (?)", statuses);
}

/** The statement that reads one page of what matches, in the order of ids, and one row more; its parameters are not numbered. */
export function devicePage(
  filter: ResolvedDeviceFilter,
  window: PageWindow,
  selected: string,
  fleet: number,
): Condition {
  const { from, key, conditions } = source(filter, fleet);
  const all = [condition("d.fleet = ?", fleet), ...conditions];
  if (window.after !== undefined) all.push(isStorable(window.after) ? condition(`${key} > ?`, window.after) : nothing);
  return condition(
    `SELECT ${selected} FROM ${from} WHERE ${all.map(({ sql }) => sql).join(" AND ")} ORDER BY ${key} LIMIT ? OFFSET ?`,
    ...all.flatMap(({ parameters }) => parameters),
    window.limit + 1,
    window.offset,
  );
}
