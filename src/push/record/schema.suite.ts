import { readFileSync } from "node:fs";
import { join } from "node:path";

// Enough of JSON Schema (draft 2020-12) for the schema of records. A word that it does not know is an error, so that no
// part of the schema can pass unread.

interface Schema {
  readonly [word: string]: unknown;
}

const file = join(import.meta.dirname, "../../../docs/delivery-record.schema.json");
export const schema = JSON.parse(readFileSync(file, "utf8")) as Schema;

type Check = (value: unknown, wanted: never, at: string, whole: Schema) => string[];

const typeOf = (value: unknown): string =>
  value === null ? "null" : Array.isArray(value) ? "array" : Number.isInteger(value) ? "integer" : typeof value;

const isObject = (value: unknown): value is Record<string, unknown> => typeOf(value) === "object";

const checks: Readonly<Record<string, Check>> = {
  $schema: () => [],
  $id: () => [],
  $defs: () => [],
  title: () => [],
  description: () => [],
  $ref: (value, wanted: string, at) =>
    flaws(value, (schema["$defs"] as Record<string, Schema>)[wanted.replace("#/$defs/", "")] as Schema, at),
  type: (value, wanted: string, at) => {
    const seen = typeOf(value);
    return seen === wanted || (wanted === "number" && seen === "integer") ? [] : [`${at} is ${seen}, not ${wanted}`];
  },
  const: (value, wanted: unknown, at) => (value === wanted ? [] : [`${at} is not ${wanted}`]),
  enum: (value, wanted: readonly unknown[], at) => (wanted.includes(value) ? [] : [`${at} is none of ${wanted}`]),
  pattern: (value, wanted: string, at) =>
    typeof value === "string" && !new RegExp(wanted, "u").test(value) ? [`${at} does not match ${wanted}`] : [],
  minLength: (value, wanted: number, at) =>
    typeof value === "string" && value.length < wanted ? [`${at} is too short`] : [],
  minimum: (value, wanted: number, at) => (typeof value === "number" && value < wanted ? [`${at} is too small`] : []),
  required: (value, wanted: readonly string[], at) =>
    isObject(value)
      ? wanted.filter((name) => !Object.hasOwn(value, name)).map((name) => `${at}.${name} is missing`)
      : [],
  properties: (value, wanted: Record<string, Schema>, at) =>
    isObject(value)
      ? Object.entries(wanted).flatMap(([name, inner]) =>
          Object.hasOwn(value, name) ? flaws(value[name], inner, `${at}.${name}`) : [],
        )
      : [],
  additionalProperties: (value, wanted: boolean, at, whole) =>
    wanted === false && isObject(value)
      ? Object.keys(value)
          .filter((name) => !Object.hasOwn(whole["properties"] as object, name))
          .map((name) => `${at}.${name} is not in the schema`)
      : [],
  items: (value, wanted: Schema, at) =>
    Array.isArray(value) ? value.flatMap((item, i) => flaws(item, wanted, `${at}[${i}]`)) : [],
};

/** Where a value does not keep to the schema. Empty: it does. */
export function flaws(value: unknown, part: Schema = schema, at = "record"): string[] {
  return Object.entries(part).flatMap(([word, wanted]) => {
    const check = Object.hasOwn(checks, word) ? checks[word] : undefined;
    if (check === undefined) throw new Error(`the schema has a word that is not read: ${word}`);
    return check(value, wanted as never, at, part);
  });
}
