import type { ProfileInput, ProfilePutResult } from "../core/profile-registry.ts";
import { Refusal } from "./plain.ts";
import {
  checkBelow,
  checkSamePlace,
  type Placement,
  type ProfileFields,
  type ProfileRefusal,
  readProfile,
} from "./profile-input.ts";

/** Where a row that is there stands: its base profile's id, and its depth below it. */
export interface PlacedProfile extends Placement {
  readonly revision: number;
  readonly root: string;
  readonly depth: number;
}

/** What a put needs of the profiles that are there, and of the devices they are made for. */
export interface ProfileRows<Placed extends PlacedProfile> {
  find(id: string): Placed | undefined;
  isDevice(id: string): boolean;
  /** Adds below `parent`, or replaces `before`. */
  put(
    fields: ProfileFields,
    parent: Placed | undefined,
    before: Placed | undefined,
  ): { readonly result: "created" | "updated"; readonly revision: number };
}

/** Puts one profile, after all checks. */
export function putProfile<Placed extends PlacedProfile>(
  rows: ProfileRows<Placed>,
  input: ProfileInput,
): ProfilePutResult {
  const fields = readProfile(input);
  if (fields instanceof Refusal) return { id: typeof input?.id === "string" ? input.id : "", ...fields };
  const { id } = fields;
  const before = rows.find(id);
  const parent = fields.parent === undefined ? undefined : rows.find(fields.parent);
  const refusal = before === undefined ? checkNew(rows, fields, parent) : checkSamePlace(fields, before);
  if (refusal !== undefined) return { id, ...refusal };
  const revision = before?.revision ?? 0;
  if (input.ifRevision !== undefined && input.ifRevision !== revision) return { id, result: "conflict", revision };
  return { id, ...rows.put(fields, parent, before) };
}

function checkNew(
  rows: Pick<ProfileRows<PlacedProfile>, "isDevice">,
  fields: ProfileFields,
  parent: PlacedProfile | undefined,
): ProfileRefusal | undefined {
  if (fields.parent === undefined) return undefined;
  if (parent === undefined) return new Refusal("invalid_parent", "parent must be the id of a profile of this registry");
  if (fields.device !== undefined && !rows.isDevice(fields.device)) {
    return new Refusal("invalid_device", "device must be the id of a device of this registry");
  }
  return checkBelow(fields, parent, parent.depth + 1);
}
