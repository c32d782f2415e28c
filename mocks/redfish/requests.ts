import type { RequestHead } from "../records.ts";
import type { RedfishPurpose } from "./options.ts";
import { type Json, paths, v1 } from "./resources.ts";

/** What a request is for, by its path and method alone. */
export function purposeOf({ method, path }: Pick<RequestHead, "method" | "path">): RedfishPurpose {
  if (path === v1 || path === `${v1}/`) return "root";
  if (path === paths.sessions && method === "POST") return "session";
  if (path === paths.service) return "service";
  if (path === paths.multipart || path === paths.raw) return "push";
  if (path === paths.pull) return "pull";
  if (path === paths.inventory) return "inventory";
  if (path.startsWith(`${paths.inventory}/`)) return "member";
  if (path.startsWith(`${paths.monitors}/`)) return "monitor";
  if (path.startsWith(`${paths.tasks}/`)) return "task";
  return path.endsWith(".Reset") ? "reset" : "other";
}

/** The object that a body is; nothing when it is none. */
export function readOrder(body: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null ? (value as Json) : undefined;
  } catch {
    return undefined;
  }
}
