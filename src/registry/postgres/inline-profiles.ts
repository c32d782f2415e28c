import { hash } from "node:crypto";
import type { Profile } from "../../core/profile.ts";
import { inlineColumn } from "../device-row.ts";
import { readJson } from "../json.ts";
import type { Sharing } from "../sharing.ts";

const kept = 1_024;

/** Profiles of single devices. Like devices have equal ones: each is stored once and is one object. */
export class InlineProfiles {
  readonly #sharing: Sharing<Profile>;
  /** By key, which is never given out again. */
  readonly #known = new Map<number, Profile>();

  constructor(sharing: Sharing<Profile>) {
    this.#sharing = sharing;
  }

  /** The profiles of rows of `deviceColumns`, which have the profile's JSON at `jsonColumn`. */
  read(rows: readonly (readonly unknown[])[], jsonColumn: number): ReadonlyMap<number, Profile> {
    const found = new Map<number, Profile>();
    for (const row of rows) {
      const key = row[inlineColumn];
      if (typeof key === "number" && !found.has(key)) found.set(key, this.#parse(key, row[jsonColumn] as string));
    }
    return found;
  }

  #parse(key: number, json: string): Profile {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const profile = this.#sharing.share(readJson<Profile>(json));
    if (this.#known.size >= kept) this.#known.clear();
    this.#known.set(key, profile);
    return profile;
  }
}

/** What a profile is stored as: its JSON, and what equal ones are found by. */
export function writeInline(profile: Profile | undefined): { readonly inline?: string; readonly digest?: string } {
  if (profile === undefined) return {};
  const inline = JSON.stringify(profile);
  return { inline, digest: hash("sha256", inline) };
}
