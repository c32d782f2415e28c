import { compareCodePoints } from "../core/code-units.ts";
import { invalidOption } from "./failures.ts";
import { isRecord, strangeField } from "./plain.ts";

/** @throws `invalid_option` unless it is an object that has no members other than these */
export function only(value: unknown, names: readonly string[], what: string): void {
  if (!isRecord(value)) throw invalidOption(`${what} must be an object`);
  const wrong = strangeField(value, names);
  if (wrong !== undefined) throw invalidOption(`${what} ${wrong}`);
}

/** @throws `invalid_option` unless it is a list */
export function checkList(value: unknown, what: string): void {
  if (!Array.isArray(value)) throw invalidOption(`${what} must be a list`);
}

/** @throws `invalid_option` unless it is a list of strings */
export function checkKeys(value: unknown, what: string): void {
  if (!Array.isArray(value) || !value.every((key) => typeof key === "string")) {
    throw invalidOption(`${what} must be a list of strings`);
  }
}

/** @throws `invalid_option` unless absent or a string */
export function readText(value: unknown, what: string): string | undefined {
  if (value !== undefined && typeof value !== "string") throw invalidOption(`${what} must be a string`);
  return value;
}

/**
 * Keys without repetition, in the order of every page.
 * @param most of them: an index leads to each, or each is a condition of its own
 * @throws `invalid_option` unless absent or a list of strings, not more of them than that
 */
export function keySet(value: unknown, what: string, most = 100_000): readonly string[] | undefined {
  if (value === undefined) return undefined;
  checkKeys(value, what);
  const keys = new Set(value as readonly string[]);
  if (keys.size > most) throw invalidOption(`${what} must be at most ${most}`);
  return Object.freeze([...keys].sort(compareCodePoints));
}

/** The letters A to Z in lower case, as every store can do it. */
export function lowerAscii(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** What a cursor of this filter is bound to. */
export function bindFilter(listing: string, resolved: object): string {
  return `page ${listing} ${JSON.stringify(resolved)}`;
}
