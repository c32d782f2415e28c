import {
  isFlashwaveError,
  type ProfileInput,
  type ProfilePutResult,
  type ProfileRow,
  type Registry,
} from "../../../core/index.ts";
import { exitCodes } from "../../exit-codes.ts";
import type { Flags } from "../../flags.ts";
import { given } from "../../given.ts";
import type { Io } from "../../job.ts";
import { profileOf } from "../../profile.ts";
import { openStore, type StoreFlags } from "../../store/open.ts";
import { reportRows } from "../../store/output.ts";
import { checkBase, checkOverride } from "../../store/profile-check.ts";
import { changedParts, partsOf, readProfileFile, saysSomething } from "../../store/profile-parts.ts";
import { reasonInFile, reasonInFlags } from "../../store/reasons.ts";
import { UsageError } from "../../usage-error.ts";
import { missing } from "../device/write.ts";

export type ProfileWriteFlags = StoreFlags &
  Omit<Flags, "id"> & {
    readonly file?: string;
    readonly name?: string;
    readonly description?: string;
    readonly group?: string;
    readonly device?: string;
    readonly id?: string;
  };

/** Adds a base profile, from a file or from flags. */
export async function addProfile(id: string, flags: ProfileWriteFlags, io: Io): Promise<number> {
  const input = { id, name: id, ...(await partsGiven(flags)), ...wordsOf(flags) };
  // Before the store is opened: a profile that is none makes no fleet.
  await asGiven(flags, checkBase(input));
  await using registry = await openStore(flags, { makes: true });
  return putNew(registry, input, flags, io);
}

/** Adds an override: for a group, for a device, or for all that have the profile. */
export async function overrideProfile(parent: string, flags: ProfileWriteFlags, io: Io): Promise<number> {
  const { group, device } = flags;
  if (group !== undefined && device !== undefined)
    throw new UsageError("--group and --device exclude each other: an override is for one of them.");
  const parts = await partsGiven(flags);
  const scope = device !== undefined ? "device" : group !== undefined ? "group" : "fleet";
  const id = flags.id ?? [parent, scope, device ?? group].filter((part) => part !== undefined).join(":");
  const place = given({ group, device });
  const input = { id, name: id, ...parts, ...wordsOf(flags), parent, scope, ...place } as const;
  await using registry = await openStore(flags);
  await asGiven(flags, checkOverride(registry, input, io.signal));
  return putNew(registry, input, flags, io);
}

async function putNew(registry: Registry, input: ProfileInput, flags: ProfileWriteFlags, io: Io): Promise<number> {
  const results = await registry.profiles.put([{ ...input, ifRevision: 0 }], { signal: io.signal });
  const there = "there is a profile of this id; change it with flashwave profile set, or choose another --id";
  return reportPuts(results, there, input, flags, io);
}

/** What is wrong with what a file says is told in its words; flags have theirs. */
async function asGiven({ file }: ProfileWriteFlags, check: Promise<void>): Promise<void> {
  try {
    await check;
  } catch (error) {
    if (file === undefined || !isFlashwaveError(error)) throw error;
    throw new UsageError(`--file: ${error.message}`);
  }
}

/** Changes what the flags name; a file replaces what the profile says. */
export async function setProfile(id: string, flags: ProfileWriteFlags, io: Io): Promise<number> {
  const file = flags.file === undefined ? undefined : await partsGiven(flags);
  const words = wordsOf(flags);
  if (file === undefined && !saysSomething(flags as Flags) && Object.keys(words).length === 0)
    throw new UsageError("Say what to set: one of the options, or --file.");
  await using registry = await openStore(flags);
  const found = await registry.profiles.getMany([id], { signal: io.signal });
  const row = found.get(id);
  if (row === undefined) return reportRows(missing([id], found), flags.json, io);
  const parts = file ?? changedParts(row, flags as Flags);
  const changed = { ...placed(row), ...parts, ...words, ifRevision: row.revision };
  await asGiven(flags, row.parent === undefined ? checkBase(changed) : checkOverride(registry, changed, io.signal));
  const results = await registry.profiles.put([changed], { signal: io.signal });
  return reportPuts(results, "somebody changed it meanwhile; try again", changed, flags, io);
}

function placed(row: ProfileRow): ProfileInput {
  const { createdAt: _, updatedAt: __, revision: ___, ...input } = row;
  return input;
}

export async function removeProfiles(
  ids: readonly string[],
  flags: StoreFlags & { readonly json?: boolean },
  io: Io,
): Promise<number> {
  await using registry = await openStore(flags);
  const found = await registry.profiles.getMany(ids, { signal: io.signal });
  const { inUse } = await registry.profiles.remove([...found.keys()], { signal: io.signal });
  const reason = "devices still name it; give them another with flashwave device set --profile";
  const results = [...found.keys()].map((id) =>
    inUse.includes(id) ? { id, result: "in_use", reason } : { id, result: "removed" },
  );
  return reportRows([...results, ...missing(ids, found)], flags.json, io);
}

function reportPuts(
  results: readonly ProfilePutResult[],
  conflict: string,
  { items = [] }: ProfileInput,
  { file, json }: ProfileWriteFlags,
  io: Io,
): number {
  const told = results.map((result) => (result.result === "conflict" ? { ...result, reason: conflict } : result));
  const say = file === undefined ? reasonInFlags : (reason: string) => reasonInFile(reason, items);
  return Math.max(exitCodes.ok, reportRows(told, json, io, say));
}

async function partsGiven(flags: ProfileWriteFlags) {
  if (flags.file === undefined) return partsOf(profileOf(flags as Flags));
  if (saysSomething(flags as Flags))
    throw new UsageError("--file and options that say the same exclude each other; give one of them.");
  return readProfileFile(flags.file);
}

const wordsOf = ({ name, description, via: delivery }: ProfileWriteFlags) => given({ name, description, delivery });
