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

/** All conditions of a filter, `ids` and the first tag apart. */
function deviceConditions(filter: ResolvedDeviceFilter): readonly Condition[] {
  const { statuses, seenBefore, seenAfter, text } = filter;
  const conditions = filter.equal.map(([field, value]) => equals(`d.${columns[field]}`, value));
  if (statuses !== undefined) conditions.push(statusIn(statuses));
  for (const tag of filter.tags.slice(1)) {
    conditions.push(hasTag(tag));
  }
  for (const [bound, key] of Object.entries(filter.firmware) as [keyof typeof bounds, string][]) {
    conditions.push(condition(`d.firmware_key ${bounds[bound]} ?`, key));
  }
  if (seenBefore !== undefined) conditions.push(condition("d.seen_at < ?", seenBefore));
  if (seenAfter !== undefined) conditions.push(condition("d.seen_at >= ?", seenAfter));
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

/**
 * Where a filter's rows come from: all devices in the order of their ids, or those of its first tag, in the same order.
 * The join is CROSS to keep SQLite from turning it round.
 */
function source(filter: ResolvedDeviceFilter): { readonly from: string; readonly key: string } & Condition {
  const [tag] = filter.tags;
  if (tag === undefined) return { from: "device d", key: "d.id", ...condition("1") };
  const from = "device_tag g CROSS JOIN device d ON d.id = g.device";
  return { from, key: "g.device", ...(tag.isWellFormed() ? condition("g.tag = ?", tag) : nothing) };
}

/** The statement that reads one page of what matches, in the order of ids, and one row more. */
export function devicePage(filter: ResolvedDeviceFilter, window: PageWindow, columns: string): Condition {
  const { from, key, ...first } = source(filter);
  const conditions = [first, ...deviceConditions(filter)];
  if (window.after !== undefined) conditions.push(condition(`${key} > ?`, window.after));
  if (filter.ids !== undefined) {
    conditions.push(condition(`${key} IN (SELECT value FROM json_each(?))`, list(filter.ids)));
  }
  return condition(
    `SELECT ${columns} FROM ${from} WHERE ${conditions.map(({ sql }) => sql).join(" AND ")} ORDER BY ${key} LIMIT ? OFFSET ?`,
    ...conditions.flatMap(({ parameters }) => parameters),
    window.limit + 1,
    window.offset,
  );
}
