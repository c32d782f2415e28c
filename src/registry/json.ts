import { failed } from "../store/failure.ts";
import { isRecord } from "./plain.ts";

/**
 * What a row keeps as JSON.
 * @param fits what it must be
 * @throws `registry_failed` for what no put could have made; the parser's own message would quote it
 */
export function parseJson<T>(text: string, fits: (value: unknown) => boolean = isRecord): T {
  const value = parsed(text);
  if (value !== undefined && fits(value)) return value as T;
  throw neverPut();
}

/** The same, frozen, and all within it. */
export function readJson<T>(text: string, fits?: (value: unknown) => boolean): T {
  // What many rows have, and what need not be parsed.
  if (text === "{}") return empty as T;
  return frozen(parseJson<T>(text, fits));
}

/** What was parsed, frozen, and all within it. @throws `registry_failed` where it is deeper than any put takes */
export function frozen<T>(value: T): T {
  freeze(value, deepest);
  return value;
}

const empty = Object.freeze({});

export const neverPut = (): Error =>
  failed("a row of the database holds what was never put there; restore it from a backup");

/** More than any put takes: a device's profile goes 8 deep. What is deeper would exhaust the stack. */
const deepest = 16;

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

// By index and by name: `Object.values` makes a list of each, which was a tenth of reading a page.
function freeze(value: unknown, depth: number): void {
  if (typeof value !== "object" || value === null) return;
  if (depth === 0) throw neverPut();
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i += 1) freeze(value[i], depth - 1);
  } else {
    for (const name in value) freeze((value as Readonly<Record<string, unknown>>)[name], depth - 1);
  }
  Object.freeze(value);
}
