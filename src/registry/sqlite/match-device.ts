import type { ResolvedDeviceFilter } from "../device-filter.ts";
import type { PageWindow } from "../page-options.ts";
import { type Condition, list } from "./page.ts";

const columns = {
  group: "place",
  site: "site",
  location: "location",
  delivery: "delivery",
  profileId: "profile",
} as const;
const bounds = { min: ">=", max: "<=", above: ">", below: "<" } as const;

const condition = (sql: string, ...parameters: Condition["parameters"]): Condition => ({ sql, parameters });

/** What was observed, asked for as a range; each has an index, `device_<range>`. */
export type Range = "firmware" | "seen";

/** A range that drives a page has fewer devices than this: they are all read, and sorted. */
export const fewDevices = 1_000;

function rangeConditions(filter: ResolvedDeviceFilter): Readonly<Record<Range, readonly Condition[]>> {
  const { firmware, seenBefore, seenAfter } = filter;
  const keys = Object.entries(firmware) as [keyof typeof bounds, string][];
  return {
    firmware: keys.map(([bound, key]) => condition(`d.firmware_key ${bounds[bound]} ?`, key)),
    seen: [
      ...(seenBefore === undefined ? [] : [condition("d.seen_at < ?", seenBefore)]),
      ...(seenAfter === undefined ? [] : [condition("d.seen_at >= ?", seenAfter)]),
    ],
  };
}

/** How many devices are in each range of a filter, counted up to `fewDevices`. */
export function rangeCounts(filter: ResolvedDeviceFilter): readonly (Condition & { readonly range: Range })[] {
  const conditions = rangeConditions(filter);
  return (["firmware", "seen"] as const).flatMap((range) => {
    const all = conditions[range];
    if (all.length === 0 || filter.ids !== undefined) return [];
    const sql = `SELECT count(*) FROM (SELECT 1 FROM device d INDEXED BY device_${range}
      WHERE ${all.map((one) => one.sql).join(" AND ")} LIMIT ?)`;
    return [{ range, ...condition(sql, ...all.flatMap(({ parameters }) => parameters), fewDevices) }];
  });
}

/** All conditions of a filter but `ids`, and but those tags that its source sees to. */
function deviceConditions(filter: ResolvedDeviceFilter, tags: readonly string[]): readonly Condition[] {
  const { statuses, text } = filter;
  const conditions = filter.equal.map(([field, value]) => equals(`d.${columns[field]}`, value));
  if (statuses !== undefined) conditions.push(statusIn(statuses));
  conditions.push(...tags.map(hasTag));
  if (text !== undefined) conditions.push(contains(text));
  return conditions;
}

const nothing = condition("0");

function equals(column: string, value: string): Condition {
  return value.isWellFormed() ? condition(`${column} = ?`, value) : nothing;
}

function statusIn(statuses: readonly string[]): Condition {
  if (statuses.length === 0) return nothing;
  if (statuses.length === 1) return condition("d.status = ?", statuses[0] as string);
  // The plus keeps its index out: three sorted lists would have to be sorted again.
  return condition(`+d.status IN (${statuses.map(() => "?").join(", ")})`, ...statuses);
}

// SQLite's lower() knows A to Z alone, as the contract has it.
function contains(text: string): Condition {
  if (!text.isWellFormed()) return nothing;
  return condition("(instr(lower(d.id), ?) > 0 OR instr(lower(d.name), ?) > 0)", text, text);
}

function hasTag(tag: string): Condition {
  if (!tag.isWellFormed()) return nothing;
  return condition("EXISTS (SELECT 1 FROM device_tag t WHERE t.tag = ? AND t.device = d.id)", tag);
}

interface Source {
  readonly from: string;
  readonly key: string;
  readonly conditions: readonly Condition[];
}

/**
 * Where a filter's rows come from: the few devices of a range, those of a tag in the order of their ids, or all devices
 * in that order (SQLite finds the index of an equality by itself). The join is CROSS to keep SQLite from turning it round,
 * and a plus keeps a range's index out where the range has many devices: they would all be sorted for one page.
 */
function source(filter: ResolvedDeviceFilter, driver: Range | undefined): Source {
  const { firmware, seen } = rangeConditions(filter);
  const ranges = [...firmware, ...seen];
  if (driver !== undefined) {
    const conditions = [...deviceConditions(filter, filter.tags), ...ranges];
    return { from: `device d INDEXED BY device_${driver}`, key: "d.id", conditions };
  }
  const walked = ranges.map((one) => ({ ...one, sql: `+${one.sql}` }));
  const [tag, ...more] = filter.tags;
  const conditions = [...deviceConditions(filter, more), ...walked];
  if (tag === undefined) return { from: "device d", key: "d.id", conditions };
  const from = "device_tag g CROSS JOIN device d ON d.id = g.device";
  const ofTag = tag.isWellFormed() ? condition("g.tag = ?", tag) : nothing;
  return { from, key: "g.device", conditions: [ofTag, ...conditions] };
}

/**
 * The statement that reads one page of what matches, in the order of ids, and one row more.
 * @param driver a range with few devices in it, if there is one
 */
export function devicePage(
  filter: ResolvedDeviceFilter,
  window: PageWindow,
  columns: string,
  driver: Range | undefined,
): Condition {
  const { from, key, conditions } = source(filter, driver);
  const all = [...conditions];
  if (window.after !== undefined) all.push(condition(`${key} > ?`, window.after));
  if (filter.ids !== undefined) {
    all.push(condition(`${key} IN (SELECT value FROM json_each(?))`, list(filter.ids)));
  }
  const where = all.length === 0 ? "" : `WHERE ${all.map(({ sql }) => sql).join(" AND ")}`;
  return condition(
    `SELECT ${columns} FROM ${from} ${where} ORDER BY ${key} LIMIT ? OFFSET ?`,
    ...all.flatMap(({ parameters }) => parameters),
    window.limit + 1,
    window.offset,
  );
}
