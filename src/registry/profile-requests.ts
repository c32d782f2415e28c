import { purposes } from "../core/profile.ts";
import type { ProfileRequests } from "../core/profile-registry.ts";
import { copyPlain, isPrintable, isRecord } from "./plain.ts";

const isPurpose = (name: string) => (purposes as readonly string[]).includes(name);
const itemFields = ["headers", "query", "form", "checks"];
const versionFields = ["pointer", "text", "pattern"] as const;

/** A frozen copy, or what is wrong. Fields that only a delivery can judge are kept as they are. */
export function readRequests(value: unknown): ProfileRequests | string {
  const copied = copyPlain(value, { depth: 6, size: 65_536 });
  if (!isRecord(copied)) return "requests must be plain JSON of at most 64 KiB";
  for (const [purpose, request] of Object.entries(copied)) {
    if (!isPurpose(purpose)) return `requests must be named by purpose: ${purposes.join(", ")}`;
    const wrong = checkRequest(purpose, request);
    if (wrong !== undefined) return wrong;
  }
  return copied as ProfileRequests;
}

function checkRequest(purpose: string, request: unknown): string | undefined {
  if (request === false && (purpose === "inspect" || purpose === "health")) return undefined;
  if (!isRecord(request)) return `requests.${purpose} must be an object; only inspect and health may be false`;
  if (itemFields.some((field) => Object.hasOwn(request, field))) {
    return `requests.${purpose} must not hold headers, query, form or checks: put them into items`;
  }
  const { method, path } = request;
  if (method !== undefined && !(typeof method === "string" && /^[A-Z][A-Z0-9_-]{0,31}$/.test(method))) {
    return `requests.${purpose}.method must be an upper-case HTTP method`;
  }
  if (path !== undefined && !(isPrintable(path, 2_048) && path.startsWith("/"))) {
    return `requests.${purpose}.path must begin with "/" and be at most 2,048 printable characters`;
  }
  return purpose === "inspect" ? checkInspect(request) : undefined;
}

function checkInspect(request: Readonly<Record<string, unknown>>): string | undefined {
  const { pointer, text, pattern, also } = request;
  if (versionFields.filter((field) => request[field] !== undefined && request[field] !== false).length > 1) {
    return "requests.inspect must name at most one of pointer, text and pattern";
  }
  const isPointer = (value: unknown) => typeof value === "string" && /^(?:\/.*)?$/s.test(value);
  if (pointer !== undefined && !isPointer(pointer)) return "requests.inspect.pointer must be a JSON pointer";
  if (text !== undefined && typeof text !== "boolean") return "requests.inspect.text must be true or false";
  if (pattern !== undefined && !isPattern(pattern)) {
    return "requests.inspect.pattern must be a regular expression of at most 1,024 characters";
  }
  if (also !== undefined && !(isRecord(also) && Object.values(also).every(isPointer))) {
    return "requests.inspect.also must hold JSON pointers";
  }
  return undefined;
}

function isPattern(value: unknown): boolean {
  if (typeof value !== "string" || value.length > 1_024) return false;
  try {
    new RegExp(value);
    return true;
  } catch {
    return false; // what a RegExp throws says no more than this
  }
}
