import type { Observation, RegisteredDevice } from "../../core/device-registry.ts";
import type { DeviceFields } from "../device-input.ts";
import { Feed } from "./feed.ts";
import type { Fleet } from "./fleet.ts";
import { OrderedKeys } from "./ordered-keys.ts";

/** A row, and what the row does not show: when each observed field was seen, and the firmware's sort key. */
export interface DeviceEntry {
  row: RegisteredDevice;
  statusAt: number;
  firmwareAt: number;
  evidenceAt: number;
  firmwareKey: string | undefined;
}

/** The devices of one fleet, and how many of them name each profile. */
export class DeviceTable {
  readonly entries: Map<string, DeviceEntry> = new Map();
  readonly keys: OrderedKeys = new OrderedKeys();
  readonly feed: Feed<RegisteredDevice>;
  readonly #fleet: Fleet;
  readonly #uses = new Map<string, number>();

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
    this.feed = new Feed(fleet.cursors, "devices");
  }

  isProfileInUse(id: string): boolean {
    return this.#uses.has(id);
  }

  /** Adds or replaces; observed fields stay. */
  put(fields: DeviceFields): { readonly result: "created" | "updated"; readonly revision: number } {
    const entry = this.entries.get(fields.id);
    const now = this.#fleet.clock.wall();
    const { status = "unknown", lastSeen, firmware, evidence, createdAt = now } = entry?.row ?? {};
    const row: RegisteredDevice = Object.freeze({
      ...fields,
      ...(fields.profile === undefined ? {} : { profile: this.#fleet.profiles.share(fields.profile) }),
      status,
      ...(lastSeen === undefined ? {} : { lastSeen }),
      ...(firmware === undefined ? {} : { firmware }),
      ...(evidence === undefined ? {} : { evidence }),
      createdAt,
      updatedAt: now,
      revision: this.#fleet.nextRevision(),
    });
    this.#count(entry?.row.profileId, -1);
    this.#count(row.profileId, 1);
    if (entry === undefined) this.#insert(row);
    else entry.row = row;
    const result = entry === undefined ? "created" : "updated";
    this.feed.append({ change: result, id: row.id, revision: row.revision, row });
    return { result, revision: row.revision };
  }

  #insert(row: RegisteredDevice): void {
    const never = Number.NEGATIVE_INFINITY;
    this.entries.set(row.id, { row, statusAt: never, firmwareAt: never, evidenceAt: never, firmwareKey: undefined });
    this.keys.add(row.id);
  }

  observe(entry: DeviceEntry, seen: Observation): void {
    const { seenAt, status, firmware, evidence } = seen;
    const takesStatus = status !== undefined && seenAt >= entry.statusAt;
    const takesFirmware = firmware !== undefined && seenAt >= entry.firmwareAt;
    const takesEvidence = evidence !== undefined && seenAt >= entry.evidenceAt;
    if (takesStatus) entry.statusAt = seenAt;
    if (takesFirmware) {
      entry.firmwareAt = seenAt;
      entry.firmwareKey = this.#fleet.versions.sortKey(firmware);
    }
    if (takesEvidence) entry.evidenceAt = seenAt;
    const { evidence: earlier, ...row } = entry.row;
    const proof = takesEvidence ? evidence : earlier;
    entry.row = Object.freeze({
      ...row,
      ...(takesStatus ? { status } : {}),
      ...(takesFirmware ? { firmware } : {}),
      ...(proof ? { evidence: proof } : {}),
      lastSeen: Math.max(seenAt, entry.row.lastSeen ?? seenAt),
    });
  }

  remove(id: string): boolean {
    const entry = this.entries.get(id);
    if (entry === undefined) return false;
    this.entries.delete(id);
    this.keys.remove(id);
    this.#count(entry.row.profileId, -1);
    this.feed.append({ change: "deleted", id, revision: this.#fleet.nextRevision() });
    return true;
  }

  #count(profile: string | undefined, by: 1 | -1): void {
    if (profile === undefined) return;
    const uses = (this.#uses.get(profile) ?? 0) + by;
    if (uses === 0) this.#uses.delete(profile);
    else this.#uses.set(profile, uses);
  }
}
