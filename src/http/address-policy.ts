import { BlockList, isIP, isIPv4 } from "node:net";
import { FlashwaveError } from "../core/errors.ts";
import { embeddedIPv4 } from "./ipv6.ts";

/** Which addresses may be connected to. Lists of CIDR blocks (`10.0.0.0/8`, `fd00::/8`) or single IP addresses. */
export interface AddressPolicyOptions {
  /** Lifts the default denial of loopback, link-local, unspecified, multicast and broadcast addresses. */
  readonly permit?: readonly string[];
  /** When given, nothing outside these is connected to. It narrows only: it does not lift the default denial. */
  readonly only?: readonly string[];
  /** Never connected to, whatever the other lists say. */
  readonly deny?: readonly string[];
}

/** Denied unless permitted: addresses that name this machine, this link or many machines, never one device. */
const special: readonly (readonly [kind: string, list: BlockList, cidr: string])[] = [
  ["loopback", "127.0.0.0/8", "::1/128"],
  ["link-local", "169.254.0.0/16", "fe80::/10"],
  ["unspecified", "0.0.0.0/8", "::/128"],
  ["multicast", "224.0.0.0/4", "ff00::/8"],
  ["broadcast", "255.255.255.255/32"],
].map(([kind = "", ...blocks]) => [kind, blockList(blocks), blocks.join('", "')]);

/** A verdict on addresses, fixed when the transport is made. Stateless, so any number of lookups may ask at once. */
export class AddressPolicy {
  readonly #permit: BlockList;
  readonly #only: BlockList | undefined;
  readonly #deny: BlockList;

  constructor(options: AddressPolicyOptions = {}) {
    this.#permit = blockList(options.permit ?? [], "addressPolicy.permit");
    this.#only = options.only === undefined ? undefined : blockList(options.only, "addressPolicy.only");
    this.#deny = blockList(options.deny ?? [], "addressPolicy.deny");
  }

  /** Nothing when `ip` may be connected to, otherwise why not and what to do, as the end of a sentence. */
  objection(ip: string): string | undefined {
    // An IPv6 address that a gateway or the kernel turns into an IPv4 one is both.
    const v4 = isIPv4(ip) ? undefined : embeddedIPv4(ip);
    const forms = v4 === undefined ? [ip] : [ip, v4];
    if (forms.some((form) => has(this.#deny, form))) return "it is on the deny list of the address policy";
    if (this.#only !== undefined && !forms.some((form) => has(this.#only as BlockList, form))) {
      return 'it is outside the address policy\'s "only" list; add its network there';
    }
    if (forms.some((form) => has(this.#permit, form))) return undefined;
    for (const [kind, list, cidrs] of special) {
      if (forms.some((form) => has(list, form))) {
        return `it is a ${kind} address; to allow it, add addressPolicy: { permit: ["${cidrs}"] }`;
      }
    }
    return undefined;
  }

  /** @throws `address_denied` */
  check(ip: string, host: string): void {
    const objection = this.objection(ip);
    if (objection !== undefined) throw denied(host, ip, objection);
  }
}

export function denied(host: string, ip: string, objection: string): FlashwaveError {
  const shown = host === ip ? ip : `${host} (${ip})`;
  return new FlashwaveError("address_denied", `No connection to ${shown}: ${objection}.`, { phase: "connect" });
}

function has(list: BlockList, ip: string): boolean {
  return list.check(ip, isIPv4(ip) ? "ipv4" : "ipv6");
}

function blockList(cidrs: readonly string[], option = ""): BlockList {
  const list = new BlockList();
  if (!Array.isArray(cidrs)) throw invalid(option);
  for (const cidr of cidrs) {
    const [, ip = "", prefix] = /^([\dA-Fa-f.:]+)(?:\/(\d{1,3}))?$/.exec(String(cidr)) ?? [];
    const family = isIP(ip);
    const longest = family === 4 ? 32 : 128;
    const bits = prefix === undefined ? longest : Number(prefix);
    if (family === 0 || bits > longest) throw invalid(option, cidr);
    list.addSubnet(ip, bits, family === 4 ? "ipv4" : "ipv6");
  }
  return list;
}

function invalid(option: string, cidr?: unknown): FlashwaveError {
  const what = cidr === undefined ? "a list" : `a list of CIDR blocks; ${JSON.stringify(cidr)} is none`;
  return new FlashwaveError("invalid_option", `${option} must be ${what}, such as ["10.0.0.0/8", "fd00::/8"].`, {
    phase: "prepare",
  });
}
