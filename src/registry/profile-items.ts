import { purposes } from "../core/profile.ts";
import type { ProfileItem, ProfileItemKind } from "../core/profile-registry.ts";
import { isLoginHeader, loginRule } from "./login-headers.ts";
import { isPrintable, isRecord, isReservedName, isText, namesOf, strangeField } from "./plain.ts";

export const itemKinds: readonly ProfileItemKind[] = Object.freeze(["header", "query", "form", "check"]);

export const isItemKind = (value: unknown): value is ProfileItemKind =>
  (itemKinds as readonly unknown[]).includes(value);

/** What makes two items the same one. */
export const itemKey = (item: ProfileItem): string => `${item.purpose} ${item.kind} ${item.name}`;

/** Frozen copies in order, or what is wrong. */
export function readItems(value: unknown): readonly ProfileItem[] | string {
  if (!Array.isArray(value) || value.length > 256) return "items must be a list of at most 256";
  const items: ProfileItem[] = [];
  const keys = new Set<string>();
  for (const [index, candidate] of value.entries()) {
    const item = readItem(candidate);
    if (typeof item === "string") return `items[${index}]${item.startsWith("must") ? " " : "."}${item}`;
    keys.add(itemKey(item));
    if (keys.size <= items.length) return `items[${index}] repeats the purpose, kind and name of an earlier one`;
    items.push(item);
  }
  return Object.freeze(items);
}

const known = namesOf<ProfileItem>({ purpose: true, kind: true, name: true, value: true, enabled: true });

function readItem(value: unknown): ProfileItem | string {
  if (!isRecord(value)) return "purpose, kind and name are needed";
  const strange = strangeField(value, known);
  if (strange !== undefined) return strange;
  const { purpose, kind, value: text, enabled } = value;
  if (!(purposes as readonly unknown[]).includes(purpose)) return `purpose must be one of ${purposes.join(", ")}`;
  if (!isItemKind(kind)) return `kind must be one of ${itemKinds.join(", ")}`;
  const name = readName(kind, value["name"]);
  if (name === undefined) return "name must suit its kind, and be at most 256 printable characters";
  if (kind === "header" && isLoginHeader(name)) return `name must not be ${JSON.stringify(name)}: ${loginRule}`;
  if (text !== undefined && !(kind === "header" ? isHeaderValue(text) : isText(text, 8_192))) {
    return "value must be text of at most 8,192 characters, in a header without line breaks";
  }
  if (enabled !== undefined && typeof enabled !== "boolean") return "enabled must be true or false";
  return Object.freeze({
    purpose: purpose as ProfileItem["purpose"],
    kind,
    name,
    ...(text === undefined ? {} : { value: text as string }),
    ...(enabled === undefined ? {} : { enabled }),
  });
}

function readName(kind: ProfileItemKind, name: unknown): string | undefined {
  // The whole answer is a check's pointer too: RFC 6901 §5 writes it as the empty string.
  if (kind === "check" && name === "") return name;
  if (!isPrintable(name, 256) || isReservedName(name)) return undefined;
  if (kind === "check") return name.startsWith("/") ? name : undefined;
  // A token, RFC 9110 §5.6.2; names compare without regard to case, §5.1.
  if (kind === "header") return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) ? name.toLowerCase() : undefined;
  return name;
}

const isHeaderValue = (value: unknown): boolean => value === "" || isPrintable(value, 8_192);
