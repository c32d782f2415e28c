import type { DeliveryOptions } from "../core/profile.ts";
import type {
  ProfileInput,
  ProfileItem,
  ProfilePutResult,
  ProfileRequests,
  ProfileRow,
  ProfileScope,
} from "../core/profile-registry.ts";
import { deliveryOptionsRule, readDeliveryOptions } from "./delivery-options.ts";
import { isIfRevision } from "./device-input.ts";
import { isPrintable, isRecord, isText, namesOf, Refusal, strangeField } from "./plain.ts";
import { readItems } from "./profile-items.ts";
import { readRequests } from "./profile-requests.ts";
import { profileColumns } from "./transfer/columns.ts";

export type ProfileRefusal = Refusal<Extract<ProfilePutResult, { reason: string }>["result"]>;

/** Frozen, with its defaults, without what only one `put` needs. */
export interface ProfileFields extends Readonly<Omit<ProfileInput, "ifRevision">> {
  readonly scope: ProfileScope;
  readonly requests: ProfileRequests;
  readonly items: readonly ProfileItem[];
  readonly options: DeliveryOptions;
}

/** Where a row stands in its tree. */
export type Placement = Pick<ProfileFields, "parent" | "scope" | "group" | "device">;

/** The deepest override; a base profile is at 0. */
export const maxProfileDepth = 32;

const ranks: Readonly<Record<ProfileScope, number>> = Object.freeze({ fleet: 0, group: 1, device: 2 });

/** 0 for the fleet, 1 for a group, 2 for a device: the order in which scopes are laid over each other. */
export const scopeRank = (scope: ProfileScope): number => ranks[scope];

export const isScope = (value: unknown): value is ProfileScope =>
  typeof value === "string" && Object.hasOwn(ranks, value);

/** What a row may have: what is put, and what a row that was read has beside it, which is left alone. */
const known: readonly string[] = [
  ...Object.keys(profileColumns),
  ...namesOf<Pick<ProfileInput, "ifRevision"> & Omit<ProfileRow, keyof ProfileInput>>({
    ifRevision: true,
    createdAt: true,
    updatedAt: true,
    revision: true,
  }),
];

/** All of a profile that can be judged without the rest of the registry. */
export function readProfile(row: ProfileInput): ProfileFields | ProfileRefusal {
  if (!isRecord(row)) return refuse("a profile must be an object");
  const strange = strangeField(row, known);
  if (strange !== undefined) return refuse(`a profile ${strange}`);
  if (!isPrintable(row.id, 256)) return refuse("id must be 1 to 256 printable characters");
  if (!isPrintable(row.name, 256)) return refuse("name must be 1 to 256 printable characters");
  if (row.description !== undefined && !isText(row.description, 4_096)) {
    return refuse("description must be text of at most 4,096 characters");
  }
  if (row.delivery !== undefined && !isPrintable(row.delivery, 64)) {
    return refuse("delivery must be 1 to 64 printable characters");
  }
  if (!isIfRevision(row.ifRevision)) return refuse("ifRevision must be a whole number from 0");
  const placement = readPlacement(row);
  if (placement instanceof Refusal) return placement;
  const requests = readRequests(row.requests ?? {});
  if (typeof requests === "string") return refuse(requests);
  const items = readItems(row.items ?? []);
  if (typeof items === "string") return refuse(items);
  const options = readDeliveryOptions(row.options ?? {});
  if (options === undefined) return refuse(deliveryOptionsRule);
  return Object.freeze({
    id: row.id,
    name: row.name,
    ...(row.description === undefined ? {} : { description: row.description }),
    ...(row.delivery === undefined ? {} : { delivery: row.delivery }),
    ...placement,
    requests,
    items,
    options,
  });
}

const refuse = (reason: string): ProfileRefusal => new Refusal("invalid_profile", reason);

function readPlacement(row: ProfileInput): Placement | ProfileRefusal {
  const { parent, scope = "fleet", group, device } = row;
  if (parent !== undefined && !isPrintable(parent, 256)) {
    return new Refusal("invalid_parent", "parent must be the id of a profile");
  }
  if (!isScope(scope)) return new Refusal("invalid_scope", "scope must be fleet, group or device");
  if (parent === undefined && scope !== "fleet") {
    return new Refusal("invalid_scope", "a base profile is for the fleet; give an override its parent");
  }
  if (scope === "group" ? !isPrintable(group, 256) : group !== undefined) {
    return new Refusal("invalid_group", "group must be 1 to 256 printable characters with scope group, else absent");
  }
  if (scope === "device" ? !isPrintable(device, 256) : device !== undefined) {
    return new Refusal("invalid_device", "device must be the id of a device with scope device, else absent");
  }
  return {
    ...(parent === undefined ? {} : { parent }),
    scope,
    ...(group === undefined ? {} : { group }),
    ...(device === undefined ? {} : { device }),
  };
}

/** Whether a row stays where it was created. */
export function checkSamePlace(row: Placement, now: Placement): ProfileRefusal | undefined {
  if (row.parent !== now.parent) {
    return new Refusal("invalid_parent", "parent is fixed once created; remove the profile and put another");
  }
  if (row.scope !== now.scope || row.group !== now.group || row.device !== now.device) {
    return new Refusal("invalid_scope", "scope, group and device are fixed once created; remove the override first");
  }
  return undefined;
}

/** Whether an override may stand below its parent. `depth` is its own. */
export function checkBelow(row: Placement, parent: Placement, depth: number): ProfileRefusal | undefined {
  if (depth > maxProfileDepth) {
    return new Refusal("invalid_parent", `overrides go ${maxProfileDepth} deep at most; override a profile further up`);
  }
  const narrower = scopeRank(row.scope) > scopeRank(parent.scope);
  const same = row.scope === parent.scope && row.group === parent.group && row.device === parent.device;
  if (narrower || same) return undefined;
  return new Refusal("invalid_scope", "an override must be for the same as its parent, or for less");
}
