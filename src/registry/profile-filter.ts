import type { ProfileFilter, ProfileRow } from "../core/profile-registry.ts";
import { invalidOption } from "./failures.ts";
import { bindFilter, keySet, only, readText } from "./filter.ts";
import { isRecord } from "./plain.ts";
import { isScope } from "./profile-input.ts";

const equalities = ["parent", "scope", "group", "device", "delivery"] as const;

/** A profile filter, checked, with its set in order. */
export interface ResolvedProfileFilter {
  readonly ids: readonly string[] | undefined;
  readonly kind: "base" | "override" | undefined;
  readonly equal: readonly (readonly [field: (typeof equalities)[number], value: string])[];
  /** The same for filters that mean the same: what a cursor is bound to. */
  readonly use: string;
}

/** @throws `invalid_option` for a condition it does not know */
export function resolveProfileFilter(filter: ProfileFilter): ResolvedProfileFilter {
  only(filter, [...equalities, "ids", "kind"], "filter");
  const { kind, scope } = filter;
  if (kind !== undefined && kind !== "base" && kind !== "override") {
    throw invalidOption("filter.kind must be base or override");
  }
  if (scope !== undefined && !isScope(scope)) throw invalidOption("filter.scope must be fleet, group or device");
  const resolved = {
    ids: keySet(filter.ids, "filter.ids"),
    kind,
    equal: equalities.flatMap((field) => {
      const value = readText(filter[field], `filter.${field}`);
      return value === undefined ? [] : [[field, value] as const];
    }),
  };
  return Object.freeze({ ...resolved, use: bindFilter("profiles", resolved) });
}

/** @throws `invalid_option` unless it is a list of what profiles are resolved for */
export function checkSubjects(value: unknown): void {
  const isLine = (line: unknown) => line === undefined || typeof line === "string";
  const isSubject = (subject: unknown) =>
    isRecord(subject) &&
    typeof subject["id"] === "string" &&
    isLine(subject["group"]) &&
    isLine(subject["profileId"]) &&
    (subject["profile"] === undefined || isRecord(subject["profile"]));
  if (Array.isArray(value) && value.every(isSubject)) return;
  throw invalidOption(
    "devices must be a list of objects, each with an id, and at most group, profile and profileId beside it",
  );
}

/** Whether a profile meets all conditions, `ids` apart. */
export function matchesProfile(filter: ResolvedProfileFilter, row: ProfileRow): boolean {
  if (filter.kind !== undefined && (row.parent === undefined) !== (filter.kind === "base")) return false;
  return filter.equal.every(([field, value]) => row[field] === value);
}
