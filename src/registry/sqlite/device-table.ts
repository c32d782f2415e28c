import type { Observation, RegisteredDevice } from "../../core/device-registry.ts";
import type { Change } from "../../core/page.ts";
import type { Connection, Row } from "../../store/sqlite/index.ts";
import type { DeviceFields } from "../device-input.ts";
import { deviceColumns, inlineColumn, ownColumns, readDeviceRow, writeRest } from "../device-row.ts";
import { type ChangeName, changeNames, type Stretch } from "../feed.ts";
import { readJson } from "../json.ts";
import { type Fleet, readCounts } from "./fleet.ts";
import { InlineProfiles } from "./inline-profiles.ts";
import { list } from "./page.ts";

const deviceStatements = {
  many: `SELECT ${deviceColumns} FROM json_each(?) j CROSS JOIN device d ON d.id = j.value`,
  revision: "SELECT revision FROM device WHERE id = ?",
  before: "SELECT inline, json_extract(rest, '$.tags') FROM device WHERE id = ?",
  add: `INSERT INTO device (address, name, delivery, place, site, location, profile, inline, rest, updated_at, revision,
    id, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?10, ?11, ?12, ?10)`,
  replace: `UPDATE device SET address = ?, name = ?, delivery = ?, place = ?, site = ?, location = ?, profile = ?,
    inline = ?, rest = ?, updated_at = ?, revision = ? WHERE id = ?`,
  addTags: "INSERT INTO device_tag (tag, device) SELECT value, ?2 FROM json_each(?1)",
  removeTags: "DELETE FROM device_tag WHERE device = ?",
  remove: `DELETE FROM device WHERE id = ? RETURNING ${ownColumns}`,
  note: "INSERT INTO device_change (revision, id, change, last) VALUES (?, ?, ?, ?)",
  // A row that is gone is told as it last was. Left out, it would be missed by whoever then reads its next creation folded
  // with its deletion.
  feed: `SELECT c.revision, c.id, c.change,
      CASE WHEN c.change <> 2 AND d.id IS NULL THEN (SELECT g.last FROM device_change g
        WHERE g.id = c.id AND g.change = 2 AND g.revision > c.revision ORDER BY g.revision LIMIT 1) END,
      ${deviceColumns}
    FROM device_change c LEFT JOIN device d ON d.id = c.id AND c.change <> 2
    WHERE c.revision > ? ORDER BY c.revision LIMIT ? + 0`,
  forget: "DELETE FROM device_change WHERE revision <= ?",
  observe: `UPDATE device SET
      status = CASE WHEN ?2 IS NOT NULL AND ?1 >= status_at THEN ?2 ELSE status END,
      status_at = CASE WHEN ?2 IS NOT NULL THEN max(?1, status_at) ELSE status_at END,
      firmware = CASE WHEN ?3 IS NOT NULL AND ?1 >= firmware_at THEN ?3 ELSE firmware END,
      firmware_key = CASE WHEN ?3 IS NOT NULL AND ?1 >= firmware_at THEN ?4 ELSE firmware_key END,
      firmware_at = CASE WHEN ?3 IS NOT NULL THEN max(?1, firmware_at) ELSE firmware_at END,
      evidence = CASE WHEN ?5 IS NOT NULL AND ?1 >= evidence_at THEN nullif(?5, 'null') ELSE evidence END,
      evidence_at = CASE WHEN ?5 IS NOT NULL THEN max(?1, evidence_at) ELSE evidence_at END,
      seen_at = max(?1, coalesce(seen_at, ?1))
    WHERE id = ?6`,
} as const;

/** The feed remembers this many revisions at least; it forgets in steps, so that forgetting costs next to nothing. */
const remembered = 1_000_000;
const step = 10_000;

/** The devices of one fleet. Its writes belong into a transaction. */
export class DeviceTable {
  readonly #fleet: Fleet;
  readonly #inline: InlineProfiles;

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
    this.#inline = new InlineProfiles(fleet.profiles);
  }

  has(on: Connection, id: string): boolean {
    return this.revisionOf(on, id) > 0;
  }

  revisionOf(on: Connection, id: string): number {
    return Number(on.get(deviceStatements.revision, id)?.[0] ?? 0);
  }

  rows(on: Connection, rows: readonly Row[]): RegisteredDevice[] {
    const profiles = this.#inline.read(on, rows);
    return rows.map((row) => readDeviceRow(row, profiles));
  }

  many(on: Connection, ids: readonly string[]): RegisteredDevice[] {
    return this.rows(on, on.all(deviceStatements.many, list(ids)));
  }

  /** Adds or replaces; observed fields stay. */
  put(on: Connection, fields: DeviceFields): { readonly result: "created" | "updated"; readonly revision: number } {
    const { id, profile } = fields;
    const before = on.get(deviceStatements.before, id) as readonly [number | null, string | null] | undefined;
    const result = before === undefined ? "created" : "updated";
    const [oldInline, oldTags] = before ?? [null, null];
    const inline = profile === undefined ? null : this.#inline.write(on, profile);
    const revision = this.#note(on, id, result);
    this.#write(on, before === undefined ? deviceStatements.add : deviceStatements.replace, fields, inline, revision);
    const tags = fields.tags === undefined ? null : JSON.stringify(fields.tags);
    if (tags !== oldTags) {
      if (oldTags !== null) on.run(deviceStatements.removeTags, id);
      if (tags !== null) on.run(deviceStatements.addTags, tags, id);
    }
    if (oldInline !== inline) this.#inline.removeUnused(on, oldInline);
    return { result, revision };
  }

  #write(on: Connection, statement: string, fields: DeviceFields, inline: number | null, revision: number): void {
    const { id, address, name, delivery, group, site, location, profileId } = fields;
    const lines = [name, delivery, group, site, location, profileId].map((line) => line ?? null);
    on.run(statement, address, ...lines, inline, writeRest(fields), this.#fleet.clock.wall(), revision, id);
  }

  observe(on: Connection, seen: Observation): boolean {
    const { id, seenAt, status = null, firmware, evidence } = seen;
    if (!id.isWellFormed()) return false;
    const key = firmware === undefined ? null : this.#fleet.versions.sortKey(firmware);
    // Evidence that is taken back is the JSON text `null`: the statement keeps it apart from none.
    const proof = evidence === undefined ? null : JSON.stringify(evidence);
    return on.run(deviceStatements.observe, seenAt, status, firmware ?? null, key, proof, id) === 1;
  }

  remove(on: Connection, id: string): boolean {
    const removed = on.get(deviceStatements.remove, id);
    if (removed === undefined) return false;
    const last = readDeviceRow(removed, this.#inline.readOne(on, removed));
    this.#note(on, id, "deleted", JSON.stringify(last));
    this.#inline.removeUnused(on, removed[inlineColumn] as number | null);
    return true;
  }

  /** Changes after a revision, in order, with the rows as they are now, or were at last. */
  stretch(on: Connection, after: number, most: number): Stretch<RegisteredDevice> {
    const { revision: end, forgotten } = readCounts(on);
    const found = on.all(deviceStatements.feed, after, most);
    const devices = found.map((row) => row.slice(4));
    const profiles = this.#inline.read(on, devices);
    const changes = found.map((row, i): Change<RegisteredDevice> => {
      const [revision, id, kind, last] = row as unknown as readonly [number, string, 0 | 1 | 2, string | null];
      const change = changeNames[kind];
      if (change === "deleted") return { change, id, revision };
      const device = last === null ? readDeviceRow(devices[i] as Row, profiles) : this.#revive(last);
      return { change, id, revision, row: device };
    });
    return { changes, end, forgotten };
  }

  #revive(last: string): RegisteredDevice {
    const { profile, ...row } = readJson<RegisteredDevice>(last);
    return Object.freeze({ ...row, ...(profile && { profile: this.#fleet.profiles.share(profile) }) });
  }

  #note(on: Connection, id: string, change: ChangeName, last: string | null = null): number {
    const { counts } = this.#fleet;
    const revision = counts.nextRevision();
    on.run(deviceStatements.note, revision, id, changeNames.indexOf(change), last);
    if (revision % step === 0 && revision > remembered) {
      const forgotten = revision - remembered;
      on.run(deviceStatements.forget, forgotten);
      counts.change({ forgotten });
    }
    return revision;
  }
}
