import type { ResolvedDeviceFilter } from "../device-filter.ts";
import type { PageWindow } from "../page-options.ts";
import { type Condition, condition, cut, isStorable, keys, lookedUp, nothing } from "./page.ts";

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
    "EXISTS (SELECT 1 FROM flashwave.device_tag t WHERE t.fleet = ? AND t.tag = ? AND t.device = g.device)",
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
 * @param keysAlone whether nothing but ids is wanted: tags have those of devices that there are
 */
function source(filter: ResolvedDeviceFilter, fleet: number, keysAlone: boolean): Source {
  const { equal, statuses, text, ids, tags } = filter;
  const conditions = [
    ...equal.map(([field, value]) => equals(`d.${columns[field]}`, value)),
    ...(statuses === undefined ? [] : [statusIn(statuses)]),
    ...ranges(filter),
    ...(text === undefined ? [] : [contains(text)]),
    ...(ids === undefined ? [] : [condition("d.id = ANY (?)", keys(ids))]),
  ];
  const ofFleet = condition("d.fleet = ?", fleet);
  const [tag, ...more] = tags;
  if (tag === undefined) return { from: "flashwave.device d", key: "d.id", conditions: [ofFleet, ...conditions] };
  const isTag = isStorable(tag) ? condition("g.fleet = ? AND g.tag = ?", fleet, tag) : nothing;
  const tagged = { key: "g.device", conditions: [isTag, ...more.map((other) => hasTag(other, fleet))] };
  if (keysAlone && conditions.length === 0) return { from: "flashwave.device_tag g", ...tagged };
  return {
    from: "flashwave.device_tag g JOIN flashwave.device d ON d.fleet = g.fleet AND d.id = g.device",
    key: tagged.key,
    conditions: [ofFleet, ...tagged.conditions, ...conditions],
  };
}

/** Whether rows may have to be sorted: their index comes before the order of ids. */
const isSorted = (filter: ResolvedDeviceFilter): boolean =>
  ranges(filter).length > 0 || (filter.statuses !== undefined && filter.statuses.length > 1);

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
  const keysFirst = window.offset > 0 || isSorted(filter);
  const { from, key, conditions: all } = source(filter, fleet, keysFirst);
  const after = window.after === undefined ? [] : [afterKey(key, window.after)];
  const conditions = [...all, ...after];
  const where = conditions.map(({ sql }) => sql).join(" AND ");
  const parameters = conditions.flatMap((one) => one.parameters);
  const page = cut(window);
  const read = (columns: string) =>
    condition(
      `SELECT ${columns} FROM ${from} WHERE ${where} ORDER BY ${key} ${page.sql}`,
      ...parameters,
      ...page.parameters,
    );
  if (!keysFirst) return read(selected);
  const row = condition(`SELECT ${selected} FROM flashwave.device d WHERE d.fleet = ? AND d.id = k.id`, fleet);
  return lookedUp(read(`${key} AS id`), row, "k.id");
}

const afterKey = (key: string, after: string): Condition =>
  isStorable(after) ? condition(`${key} > ?`, after) : nothing;
