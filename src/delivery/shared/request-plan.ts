import { Buffer } from "node:buffer";
import type { HeaderBlock } from "../../core/transport.ts";
import { type Check, compileChecks } from "./checks.ts";
import { invalidProfile, textPairs } from "./profile-rules.ts";

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

// RFC 3986 pchar, "/" and "?": what may stand in a request target. Two leading slashes would name another host.
const target = /^\/(?!\/)(?:[\w\-.~!$&'()*+,;=:@/?]|%[\da-f]{2})*$/i;
const dotSegment = /\/(?:\.|%2e){1,2}(?:[/?]|$)/i;

function compilePath(path: unknown, query: unknown, where: string): string {
  if (typeof path !== "string" || path.length > 2048 || !target.test(path) || dotSegment.test(path)) {
    throw invalidProfile(
      `${where}.path`,
      'must be an absolute path such as "/update", percent-encoded, without "." segments',
    );
  }
  const pairs = textPairs(query, `${where}.query`).map((pair) =>
    pair.map((text) => encodeURIComponent(text.toWellFormed())).join("="),
  );
  return pairs.length === 0 ? path : `${path}${path.includes("?") ? "&" : "?"}${pairs.join("&")}`;
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

const token = /^[!#$%&'*+\-.^_`|~\w]+$/;
const fieldValue = /^(?:[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?)?$/;
/** What frames a message belongs to the transport alone (RFC 9110 §7.6.1, RFC 9112 §6). */
const reserved: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

function compileHeaders(headers: unknown, own: HeaderBlock, where: string): HeaderBlock {
  const block: string[] = [];
  for (const [name, value] of textPairs(headers, where)) {
    const lower = name.toLowerCase();
    const at = `${where}[${JSON.stringify(name)}]`;
    if (!token.test(name)) throw invalidProfile(at, "is not a header name");
    if (reserved.has(lower)) throw invalidProfile(at, "is set by the transport; leave it out");
    if (!fieldValue.test(value)) throw invalidProfile(at, "must be printable ASCII without spaces around it");
    if (isNamed(block, lower)) throw invalidProfile(at, "is named twice");
    block.push(lower, value);
  }
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
