/** What is wrong with one field of a row, in words that hold nothing of its value. */
export class Refusal<Result extends string> {
  readonly result: Result;
  readonly reason: string;

  constructor(result: Result, reason: string) {
    this.result = result;
    this.reason = reason;
  }
}

const unprintable = /[\p{C}\p{Zl}\p{Zp}]/u;
// As above, but for tab, line feed and carriage return, and for what joins letters and emoji.
const uncontrolled = /^(?:[^\p{C}]|[\t\n\r\u200C\u200D])*$/u;

/** 1 to `most` characters, none of them a control, a format mark, a line separator or half a surrogate pair. */
export function isPrintable(value: unknown, most: number): value is string {
  return typeof value === "string" && value.length > 0 && isShort(value, most) && !unprintable.test(value);
}

/** Any text up to `most` characters that a store and a terminal can hold. */
export function isText(value: unknown, most: number): value is string {
  return typeof value === "string" && isShort(value, most) && uncontrolled.test(value);
}

// Characters are code points; only a string longer than `most` code units needs counting, and it has at most twice as many.
function isShort(value: string, most: number): boolean {
  return value.length <= most || (value.length <= 2 * most && [...value].length <= most);
}

/** The names of a type's fields, all of them: the compiler asks for each. */
export const namesOf = <T>(all: { readonly [Name in keyof T]-?: true }): readonly string[] => Object.keys(all);

/** What is wrong with an object that has a field other than these, after the object's own name; a typing error must not pass for nothing. */
export function strangeField(value: object, names: readonly string[]): string | undefined {
  const other = Object.keys(value).find((name) => !names.includes(name));
  if (other === undefined) return undefined;
  return `must not have ${JSON.stringify(other.slice(0, 64))}; it knows ${names.join(", ")}`;
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Names that would reach a prototype when a careless reader copies the object. */
export const isReservedName = (name: string): boolean => name === "__proto__";

/** How deep and how large (JSON, in code units) a value may be. */
export interface PlainBounds {
  readonly depth: number;
  readonly size: number;
}

/**
 * A frozen deep copy of a JSON value; undefined members are left out. Nothing when it is not plain JSON: a function, a
 * cycle, a class's object, a number that is not finite, a name that reaches a prototype, or more than the bounds allow.
 */
export function copyPlain(value: unknown, bounds: PlainBounds): unknown {
  const budget = { left: bounds.size };
  return copy(value, bounds.depth, budget);
}

function copy(value: unknown, depth: number, budget: { left: number }): unknown {
  budget.left -= typeof value === "string" ? value.length + 3 : 5;
  if (budget.left < 0 || depth < 0) return undefined;
  if (typeof value === "string") return value.isWellFormed() && !value.includes("\0") ? value : undefined;
  if (value === null || typeof value === "boolean") return value;
  if (typeof value === "number") return Number.isFinite(value) ? value : undefined;
  if (Array.isArray(value)) return copyArray(value, depth, budget);
  return typeof value === "object" ? copyObject(value, depth, budget) : undefined;
}

function copyArray(values: readonly unknown[], depth: number, budget: { left: number }): unknown {
  const copies: unknown[] = [];
  for (const value of values) {
    const member = copy(value, depth - 1, budget);
    if (member === undefined) return undefined;
    copies.push(member);
  }
  return Object.freeze(copies);
}

function copyObject(value: object, depth: number, budget: { left: number }): unknown {
  const prototype: unknown = Object.getPrototypeOf(value);
  // Plain in any realm: made by a literal, by JSON.parse or by Object.create(null).
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) return undefined;
  const entries: [string, unknown][] = [];
  for (const [name, member] of Object.entries(value)) {
    if (member === undefined) continue;
    budget.left -= name.length + 4;
    const copied = isReservedName(name) || !name.isWellFormed() ? undefined : copy(member, depth - 1, budget);
    if (copied === undefined) return undefined;
    entries.push([name, copied]);
  }
  return Object.freeze(Object.fromEntries(entries));
}
