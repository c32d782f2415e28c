import { FlashwaveError } from "../core/errors.ts";
import { type JsonObject, quoted, readStrictJson } from "./strict-json.ts";

/** What one field of a document may hold. */
export interface Field {
  readonly wanted: string;
  readonly optional?: boolean;
  accepts(value: unknown): boolean;
}

export type Shape<T> = { readonly [Name in keyof Required<T>]: Field };

/** A kind of document. Its schema is a field of its own, so that what was signed as one kind never passes for another. */
export interface DocumentKind<T> {
  readonly what: string;
  readonly code: "invalid_manifest" | "invalid_approval";
  readonly shape: Shape<T>;
}

/** Reads the exact bytes; no name more, none less, each as its grammar says. Frozen, without prototypes. */
export function readDocument<T>(kind: DocumentKind<T>, bytes: Uint8Array): T {
  const reading = readStrictJson(bytes);
  if ("problem" in reading) throw invalid(kind, reading.problem);
  return checkDocument(kind, reading.value);
}

/** @throws `invalid_manifest` or `invalid_approval` */
export function checkDocument<T>(kind: DocumentKind<T>, value: unknown): T {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw invalid(kind, "is not an object");
  const fields = value as JsonObject;
  const shape: Readonly<Record<string, Field>> = kind.shape;
  for (const name of Object.keys(fields)) {
    if (!Object.hasOwn(shape, name)) throw invalid(kind, `has a field ${quoted(name)}, which it does not know`);
  }
  for (const [name, { wanted, optional, accepts }] of Object.entries(shape)) {
    const given = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (given === undefined && optional) continue;
    if (given === undefined) throw invalid(kind, `has no ${name}`);
    if (!accepts(given)) throw invalid(kind, `holds as ${name} what is not ${wanted}`);
    if (Array.isArray(given)) Object.freeze(given);
  }
  return Object.freeze(fields) as T;
}

/** As it is written and signed: two spaces, a line break at the end, fields in the order of the shape. */
export function writeDocument<T extends object>(kind: DocumentKind<T>, value: T): Uint8Array {
  const checked = checkDocument(kind, { ...value });
  const ordered = Object.keys(kind.shape).map((name) => [name, checked[name as keyof T]]);
  const bytes = Buffer.from(`${JSON.stringify(Object.fromEntries(ordered), undefined, 2)}\n`);
  readDocument(kind, bytes);
  return bytes;
}

function invalid({ what, code }: Pick<DocumentKind<unknown>, "what" | "code">, problem: string): FlashwaveError {
  return new FlashwaveError(code, `The ${what} ${problem}. Get it anew from whoever signed it.`, {
    phase: "admission",
  });
}

// Controls, invisible format characters (bidi among them), lone surrogates and line separators.
const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

export const isText = (value: unknown): value is string =>
  typeof value === "string" && value.length >= 1 && value.length <= 256 && !unprintable.test(value);

const isList = (value: unknown, most: number): boolean =>
  Array.isArray(value) &&
  value.length >= 1 &&
  value.length <= most &&
  value.every(isText) &&
  new Set(value).size === value.length;

const isWhole = (value: unknown, least: number): boolean => Number.isSafeInteger(value) && (value as number) >= least;

/** RFC 3339 in one spelling alone: seconds, UTC, and a day that there is. */
export function isTime(value: unknown): value is string {
  if (typeof value !== "string" || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(value)) return false;
  const ms = Date.parse(value);
  return Number.isFinite(ms) && timeOf(ms) === value;
}

/** Epoch milliseconds in the spelling of a document, whole seconds. */
export const timeOf = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

export const text: Field = { wanted: "text of 1 to 256 printable characters", accepts: isText };
export const digest: Field = {
  wanted: "a SHA-256 of 64 lower-case hexadecimal digits",
  accepts: (value) => typeof value === "string" && /^[0-9a-f]{64}$/.test(value),
};
export const time: Field = { wanted: "a time such as 2027-01-31T00:00:00Z", accepts: isTime };
export const wholeFrom = (least: number): Field => ({
  wanted: `a whole number, ${least} or more`,
  accepts: (value) => isWhole(value, least),
});
export const listOf = (what: string, most: number): Field => ({
  wanted: `a list of 1 to ${most} different ${what}`,
  accepts: (value) => isList(value, most),
});
export const literal = (wanted: string): Field => ({
  wanted: JSON.stringify(wanted),
  accepts: (value) => value === wanted,
});
export const optional = (field: Field): Field => ({ ...field, optional: true });
