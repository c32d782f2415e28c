import { compareCodePoints } from "../core/code-units.ts";
import { invalidOption } from "./failures.ts";

/** @throws `invalid_option` when an object has members other than these */
export function only(value: object, names: readonly string[], what: string): void {
  const other = Object.keys(value).find((name) => !names.includes(name));
  if (other !== undefined) throw invalidOption(`${what} has a member it does not know; it knows ${names.join(", ")}`);
}

/** @throws `invalid_option` unless absent or a string */
export function readText(value: unknown, what: string): string | undefined {
  if (value !== undefined && typeof value !== "string") throw invalidOption(`${what} must be a string`);
  return value;
}

/**
 * Keys without repetition, in the order of every page.
 * @throws `invalid_option` unless absent or a list of strings
 */
export function keySet(value: unknown, what: string): readonly string[] | undefined {
  if (value === undefined) return undefined;
  if (!Array.isArray(value) || !value.every((key) => typeof key === "string")) {
    throw invalidOption(`${what} must be a list of strings`);
  }
  return Object.freeze([...new Set<string>(value)].sort(compareCodePoints));
}

/** The letters A to Z in lower case, as every store can do it. */
export function lowerAscii(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** What a cursor of this filter is bound to. */
export function bindFilter(listing: string, resolved: object): string {
  return `page ${listing} ${JSON.stringify(resolved)}`;
}
