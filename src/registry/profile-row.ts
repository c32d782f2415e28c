import type { ProfileRow, ProfileScope } from "../core/profile-registry.ts";
import { readItems, writeItems } from "./item-list.ts";
import { readJson } from "./json.ts";
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

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] };

/** Names every field at its place: to spread what there is took up to a third of reading a row. */
export function readProfileRow(columns: readonly unknown[]): ProfileRow {
  const [id, parent, scope, owner, name, description, delivery, ...rest] = columns as unknown as Columns;
  const [requests, items, options, createdAt, updatedAt, revision] = rest;
  const row: Mutable<ProfileRow> = {
    id,
    name,
    scope: scopes[scope],
    requests: readJson(requests),
    items: readItems(items),
    options: readJson(options),
    createdAt,
    updatedAt,
    revision,
  };
  if (description !== null) row.description = description;
  if (delivery !== null) row.delivery = delivery;
  if (parent !== null) row.parent = parent;
  if (scope === 1) row.group = owner;
  if (scope === 2) row.device = owner;
  return Object.freeze(row);
}

/** What takes part in resolution, parsed and frozen. */
export function readContent(
  requests: string,
  items: string,
  options: string,
): Pick<ProfileRow, "requests" | "items" | "options"> {
  return { requests: readJson(requests), items: readItems(items), options: readJson(options) };
}

/** Scope, and whose: one column holds the group or the device, since a row has only one of them. */
export function readPlace(scope: 0 | 1 | 2, owner: string): Pick<ProfileRow, "scope" | "group" | "device"> {
  const name: ProfileScope = scopes[scope];
  return { scope: name, ...(name === "fleet" ? {} : { [name]: owner }) };
}

export const ownerOf = ({ group, device }: Pick<ProfileRow, "group" | "device">): string => group ?? device ?? "";

export function writeContent(fields: ProfileFields): readonly string[] {
  return [JSON.stringify(fields.requests), writeItems(fields.items), JSON.stringify(fields.options)];
}
