import { checkPath } from "../../http/path.ts";
import type { JsonValue } from "../shared/json.ts";
import { compilePointer, readPointer } from "../shared/json-pointer.ts";
import { isPrintable } from "../shared/text.ts";

/** One Redfish resource as JSON. Nothing of it has been believed yet. */
export type Resource = JsonValue;

/** The value at an RFC 6901 pointer, or nothing. */
export function valueAt(resource: Resource, pointer: string): JsonValue | undefined {
  return readPointer(resource, compilePointer(pointer) ?? []);
}

/** A short printable text at a pointer, or nothing. */
export function textAt(resource: Resource, pointer: string): string | undefined {
  const value = valueAt(resource, pointer);
  return typeof value === "string" && isPrintable(value) ? value : undefined;
}

/**
 * Where a link leads. `foreign`: to another origin. A device that could lead us elsewhere could be given our login,
 * and our bytes, for somebody else.
 */
export type Link = { readonly path: string } | { readonly problem: "absent" | "foreign" | "unusable" };

/** A URI reference of a device at `origin` (DSP0266 §6.5: absolute paths; some services write whole URLs). */
export function linkOf(value: unknown, origin: string): Link {
  if (value === undefined || value === null || value === "") return { problem: "absent" };
  if (typeof value !== "string") return { problem: "unusable" };
  if (value.startsWith("/") && !value.startsWith("//")) return usable(value);
  const url = URL.parse(value, origin);
  if (url === null) return { problem: "unusable" };
  if (url.origin !== origin || url.username !== "" || url.password !== "") return { problem: "foreign" };
  return /^https?:\/\//i.test(value) ? usable(url.pathname + url.search) : { problem: "unusable" };
}

function usable(path: string): Link {
  try {
    checkPath(path);
    return { path };
  } catch {
    return { problem: "unusable" };
  }
}

/** The links of a collection's page, and of the page after it. */
export function membersOf(page: Resource, origin: string): { readonly links: readonly Link[]; readonly next: Link } {
  const members = valueAt(page, "/Members");
  const links = Array.isArray(members)
    ? (members as readonly JsonValue[]).map((member) => linkOf(valueAt(member, "/@odata.id"), origin))
    : [];
  return { links, next: linkOf(valueAt(page, "/Members@odata.nextLink"), origin) };
}

/** The last segment of a path: a member's id in its collection. */
export function idOf(path: string): string {
  const trimmed = path.endsWith("/") ? path.slice(0, -1) : path;
  return trimmed.slice(trimmed.lastIndexOf("/") + 1);
}
