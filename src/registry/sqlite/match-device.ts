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

/** What counts the devices of one candidate, up to `fewDevices`. */
export interface DriverCount extends Condition {
  readonly driver: Driver;
}

/** One for each candidate. None where ids are given: those drive. */
export function driverCounts(filter: ResolvedDeviceFilter): readonly DriverCount[] {
  if (filter.ids !== undefined) return [];
  return candidates(filter).map(({ driver, from, conditions }) => {
    const sql = `SELECT count(*) FROM (SELECT 1 FROM ${from} WHERE ${conditions.map((one) => one.sql).join(" AND ")} LIMIT ? + 0)`;
    return { driver, ...condition(sql, ...conditions.flatMap(({ parameters }) => parameters), fewDevices) };
  });
}

/** Whether only a put or a removal changes how many devices such a driver has: each of them raises the fleet's revision. */
export const isRegistered = (driver: Driver): boolean => typeof driver === "number" || driver in columns;

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

/** Joins the row that says so: a twelfth less of a page by site and tag than `EXISTS` with a query of its own. */
function hasTag(tag: string, place: number): Condition {
  if (!tag.isWellFormed()) return nothing;
  return condition(`t${place}.tag = ? AND t${place}.device = d.id`, tag);
}

const joined = (tags: readonly string[]): string => tags.map((_, place) => ` CROSS JOIN device_tag t${place}`).join("");

interface Source {
  readonly from: string;
  readonly key: string;
  readonly conditions: readonly Condition[];
}

/**
 * Where a filter's rows come from: the few devices of its driver, those of a tag in the order of their ids, or all devices
 * in that order (SQLite finds the index of an equality by itself). The join is CROSS to keep SQLite from turning it round,
 * and a plus keeps the index of what has many devices out: they would all be sorted for one page. Where nothing else is left
 * to lead, that of ids is named, or SQLite would still walk the other for being narrower, and sort.
 */
function source(filter: ResolvedDeviceFilter, driver: Driver | undefined): Source {
  const drivers = candidates(filter).filter((candidate) => typeof candidate.driver === "string");
  const driving = drivers.find((candidate) => candidate.driver === driver);
  // Equalities stand among the other conditions, driving or not.
  const walked = drivers
    .filter(({ driver: walks }) => !isRegistered(walks))
    .flatMap((candidate) =>
      candidate === driving
        ? candidate.conditions
        : candidate.conditions.map((one) => ({ ...one, sql: `+${one.sql}` })),
    );
  const others = [...otherConditions(filter), ...walked];
  const place = typeof driver === "number" ? driver : 0;
  const tag = filter.tags[place];
  if (driving === undefined && tag !== undefined && (driver === place || filter.equal.length === 0)) {
    const more = filter.tags.toSpliced(place, 1);
    const from = `device_tag g CROSS JOIN device d ON d.id = g.device${joined(more)}`;
    return { from, key: "g.device", conditions: [isTag(tag), ...others, ...more.map(hasTag)] };
  }
  const byId = walked.length > 0 && filter.equal.length === 0 && filter.statuses?.length !== 1;
  const all = byId ? "device d INDEXED BY sqlite_autoindex_device_1" : "device d";
  const from = `${driving?.from ?? all}${joined(filter.tags)}`;
  return { from, key: "d.id", conditions: [...others, ...filter.tags.map(hasTag)] };
}

/** What of a filter's rows comes after a key, in the order of ids. */
function matching(filter: ResolvedDeviceFilter, after: string | undefined, driver: Driver | undefined): Match {
  const { from, key, conditions } = source(filter, driver);
  const all = [...conditions];
  if (after !== undefined) all.push(condition(`${key} > ?`, after));
  if (filter.ids !== undefined) {
    all.push(condition(`${key} IN (SELECT value FROM json_each(?))`, list(filter.ids)));
  }
  const where = all.length === 0 ? "" : `WHERE ${all.map(({ sql }) => sql).join(" AND ")}`;
  return { key, rows: condition(`FROM ${from} ${where} ORDER BY ${key}`, ...all.flatMap((one) => one.parameters)) };
}

interface Match {
  readonly key: string;
  readonly rows: Condition;
}

/**
 * The statement that reads one page of what matches, in the order of ids, and one row more.
 * @param driver a candidate with few devices, if there is one
 */
export function devicePage(
  filter: ResolvedDeviceFilter,
  { after, limit }: Pick<PageWindow, "after" | "limit">,
  selected: string,
  driver: Driver | undefined,
): Condition {
  const { rows } = matching(filter, after, driver);
  return condition(`SELECT ${selected} ${rows.sql} LIMIT ? + 0`, ...rows.parameters, limit + 1);
}

/**
 * The statement that finds the id after which a page begins that skips so many, at least one. It asks for ids alone: a page's
 * own statement goes to the row of each that it skips (90,000 of them 1.8 ms instead of 0.55).
 */
export function lastSkipped(filter: ResolvedDeviceFilter, skipped: number, driver: Driver | undefined): Condition {
  const { key, rows } = matching(filter, undefined, driver);
  return condition(`SELECT ${key} ${rows.sql} LIMIT 1 OFFSET ? + 0`, ...rows.parameters, skipped - 1);
}
