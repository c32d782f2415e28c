import {
  isFlashwaveError,
  type Profile,
  type ProfileInput,
  type ProfileRegistry,
  type ProfileRow,
  type Registry,
} from "../../core/index.ts";
import { Refusal } from "../../registry/plain.ts";
import { type ProfileFields, readProfile } from "../../registry/profile-input.ts";
import { resolveLayers, selectLayers } from "../../registry/resolve-profile.ts";
import { given } from "../given.ts";
import { requireProfile } from "../wire.ts";
import { layersOf } from "./resolution.ts";

/* A store keeps what it is given; whether the kind it is written for can do anything with it is found out here. */

/**
 * Holds a base profile against the kind that it names, where this program knows that one. What no store would take is
 * left to the store.
 * @throws `invalid_profile`, as a push would
 */
export async function checkBase(input: ProfileInput): Promise<void> {
  const fields = readProfile(input);
  if (fields instanceof Refusal) return;
  await requireProfile(fields.delivery, resolveLayers([fields]));
}

/**
 * What is wrong with a row of a file, in one sentence. Of an override's requests nothing is: what they are laid over may
 * be further on in the file.
 */
export async function faultOfRow(input: ProfileInput): Promise<string | undefined> {
  if (input.parent !== undefined) return undefined;
  try {
    await checkBase(input);
    return undefined;
  } catch (error) {
    if (isFlashwaveError(error)) return error.message;
    throw error;
  }
}

/**
 * The same for an override: it is held against the kind that it, or else what it overrides, names, together with all
 * that its devices are spoken to with besides.
 */
export async function checkOverride(registry: Registry, input: ProfileInput, signal: AbortSignal): Promise<void> {
  const fields = readProfile(input);
  if (fields instanceof Refusal) return;
  const above = await ancestorsOf(registry.profiles, fields.parent, signal);
  const base = above.at(-1);
  const kind = fields.delivery ?? above.find(({ delivery }) => delivery !== undefined)?.delivery;
  if (base === undefined || base.parent !== undefined || kind === undefined) return;
  await requireProfile(kind, await resolvedWith(registry, fields, base, signal));
}

/** A profile and what it overrides, the nearest first. */
async function ancestorsOf(profiles: ProfileRegistry, id: string | undefined, signal: AbortSignal) {
  const rows: ProfileRow[] = [];
  for (let next = id; next !== undefined; next = rows.at(-1)?.parent) {
    const row = (await profiles.getMany([next], { signal })).get(next);
    if (row === undefined) break;
    rows.push(row);
  }
  return rows;
}

async function resolvedWith(
  { profiles, devices }: Registry,
  fields: ProfileFields,
  base: ProfileRow,
  signal: AbortSignal,
): Promise<Profile> {
  const { id, device = "" } = fields;
  const group = fields.group ?? (await devices.getMany([device], { signal })).get(device)?.group;
  const there = await layersOf(profiles, { id: device, profileId: base.id, ...given({ group }) }, signal);
  const rows = [...there.filter((row) => row.id !== id), { ...fields, revision: Number.MAX_SAFE_INTEGER }];
  return resolveLayers(
    selectLayers<(typeof rows)[number]>(base, (parent) => rows.filter((row) => row.parent === parent)),
  );
}
