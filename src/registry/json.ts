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
  throw failed("a row of the database holds what was never put there; restore it from a backup");
}

/** The same, frozen, and all within it. */
export const readJson = <T>(text: string, fits?: (value: unknown) => boolean): T => freezeAll(parseJson<T>(text, fits));

export const isRecords = (value: unknown): boolean => Array.isArray(value) && value.every(isRecord);

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function freezeAll<T>(value: T): T {
  if (typeof value === "object" && value !== null) {
    for (const member of Object.values(value)) freezeAll(member);
    Object.freeze(value);
  }
  return value;
}
