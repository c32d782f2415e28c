import { Buffer } from "node:buffer";
import type { HeaderBlock } from "../../core/transport.ts";
import { checkHeaders } from "../../http/headers.ts";
import { checkPath } from "../../http/path.ts";
import { type Check, compileChecks } from "./checks.ts";
import { asProfile, invalidProfile, textPairs } from "./profile-rules.ts";

/** One request of a profile, checked and ready to be sent any number of times. */
export interface RequestPlan {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  /** Frozen, so that the transport checks it once. */
  readonly headers: HeaderBlock;
  /** A urlencoded form, or JSON. */
  readonly body?: Uint8Array;
  readonly checks: readonly Check[];
}

export interface RequestRules {
  /** Where it stands in the profile, for messages. */
  readonly where: string;
  readonly methods: readonly string[];
  /** Headers of the adapter's own. The profile's of the same name win. */
  readonly headers?: HeaderBlock;
  /** Whether the request may carry a urlencoded form, or JSON, as its body. */
  readonly form: boolean;
}

export const requestFields: readonly string[] = ["method", "path", "headers", "query", "form", "json", "checks"];

/** @throws `invalid_profile` */
export function compileRequest(fields: Readonly<Record<string, unknown>>, rules: RequestRules): RequestPlan {
  const { where } = rules;
  const method = fields["method"];
  if (typeof method !== "string" || !rules.methods.includes(method)) {
    throw invalidProfile(`${where}.method`, `must be one of ${rules.methods.join(", ")}`);
  }
  const { body, type } = compileBody(fields, method, rules);
  const own = type === undefined ? [] : ["content-type", type];
  return Object.freeze({
    method,
    path: compilePath(fields["path"], fields["query"], where),
    headers: compileHeaders(fields["headers"], [...own, ...(rules.headers ?? [])], `${where}.headers`),
    checks: compileChecks(fields["checks"], `${where}.checks`),
    ...(body !== undefined && { body }),
  });
}

function compilePath(path: unknown, query: unknown, where: string): string {
  if (typeof path !== "string") throw invalidProfile(`${where}.path`, 'must be an absolute path such as "/update"');
  const pairs = textPairs(query, `${where}.query`).map((pair) =>
    pair.map((text) => encodeURIComponent(text.toWellFormed())).join("="),
  );
  const target = pairs.length === 0 ? path : `${path}${path.includes("?") ? "&" : "?"}${pairs.join("&")}`;
  asProfile(`${where}.path`, () => checkPath(target));
  return target;
}

function compileBody(
  { form, json }: Readonly<Record<string, unknown>>,
  method: string,
  { where, form: permitted }: RequestRules,
): { readonly body?: Uint8Array; readonly type?: string } {
  const name = form === undefined ? "json" : "form";
  if (form === undefined && json === undefined) return {};
  if (form !== undefined && json !== undefined) {
    throw invalidProfile(`${where}.json`, "does not go with a form: a request without a file has one body");
  }
  if (!permitted) {
    throw invalidProfile(
      `${where}.${name}`,
      "does not fit: the artifact is the whole body here; a delivery that uploads web forms takes fields",
    );
  }
  if (method === "GET" || method === "HEAD")
    throw invalidProfile(`${where}.${name}`, `needs a method with a body, not ${method}`);
  if (json !== undefined) return { body: Buffer.from(jsonText(json, `${where}.json`)), type: "application/json" };
  const fields = textPairs(form, `${where}.form`).map(([field, text]): [string, string] => [field, text]);
  return { body: Buffer.from(new URLSearchParams(fields).toString()), type: "application/x-www-form-urlencoded" };
}

/** @throws `invalid_profile` for what is not the text of a JSON document */
export function jsonText(value: unknown, where: string): string {
  try {
    if (typeof value === "string") {
      JSON.parse(value);
      return value;
    }
  } catch {
    // Said below; the parser's message would quote the text.
  }
  throw invalidProfile(where, "must be the text of a JSON document");
}

function compileHeaders(headers: unknown, own: HeaderBlock, where: string): HeaderBlock {
  const block: string[] = [];
  for (const [name, value] of textPairs(headers, where)) {
    const lower = name.toLowerCase();
    if (isNamed(block, lower)) throw invalidProfile(where, `names ${JSON.stringify(lower)} twice`);
    block.push(lower, value);
  }
  asProfile(where, () => checkHeaders(block));
  return Object.freeze(withDefaults(block, own));
}

/** Whether a flat block holds `name` (lower case). */
export function isNamed(block: HeaderBlock, name: string): boolean {
  for (let at = 0; at < block.length; at += 2) if (block[at] === name) return true;
  return false;
}

/** `block` and those pairs of `defaults` whose names it does not have. */
export function withDefaults(block: HeaderBlock, defaults: HeaderBlock): string[] {
  const merged = [...block];
  for (let at = 0; at < defaults.length; at += 2) {
    const [name = "", value = ""] = defaults.slice(at, at + 2);
    if (!isNamed(merged, name)) merged.push(name, value);
  }
  return merged;
}
