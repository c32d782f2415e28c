import type { DeviceInput, DevicePutResult, Observation, RegisteredDevice } from "../../core/device-registry.ts";
import type { Change } from "../../core/page.ts";
import type { Row } from "../../store/postgres/index.ts";
import { readDevice } from "../device-input.ts";
import { deviceColumns, inlineColumn, readDeviceRow, writeRest } from "../device-row.ts";
import { changeNames, type Stretch } from "../feed.ts";
import { parseJson } from "../json.ts";
import { Refusal } from "../plain.ts";
import { refused, unknownProfile } from "../put-device.ts";
import { DeviceStatistics } from "./device-statistics.ts";
import type { Fleet } from "./fleet.ts";
import { InlineProfiles, writeInline } from "./inline-profiles.ts";
import { beside, condition, json, keys } from "./page.ts";

/**
 * The columns of a device `d`, and at their end the JSON of its inline profile: looked up for each row that is told and has
 * one. In a join it would be read for all that a condition meets, the table from end to end; without the CASE rows that have
 * none look for it too, which was half of the time of a page.
 */
export const columns: string = `${deviceColumns},
  CASE WHEN d.inline IS NOT NULL THEN (SELECT i.json FROM flashwave.inline_profile i WHERE i.key = d.inline) END AS json`;
const jsonColumn: number = columns.split(",").length - 1;

const deviceStatements = {
  many: `SELECT ${columns} FROM flashwave.device d WHERE d.fleet = $1 AND d.id = ANY ($2)`,
  put: "SELECT outcome, number FROM flashwave.put_devices($1, $2::json, $3)",
  observe: "SELECT there FROM flashwave.observe_devices($1, $2::json)",
  remove: "SELECT there FROM flashwave.remove_devices($1, $2)",
} as const;

// A row that is gone is told as it last was. Left out, it would be missed by whoever then reads its next creation folded
// with its deletion.
const feedColumns = `c.revision AS changed, c.id AS changed_id, c.change, CASE WHEN c.change <> 2 AND d.id IS NULL THEN (
    SELECT g.last FROM flashwave.device_change g WHERE g.fleet = c.fleet AND g.id = c.id AND g.change = 2
      AND g.revision > c.revision ORDER BY g.revision LIMIT 1) END AS last`;

const feed = (fleet: number, after: number, most: number) =>
  beside(
    "f.revision, f.forgotten",
    "r.*",
    condition(
      `SELECT ${feedColumns}, ${columns}
        FROM flashwave.device_change c
        LEFT JOIN flashwave.device d ON d.fleet = c.fleet AND d.id = c.id AND c.change <> 2
        WHERE c.fleet = ? AND c.revision > ? ORDER BY c.revision LIMIT ?`,
      fleet,
      after,
      most,
    ),
    fleet,
  );

/** One row of a put: what the database decides about, or what is refused already. */
type Put = { readonly refusal: DevicePutResult } | { readonly id: string; readonly json: object };

/** The devices of one fleet. Its writes are steps: any number of rows in one statement. */
export class DeviceTable {
  readonly #fleet: Fleet;
  readonly #inline: InlineProfiles;
  readonly #statistics = new DeviceStatistics();

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
    this.#inline = new InlineProfiles(fleet.profiles);
  }

  rows(rows: readonly Row[]): RegisteredDevice[] {
    const profiles = this.#inline.read(rows, jsonColumn);
    return rows.map((row) => readDeviceRow(row, profiles));
  }

  async many(ids: readonly string[]): Promise<RegisteredDevice[]> {
    return this.rows(await this.#fleet.database.all(deviceStatements.many, this.#fleet.key, keys(ids)));
  }

  /** Adds or replaces; observed fields stay. */
  readonly put = async (inputs: readonly DeviceInput[]): Promise<readonly DevicePutResult[]> => {
    const puts = inputs.map(readPut);
    const given = puts.flatMap((put) => ("json" in put ? [put.json] : []));
    const decided = given.length === 0 ? [] : await this.#put(given);
    let next = 0;
    return puts.map((put): DevicePutResult => {
      if ("refusal" in put) return put.refusal;
      const { id } = put;
      const [result, revision] = decided[next] as unknown as readonly ["created" | "updated" | "conflict", number];
      next += 1;
      return (result as string) === "invalid_profile" ? unknownProfile(id) : { id, result, revision };
    });
  };

  /** Keeps what was seen; says of each device whether it is known. */
  readonly observe = async (seen: readonly Observation[]): Promise<readonly boolean[]> => {
    const { key, database, versions } = this.#fleet;
    const rows = seen.map(({ id, seenAt, status, firmware, evidence }) => ({
      id: keys([id])[0], // null is nobody's id
      seen: seenAt,
      status,
      firmware,
      key: firmware === undefined ? undefined : versions.sortKey(firmware),
      // Evidence that is taken back is the JSON text `null`: the function keeps it apart from none.
      evidence: evidence === undefined ? undefined : JSON.stringify(evidence),
    }));
    const found = await database.attempt((on) => on.all(deviceStatements.observe, key, json(rows)));
    return found.map(([there]) => there === true);
  };

  /** Removes devices and the overrides made for them; says of each whether it was there. */
  readonly remove = async (ids: readonly string[]): Promise<readonly boolean[]> => {
    const { key, database } = this.#fleet;
    const gone = await database.attempt((on) => on.all(deviceStatements.remove, key, ids));
    return gone.map(([there]) => there === true);
  };

  /** Changes after a revision, in order, with the rows as they are now, or were at last. */
  async stretch(after: number, most: number): Promise<Stretch<RegisteredDevice>> {
    const { sql, parameters } = feed(this.#fleet.key, after, most);
    const found = await this.#fleet.database.all(sql, ...parameters);
    const [end = 0, forgotten = 0] = (found[0] ?? []) as readonly number[];
    const told = found.filter((row) => row[2] !== null).map((row) => row.slice(2));
    const devices = told.map((row) => row.slice(4));
    const profiles = this.#inline.read(devices, jsonColumn);
    const changes = told.map((row, i): Change<RegisteredDevice> => {
      const [revision, id, kind, last] = row as unknown as readonly [number, string, 0 | 1 | 2, string | null];
      const change = changeNames[kind];
      if (change === "deleted") return { change, id, revision };
      const device = last === null ? readDeviceRow(devices[i] as Row, profiles) : this.#revive(last);
      return { change, id, revision, row: device };
    });
    return { changes, end, forgotten };
  }

  async #put(given: readonly object[]): Promise<readonly Row[]> {
    const { key, database, clock } = this.#fleet;
    const now = clock.wall();
    const decided = await database.attempt((on) => on.all(deviceStatements.put, key, json(given), now));
    await this.#statistics.follow(database, decided.filter(([outcome]) => outcome === "created").length);
    return decided;
  }

  #revive(last: string): RegisteredDevice {
    const row = parseJson<Row>(last, Array.isArray);
    return readDeviceRow(row, row[inlineColumn] === null ? new Map() : this.#inline.read([row], jsonColumn));
  }
}

function readPut(input: DeviceInput): Put {
  const fields = readDevice(input);
  if (fields instanceof Refusal) return { refusal: refused(input, fields) };
  const { id, address, name, delivery, group, site, location, profileId, profile, tags } = fields;
  const json = {
    ...{ id, address, name, delivery, place: group, site, location, profile: profileId, ...writeInline(profile) },
    rest: writeRest(fields),
    tags: tags === undefined ? undefined : JSON.stringify(tags),
    if_revision: input.ifRevision,
  };
  return { id, json };
}
