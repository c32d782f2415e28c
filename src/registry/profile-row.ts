import type { ProfileRow, ProfileScope } from "../core/profile-registry.ts";
import { isRecords, readJson } from "./json.ts";
import type { ProfileFields } from "./profile-input.ts";

/** The columns that `readProfileRow` reads, in its order, of a profile `p`. */
export const profileColumns = `p.id, p.parent, p.scope, p.owner, p.name, p.description, p.delivery, p.requests, p.items, p.options,
  p.created_at, p.updated_at, p.revision`;

/** Where `revision` stands in it. */
export const revisionColumn = 12;

type Columns = readonly [
  id: string,
  parent: string | null,
  scope: 0 | 1 | 2,
  owner: string,
  name: string,
  description: string | null,
  delivery: string | null,
  requests: string,
  items: string,
  options: string,
  createdAt: number,
  updatedAt: number,
  revision: number,
];

export const scopes: readonly ["fleet", "group", "device"] = Object.freeze(["fleet", "group", "device"] as const);

export function readProfileRow(columns: readonly unknown[]): ProfileRow {
  const [id, parent, scope, owner, name, description, delivery, ...rest] = columns as unknown as Columns;
  const [requests, items, options, createdAt, updatedAt, revision] = rest;
  return Object.freeze({
    id,
    name,
    ...(description === null ? {} : { description }),
    ...(delivery === null ? {} : { delivery }),
    ...(parent === null ? {} : { parent }),
    ...readPlace(scope, owner),
    ...readContent(requests, items, options),
    createdAt,
    updatedAt,
    revision,
  });
}

/** What takes part in resolution, parsed and frozen. */
export function readContent(
  requests: string,
  items: string,
  options: string,
): Pick<ProfileRow, "requests" | "items" | "options"> {
  return {
    requests: readJson<ProfileRow["requests"]>(requests),
    items: readJson<ProfileRow["items"]>(items, isRecords),
    options: readJson<ProfileRow["options"]>(options),
  };
}

/** Scope, and whose: one column holds the group or the device, since a row has only one of them. */
export function readPlace(scope: 0 | 1 | 2, owner: string): Pick<ProfileRow, "scope" | "group" | "device"> {
  const name: ProfileScope = scopes[scope];
  return { scope: name, ...(name === "fleet" ? {} : { [name]: owner }) };
}

export const ownerOf = ({ group, device }: Pick<ProfileRow, "group" | "device">): string => group ?? device ?? "";

export function writeContent(fields: ProfileFields): readonly string[] {
  return [JSON.stringify(fields.requests), JSON.stringify(fields.items), JSON.stringify(fields.options)];
}
