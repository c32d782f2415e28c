import { hash } from "node:crypto";
import type { Profile } from "../../core/profile.ts";
import type { Connection, Row } from "../../store/sqlite/index.ts";
import { inlineColumn } from "../device-row.ts";
import { readJson } from "../json.ts";
import type { Sharing } from "../sharing.ts";
import { list } from "./page.ts";

const inlineStatements = {
  one: "SELECT json FROM inline_profile WHERE key = ?",
  many: "SELECT p.key, p.json FROM json_each(?) j CROSS JOIN inline_profile p ON p.key = j.value",
  find: "SELECT key FROM inline_profile WHERE digest = ?",
  add: "INSERT INTO inline_profile (json, digest) VALUES (?, ?) RETURNING key",
  removeUnused: "DELETE FROM inline_profile WHERE key = ?1 AND NOT EXISTS (SELECT 1 FROM device WHERE inline = ?1)",
} as const;

const kept = 1_024;

/** Profiles of single devices. Like devices have equal ones: each is stored once and is one object. */
export class InlineProfiles {
  readonly #sharing: Sharing<Profile>;
  readonly #known = new Map<number, Profile>();

  constructor(sharing: Sharing<Profile>) {
    this.#sharing = sharing;
  }

  /**
   * Those that rows of `deviceColumns` name, by key: one statement for those not known yet. For the reading connection
   * alone: what a transaction takes back must not be remembered, its key may be given out again.
   */
  read(on: Connection, rows: readonly Row[]): ReadonlyMap<number, Profile> {
    const keys = new Set<number>();
    for (const row of rows) {
      const key = row[inlineColumn];
      if (typeof key === "number") keys.add(key);
    }
    const unknown = [...keys].filter((key) => !this.#known.has(key));
    if (unknown.length === 0) return this.#known;
    if (this.#known.size + unknown.length > kept) {
      this.#known.clear();
      unknown.splice(0, unknown.length, ...keys);
    }
    const found = on.all(inlineStatements.many, list(unknown)) as unknown as readonly (readonly [number, string])[];
    for (const [key, json] of found) this.#known.set(key, this.#sharing.share(readJson<Profile>(json)));
    return this.#known;
  }

  /** The profile of one row of `deviceColumns`, not remembered. */
  readOne(on: Connection, row: Row): ReadonlyMap<number, Profile> {
    const key = row[inlineColumn];
    const found = typeof key === "number" ? on.get(inlineStatements.one, key) : undefined;
    return new Map(found === undefined ? [] : [[key as number, readJson<Profile>(found[0] as string)]]);
  }

  /** The key of a profile; kept when it is new. */
  write(on: Connection, profile: Profile): number {
    const json = JSON.stringify(profile);
    const digest = hash("sha256", json, "buffer");
    const [key] = (on.get(inlineStatements.find, digest) ?? on.get(inlineStatements.add, json, digest)) as [number];
    return key;
  }

  /** Forgets one that no device has any more. */
  removeUnused(on: Connection, key: number | null): void {
    if (key !== null) on.run(inlineStatements.removeUnused, key);
  }
}
