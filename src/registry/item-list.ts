import { purposes } from "../core/profile.ts";
import type { ProfileItem } from "../core/profile-registry.ts";
import { neverPut, parseJson } from "./json.ts";
import { isItemKind } from "./profile-items.ts";

/**
 * Items as a row keeps them: a list of lists, each `[purpose, kind, name, value, enabled]` without what it leaves out at
 * its end. A page of profiles is read in a third less time than from objects, whose names are parsed again for each.
 */
export function writeItems(items: readonly ProfileItem[]): string {
  return JSON.stringify(items.map(writeItem));
}

function writeItem({ purpose, kind, name, value, enabled }: ProfileItem): readonly unknown[] {
  if (enabled !== undefined) return [purpose, kind, name, value ?? null, enabled];
  return value === undefined ? [purpose, kind, name] : [purpose, kind, name, value];
}

/**
 * Items of a row, frozen.
 * @throws `registry_failed` for what no put could have made
 */
export function readItems(text: string): readonly ProfileItem[] {
  if (text === "[]") return none;
  return Object.freeze(parseJson<readonly unknown[]>(text, Array.isArray).map(readItem));
}

const none: readonly ProfileItem[] = Object.freeze([]);

function readItem(list: unknown): ProfileItem {
  if (!Array.isArray(list)) throw neverPut();
  const [purpose, kind, name, value = null, enabled] = list as readonly unknown[];
  if (!purposes.includes(purpose as never) || !isItemKind(kind) || typeof name !== "string") throw neverPut();
  if (value !== null && typeof value !== "string") throw neverPut();
  if (enabled !== undefined && typeof enabled !== "boolean") throw neverPut();
  const item: { -readonly [Name in keyof ProfileItem]: ProfileItem[Name] } = { purpose: purpose as never, kind, name };
  if (value !== null) item.value = value;
  if (enabled !== undefined) item.enabled = enabled;
  return Object.freeze(item);
}
