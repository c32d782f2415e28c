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
  /** A urlencoded form. */
  readonly body?: Uint8Array;
  readonly checks: readonly Check[];
}

export interface RequestRules {
  /** Where it stands in the profile, for messages. */
  readonly where: string;
  readonly methods: readonly string[];
  /** Headers of the adapter's own. The profile's of the same name win. */
  readonly headers?: HeaderBlock;
  /** Whether the request may carry a urlencoded form as its body. */
  readonly form: boolean;
}

export const requestFields: readonly string[] = ["method", "path", "headers", "query", "form", "checks"];

/** @throws `invalid_profile` */
export function compileRequest(fields: Readonly<Record<string, unknown>>, rules: RequestRules): RequestPlan {
  const { where } = rules;
  const method = fields["method"];
  if (typeof method !== "string" || !rules.methods.includes(method)) {
    throw invalidProfile(`${where}.method`, `must be one of ${rules.methods.join(", ")}`);
  }
  const body = compileForm(fields["form"], method, rules);
  const own = body === undefined ? [] : ["content-type", "application/x-www-form-urlencoded"];
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

function compileForm(form: unknown, method: string, { where, form: permitted }: RequestRules): Uint8Array | undefined {
  if (form === undefined) return undefined;
  if (!permitted) {
    throw invalidProfile(
      `${where}.form`,
      "does not fit: the artifact is the whole body here; a delivery that uploads web forms takes fields",
    );
  }
  if (method === "GET" || method === "HEAD")
    throw invalidProfile(`${where}.form`, `needs a method with a body, not ${method}`);
  const fields = textPairs(form, `${where}.form`).map(([name, text]): [string, string] => [name, text]);
  return Buffer.from(new URLSearchParams(fields).toString());
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
