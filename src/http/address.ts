import { isIP, isIPv4, isIPv6 } from "node:net";
import { FlashwaveError } from "../core/errors.ts";
import type { AddressPolicy } from "./address-policy.ts";

/** One origin, taken apart. Ports are explicit nowhere where they are the scheme's own. */
export interface Origin {
  /** `http://host[:port]`, canonical: lower case, no default port, IPv6 compressed. */
  readonly text: string;
  readonly secure: boolean;
  /** Without brackets. */
  readonly host: string;
  /** Whether `host` is an IP address and not a name. */
  readonly literal: boolean;
}

/**
 * Only what is meant by everybody in the same way: no credentials, path, query, fragment, zone id, escape, white
 * space, backslash or character beyond ASCII. A lone slash at the end is the same origin and is let pass.
 */
const shape = /^(https?):\/\/(\[[\dA-Fa-f:.]{2,45}\]|[\w.-]{1,253})(?::([1-9]\d{0,4}))?\/?$/i;

/** RFC 1123 §2.1, and the underscore that many embedded devices announce themselves with. */
const label = /^(?!-)[\w-]{1,63}(?<!-)$/;

/**
 * Reads an address strictly. What a URL parser would quietly turn into another host (decimal, octal, hexadecimal or
 * short IPv4, full-width digits, a trailing dot) is refused instead.
 * @throws `invalid_address`, or `address_denied` for an IP address that the policy denies
 */
export function parseOrigin(address: string, policy: AddressPolicy): Origin {
  const [, scheme, authority, port] = (typeof address === "string" && shape.exec(address)) || [];
  if (scheme === undefined || authority === undefined || Number(port ?? 1) > 65_535) throw invalid(address);
  const literal = checkHost(authority, address);
  const url = URL.parse(`${scheme}://${authority}:${port ?? ""}`);
  // A name stays as it was written; only bad punycode fails or changes here.
  if (url === null || (!literal && url.hostname !== authority.toLowerCase())) throw invalid(address);
  const { origin, hostname, protocol } = url;
  const host = hostname.startsWith("[") ? hostname.slice(1, -1) : hostname;
  if (literal) policy.check(host, host);
  return { text: origin, secure: protocol === "https:", host, literal };
}

/** True for an IP address, false for a name. */
function checkHost(authority: string, address: string): boolean {
  if (authority.startsWith("[")) {
    if (!isIPv6(authority.slice(1, -1))) throw invalid(address);
    return true;
  }
  if (isIPv4(authority)) return true;
  const labels = authority.split(".");
  // WHATWG URL §3.5 "ends in a number": such a host is an IPv4 address to some and a name to others.
  const numeric = /^(?:\d+|0x[\da-f]*)$/i.test(labels.at(-1) ?? "");
  if (numeric || !labels.every((part) => label.test(part)) || isIP(authority) !== 0) throw invalid(address);
  return false;
}

function invalid(address: unknown): FlashwaveError {
  return new FlashwaveError("invalid_address", `${shown(address)} is not the address of a device${hint(address)}.`, {
    phase: "prepare",
  });
}

/** Never with secrets: what stands before an "@" or in a query is not repeated. */
function shown(address: unknown): string {
  if (typeof address !== "string") return `A value of type ${typeof address}`;
  const bare = address.replace(/^([a-z][a-z\d+.-]*:\/\/)?.*@/is, "$1…@").replace(/[?#].+/s, "?…");
  return JSON.stringify(bare.slice(0, 128));
}

function hint(address: unknown): string {
  const text = String(address);
  if (!/^https?:\/\//i.test(text)) return ": it must start with http:// or https://";
  if (text.includes("@")) return ": leave the credentials out of it and give them to the client";
  if (/^[^/]*\/\/[^/]*[/?#]./.test(text)) return ": give scheme, host and port alone; paths belong in a profile";
  return ": write http://host or https://host:port, an IPv4 host in four decimal parts";
}
