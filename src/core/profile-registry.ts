import type { RegisteredDevice } from "./device-registry.ts";
import type { CallOptions, Changes, ChangesOptions, Cursor, Page, PageOptions } from "./page.ts";
import type { DeliveryOptions, InspectRequest, Profile, ProfileRequest, Purpose } from "./profile.ts";

/** Whom an override is for, widest first. */
export type ProfileScope = "fleet" | "group" | "device";

export type ProfileItemKind = "header" | "query" | "form" | "check";

/**
 * One header, query parameter, form field or check of one request. In an override it changes the item of the same
 * purpose, kind and name, or is appended as a new one.
 */
export interface ProfileItem {
  readonly purpose: Purpose;
  readonly kind: ProfileItemKind;
  /**
   * Header names are kept in lower case; those that hold a login (`authorization`, `cookie`, `x-api-key`, …) are refused, since
   * what is kept is shown and exported: a device's `credentials` say where its login is. A check's name is its JSON pointer.
   */
  readonly name: string;
  /** Absent: inherits. An item that has no value anywhere is left out. */
  readonly value?: string;
  /** `false` removes the item, `true` brings it back. Absent: inherits, at last `true`. */
  readonly enabled?: boolean;
}

type Scalars<Request extends ProfileRequest> = Omit<Request, "headers" | "query" | "form" | "checks">;

/** One request without its items. A field left out inherits. */
export type RequestFields = Scalars<ProfileRequest>;

/** Naming one of `pointer`, `text`, `pattern` replaces whichever was inherited; `also` inherits key by key. */
export type InspectFields = Scalars<InspectRequest>;

/** `false` takes a request away, an object (even an empty one) brings it back. Absent: inherits. */
export interface ProfileRequests {
  readonly send?: RequestFields;
  readonly inspect?: InspectFields | false;
  readonly activate?: RequestFields;
  readonly commit?: RequestFields;
  readonly rollback?: RequestFields;
  readonly health?: RequestFields | false;
}

/** A base profile (no `parent`), or an override of one, to any depth up to 32. */
export interface ProfileInput {
  /** Unique in a fleet, base profiles and overrides together; 1 to 256 printable characters. */
  readonly id: string;
  readonly name: string;
  readonly description?: string;
  /** The delivery kind it was written for. It takes no part in resolution. */
  readonly delivery?: string;
  /** What this overrides. Absent: a base profile. Fixed once created, as are `scope`, `group` and `device`. */
  readonly parent?: string;
  /**
   * Whom it is for; never wider than its parent's, and within the same group or device. @default "fleet", the only
   * scope of a base profile
   */
  readonly scope?: ProfileScope;
  /** With scope `group`, and only then. */
  readonly group?: string;
  /** With scope `device`, and only then: the id of a registered device. Removing the device removes this override. */
  readonly device?: string;
  readonly requests?: ProfileRequests;
  /** In order; at most one per purpose, kind and name. */
  readonly items?: readonly ProfileItem[];
  /** What the delivery takes besides requests. An option left out inherits; there is no taking one away. */
  readonly options?: DeliveryOptions;
  /** Written only if the row is still at this revision; 0: only if there is no such row. Absent: in any case. */
  readonly ifRevision?: number;
}

/** A profile or an override as a registry keeps it. Frozen. */
export interface ProfileRow extends Omit<ProfileInput, "ifRevision"> {
  readonly scope: ProfileScope;
  readonly requests: ProfileRequests;
  readonly items: readonly ProfileItem[];
  readonly options: DeliveryOptions;
  /** Epoch milliseconds of the first and of the last `put`. */
  readonly createdAt: number;
  readonly updatedAt: number;
  /** From the registry's one sequence. A `put` with the same content raises it too. */
  readonly revision: number;
}

export interface ProfileFilter {
  /** At most 100,000. */
  readonly ids?: readonly string[];
  readonly kind?: "base" | "override";
  /** Direct overrides of this profile. */
  readonly parent?: string;
  readonly scope?: ProfileScope;
  readonly group?: string;
  readonly device?: string;
  readonly delivery?: string;
}

/** What became of one row of a `put`; `reason` names the field and what it must be, never its value. */
export type ProfilePutResult =
  | { readonly id: string; readonly result: "created" | "updated"; readonly revision: number }
  /** Somebody else was first. `revision` is the row's now; 0: it is gone. */
  | { readonly id: string; readonly result: "conflict"; readonly revision: number }
  | {
      readonly id: string;
      readonly result: "invalid_profile" | "invalid_parent" | "invalid_scope" | "invalid_group" | "invalid_device";
      readonly reason: string;
    };

export interface ProfileRemoval {
  /** Rows that are gone, overrides of overrides included. */
  readonly removed: number;
  /** Base profiles that devices still name. They, and their overrides, were left as they are. */
  readonly inUse: readonly string[];
}

/** What a profile is resolved for: a registered device, or a device-to-be. */
export type ProfileSubject = Pick<RegisteredDevice, "id" | "group" | "profile" | "profileId">;

export interface ResolveOptions extends CallOptions {
  /** Resolves as of this revision: profiles as they were once it had been given out. Absent: as they are. */
  readonly at?: number;
}

export interface ProfileMetrics {
  /** Base profiles. */
  readonly profiles: number;
  readonly overrides: Readonly<Record<ProfileScope, number>>;
  /** Items of all rows. */
  readonly items: number;
  /** The highest revision given to a profile change so far, removals included; 0 before the first. What `at` takes. */
  readonly revision: number;
}

/**
 * The delivery profiles of one fleet and their overrides. Batches are applied in order, so a parent may stand before
 * its children in one `put`. Slices of large batches and errors as for `DeviceRegistry`.
 *
 * How a device's profile is resolved: of the override tree below its base profile, those rows apply that are made for
 * the fleet, for its group or for itself, and whose parents all apply. They are laid over the base by scope (fleet,
 * group, device), within one scope by depth (parents before children), within one depth by revision and id. A field
 * or option left out inherits; items are changed, removed and appended as `ProfileItem` says.
 */
export interface ProfileRegistry {
  getMany(ids: readonly string[], options?: CallOptions): Promise<ReadonlyMap<string, ProfileRow>>;
  /** Profiles in the order of their ids. @throws `invalid_cursor` */
  page(filter?: ProfileFilter, options?: PageOptions): Promise<Page<ProfileRow>>;
  /** Adds or replaces profiles whole, one result per row, in order. Earlier versions stay readable by `at`. */
  put(rows: readonly ProfileInput[], options?: CallOptions): Promise<readonly ProfilePutResult[]>;
  /**
   * Removes profiles and all that overrides them, unless a device names the base profile. A profile and all below it go at
   * once, however many they are; of more than 200 ids, 200 such trees at a time.
   */
  remove(ids: readonly string[], options?: CallOptions): Promise<ProfileRemoval>;
  /** What was put and removed after a cursor. @throws `invalid_cursor` */
  changes(after: Cursor, options?: ChangesOptions): Promise<Changes<ProfileRow>>;
  /**
   * As `changes`, of the direct overrides of these profiles alone; it takes and gives cursors of the same feed.
   * @throws `invalid_cursor`
   */
  overridesSince(parents: readonly string[], after: Cursor, options?: ChangesOptions): Promise<Changes<ProfileRow>>;
  /** The rows' own items of one kind, in order, one statement for all. An unknown id is absent. */
  items(
    ids: readonly string[],
    kind: ProfileItemKind,
    options?: CallOptions,
  ): Promise<ReadonlyMap<string, readonly ProfileItem[]>>;
  /**
   * How each device is spoken to: its own `profile`, else what its `profileId` resolves to. A device with neither, or
   * with a `profileId` unknown (at that revision), is absent: its delivery's defaults hold for the former; treat the
   * latter as an error.
   *
   * Profiles are frozen, and devices that resolve equally get the very same object, from call to call, until a change.
   */
  resolveMany(devices: readonly ProfileSubject[], options?: ResolveOptions): Promise<ReadonlyMap<string, Profile>>;
  /** Kept by counters: cheap at any size. */
  metrics(options?: CallOptions): Promise<ProfileMetrics>;
}
