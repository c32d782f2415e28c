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

type Equality = keyof typeof columns;

/**
 * What may drive a page where few devices meet it: they are all read, and sorted. `status` stands for several at once, a
 * number for the tag at that place. An equality and a tag are counted only where there is another of them: SQLite finds
 * the index of a lone one by itself.
 */
export type Driver = "firmware" | "seen" | "status" | Equality | number;

/** A driver has fewer devices than this. */
export const fewDevices = 1_000;

/** The conditions of a filter that could drive a page; the source of its rows is `from`. */
interface Candidate {
  readonly driver: Driver;
  readonly from: string;
  readonly conditions: readonly Condition[];
}

function candidates(filter: ResolvedDeviceFilter): readonly Candidate[] {
  const { firmware, statuses = [], seenBefore, seenAfter, tags, equal } = filter;
  const keys = Object.entries(firmware) as [keyof typeof bounds, string][];
  const several = equal.length + tags.length > 1;
  // What nothing can meet has no plan by an index.
  if ([...otherConditions(filter), ...tags.map(isTag)].includes(nothing)) return [];
  const all: readonly Candidate[] = [
    {
      driver: "firmware",
      from: "device d INDEXED BY device_firmware",
      conditions: keys.map(([bound, key]) => condition(`d.firmware_key ${bounds[bound]} ?`, key)),
    },
    {
      driver: "seen",
      from: "device d INDEXED BY device_seen",
      conditions: [
        ...(seenBefore === undefined ? [] : [condition("d.seen_at < ?", seenBefore)]),
        ...(seenAfter === undefined ? [] : [condition("d.seen_at >= ?", seenAfter)]),
      ],
    },
    {
      driver: "status",
      from: "device d INDEXED BY device_status",
      conditions: statuses.length < 2 ? [] : [statusIn(statuses)],
    },
    ...equal.map(([field, value]) => ({
      driver: field,
      from: `device d INDEXED BY device_${field === "profileId" ? "profile" : field}`,
      conditions: several ? [equals(`d.${columns[field]}`, value)] : [],
    })),
    ...tags.map((tag, place) => ({
      driver: place,
      from: "device_tag g",
      conditions: several ? [isTag(tag)] : [],
    })),
  ];
  return all.filter(({ conditions }) => conditions.length > 0);
}

/** Statements that count the devices of each candidate, up to `fewDevices`. None where ids are given: those drive. */
export function driverCounts(filter: ResolvedDeviceFilter): readonly (Condition & { readonly driver: Driver })[] {
  if (filter.ids !== undefined) return [];
  return candidates(filter).map(({ driver, from, conditions }) => {
    const sql = `SELECT count(*) FROM (SELECT 1 FROM ${from} WHERE ${conditions.map((one) => one.sql).join(" AND ")} LIMIT ? + 0)`;
    return { driver, ...condition(sql, ...conditions.flatMap(({ parameters }) => parameters), fewDevices) };
  });
}

/** The conditions of a filter beside those that would have to be sorted; `ids` and tags apart. */
function otherConditions({ equal, statuses, text }: ResolvedDeviceFilter): readonly Condition[] {
  return [
    ...equal.map(([field, value]) => equals(`d.${columns[field]}`, value)),
    ...(statuses === undefined || statuses.length > 1 ? [] : [statusIn(statuses)]),
    ...(text === undefined ? [] : [contains(text)]),
  ];
}

const nothing = condition("0");

function equals(column: string, value: string): Condition {
  return value.isWellFormed() ? condition(`${column} = ?`, value) : nothing;
}

function statusIn(statuses: readonly string[]): Condition {
  if (statuses.length === 0) return nothing;
  if (statuses.length === 1) return condition("d.status = ?", statuses[0] as string);
  return condition(`d.status IN (${statuses.map(() => "?").join(", ")})`, ...statuses);
}

function isTag(tag: string): Condition {
  return tag.isWellFormed() ? condition("g.tag = ?", tag) : nothing;
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
 * Where a filter's rows come from: the few devices of its driver, those of a tag in the order of their ids, or all devices
 * in that order (SQLite finds the index of an equality by itself). The join is CROSS to keep SQLite from turning it round,
 * and a plus keeps the index of what has many devices out: they would all be sorted for one page.
 */
function source(filter: ResolvedDeviceFilter, driver: Driver | undefined): Source {
  const drivers = candidates(filter).filter((candidate) => typeof candidate.driver === "string");
  const driving = drivers.find((candidate) => candidate.driver === driver);
  // Equalities stand among the other conditions, driving or not.
  const walked = drivers
    .filter((candidate) => !(candidate.driver in columns))
    .flatMap((candidate) =>
      candidate === driving
        ? candidate.conditions
        : candidate.conditions.map((one) => ({ ...one, sql: `+${one.sql}` })),
    );
  const others = [...otherConditions(filter), ...walked];
  const place = typeof driver === "number" ? driver : 0;
  const tag = filter.tags[place];
  if (driving === undefined && tag !== undefined && (driver === place || filter.equal.length === 0)) {
    const from = "device_tag g CROSS JOIN device d ON d.id = g.device";
    const more = filter.tags.toSpliced(place, 1).map(hasTag);
    return { from, key: "g.device", conditions: [isTag(tag), ...others, ...more] };
  }
  return { from: driving?.from ?? "device d", key: "d.id", conditions: [...others, ...filter.tags.map(hasTag)] };
}

/**
 * The statement that reads one page of what matches, in the order of ids, and one row more.
 * @param driver a candidate with few devices, if there is one
 */
export function devicePage(
  filter: ResolvedDeviceFilter,
  window: PageWindow,
  selected: string,
  driver: Driver | undefined,
): Condition {
  const { from, key, conditions } = source(filter, driver);
  const all = [...conditions];
  if (window.after !== undefined) all.push(condition(`${key} > ?`, window.after));
  if (filter.ids !== undefined) {
    all.push(condition(`${key} IN (SELECT value FROM json_each(?))`, list(filter.ids)));
  }
  const where = all.length === 0 ? "" : `WHERE ${all.map(({ sql }) => sql).join(" AND ")}`;
  return condition(
    `SELECT ${selected} FROM ${from} ${where} ORDER BY ${key} LIMIT ? + 0 OFFSET ? + 0`,
    ...all.flatMap(({ parameters }) => parameters),
    window.limit + 1,
    window.offset,
  );
}
