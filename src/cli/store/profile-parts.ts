import {
  type Profile,
  type ProfileInput,
  type ProfileItem,
  type ProfileItemKind,
  type ProfileRequests,
  type ProfileRow,
  purposes,
} from "../../core/index.ts";
import { readText } from "../files.ts";
import type { Flags } from "../flags.ts";
import { profileOf } from "../profile.ts";
import { UsageError } from "../usage-error.ts";

/** What a profile says, apart from where it stands. */
export type ProfileParts = Pick<ProfileInput, "requests" | "items" | "options">;
type Described = ProfileParts & Partial<Pick<ProfileInput, "name" | "description" | "delivery">>;

const kinds: readonly (readonly [field: string, kind: ProfileItemKind])[] = [
  ["headers", "header"],
  ["query", "query"],
  ["form", "form"],
  ["checks", "check"],
];

type Fields = Readonly<Record<string, unknown>>;

/** A profile as a registry keeps it: headers, query, form and checks are items of their own, so that each can be overridden. */
export function partsOf(profile: Profile): ProfileParts {
  const requests: Record<string, unknown> = {};
  const items: ProfileItem[] = [];
  for (const purpose of purposes) {
    const request = profile[purpose];
    if (request === undefined) continue;
    if (request === false || typeof request !== "object") requests[purpose] = request;
    else {
      const fields: Fields = { ...request };
      const names = new Set(kinds.map(([field]) => field));
      const own = Object.entries(fields).filter(([name]) => !names.has(name));
      // A request of items alone is none: in an override it would bring back what was taken away.
      if (own.length > 0 || Object.keys(fields).length === 0) requests[purpose] = Object.fromEntries(own);
      for (const [field, kind] of kinds) {
        const values = fields[field] ?? {};
        if (typeof values !== "object" || Array.isArray(values))
          throw new UsageError(`--file: the ${field} of ${purpose} must be an object of names and texts.`);
        for (const [name, value] of Object.entries(values)) items.push({ purpose, kind, name, value });
      }
    }
  }
  return { requests: requests as ProfileRequests, items, options: profile.options ?? {} };
}

const described = ["name", "description", "delivery"];
const kept = ["requests", "items", "options"];

/**
 * What a JSON file says of a profile: requests by purpose as `device.profile` has them, or `requests` and `items` as
 * `profile show --json` prints them; beside them a name, a description and the delivery it is for.
 */
export async function readProfileFile(path: string): Promise<Described> {
  const text = await readText("--file", path);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new UsageError(`--file: ${JSON.stringify(path)} is not JSON.`); // the parser's message would quote the file
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new UsageError("--file must hold one JSON object.");
  const isKept = "requests" in value || "items" in value;
  const known = [...described, ...(isKept ? kept : [...purposes, "options"])];
  if (Object.keys(value).some((name) => !known.includes(name)))
    throw new UsageError(`--file has a member that it does not know; it knows ${known.join(", ")}.`);
  const fields = value as Fields;
  const words = Object.fromEntries(described.flatMap((name) => (name in fields ? [[name, fields[name]]] : [])));
  const parts = isKept ? (fields as ProfileParts) : partsOf(fields as Profile);
  return { requests: {}, items: [], options: {}, ...parts, ...words };
}

const places = ["pointer", "text", "pattern"];

/** A profile as it is, with what the flags say laid over it, field by field and item by item. */
export function changedParts(row: Pick<ProfileRow, "requests" | "items" | "options">, flags: Flags): ProfileParts {
  const { requests = {}, items = [], options } = partsOf(profileOf(flags));
  const changed: Record<string, unknown> = { ...row.requests };
  for (const [purpose, fields] of Object.entries(requests)) {
    const before = { ...(Object(changed[purpose] || {}) as Fields) };
    if (places.some((place) => Object.hasOwn(Object(fields), place)))
      for (const place of places) delete (before as Record<string, unknown>)[place];
    changed[purpose] = fields === false ? false : { ...before, ...(fields as Fields) };
  }
  const all = new Map(row.items.map((item) => [keyOf(item), item]));
  for (const item of items) all.set(keyOf(item), item);
  return { requests: changed, items: [...all.values()], options: { ...row.options, ...options } };
}

const keyOf = ({ purpose, kind, name }: ProfileItem): string =>
  JSON.stringify([purpose, kind, kind === "header" ? name.toLowerCase() : name]);

/** Whether the flags say anything of how devices are spoken to. */
export function saysSomething(flags: Flags): boolean {
  return Object.keys(profileOf(flags)).length > 0;
}
