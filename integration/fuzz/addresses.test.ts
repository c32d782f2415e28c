import { BlockList, isIPv4, isIPv6 } from "node:net";
import fc from "fast-check";
import { describe, expect } from "vitest";
import { parseOrigin } from "../../src/http/address.ts";
import { AddressPolicy } from "../../src/http/address-policy.ts";
import { fuzzTest, judge } from "./kit.ts";

const policy = new AddressPolicy();

/** Node's own judgement of what must not be reached by default, written apart from the policy's. */
const forbidden = new BlockList();
for (const [net, bits] of [
  ["0.0.0.0", 8],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["224.0.0.0", 4],
  ["255.255.255.255", 32],
] as const)
  forbidden.addSubnet(net, bits, "ipv4");
for (const [net, bits] of [
  ["::", 127],
  ["fe80::", 10],
  ["ff00::", 8],
] as const)
  forbidden.addSubnet(net, bits, "ipv6");

/** An accepted address is one origin that a URL parser reads in the same way, and no forbidden IP address. */
function accepts(address: string) {
  return judge(() => {
    const origin = parseOrigin(address, policy);
    const url = new URL(origin.text);
    expect(url.origin).toBe(origin.text);
    expect([url.username, url.password, url.pathname, url.search, url.hash]).toEqual(["", "", "/", "", ""]);
    expect(new URL(address).origin).toBe(origin.text);
    if (isIPv4(origin.host)) expect(forbidden.check(origin.host, "ipv4"), address).toBe(false);
    if (isIPv6(origin.host)) expect(forbidden.check(origin.host, "ipv6"), address).toBe(false);
    return origin;
  });
}

const scheme = fc.constantFrom("http://", "https://", "HTTP://", "http:/", "//", "ftp://", "http:\\\\", "");
const tail = fc.constantFrom(
  "",
  ":80",
  ":443",
  ":8080",
  ":0",
  ":65536",
  "/",
  "/x",
  "?q",
  "#f",
  ":",
  "@h",
  ".",
  " ",
  "\0",
);

/** One IPv4 address in each of the spellings that some parser somewhere takes for it. */
const spelling: fc.Arbitrary<string> = fc
  .tuple(
    fc.oneof(
      fc.constantFrom(0x7f000001, 0, 0xa9fea9fe, 0xe0000001, 0xffffffff, 0x0a000001),
      fc.integer({ min: 0, max: 0xffffffff }),
    ),
    fc.integer({ min: 0, max: 15 }),
    fc.array(fc.constantFrom("dec", "oct", "hex", "hex0", "full"), { minLength: 4, maxLength: 4 }),
  )
  .map(([ip, form, styles]) => {
    const parts = [ip >>> 24, (ip >>> 16) & 255, (ip >>> 8) & 255, ip & 255];
    const hex = (n: number) => n.toString(16);
    const dotted = parts.join(".");
    const mixed = parts.map((part, at) => styled(part, styles[at] ?? "dec")).join(".");
    const [high, low] = [hex(ip >>> 16), hex(ip & 0xffff)];
    return (
      [
        ...[dotted, mixed, String(ip), `0x${hex(ip)}`, `0${ip.toString(8)}`, `${dotted}.`],
        ...[`${parts[0]}.${ip & 0xffffff}`, `${parts[0]}.${parts[1]}.${ip & 0xffff}`],
        ...[`[::ffff:${dotted}]`, `[::ffff:${high}:${low}]`, `[::${high}:${low}]`, `[64:ff9b::${dotted}]`],
        ...[
          `[2002:${high}:${low}::]`,
          `[::ffff:0:${dotted}]`,
          encodeURIComponent(dotted).replace(/\d/, "%3$&"),
          dotted,
        ],
      ][form] ?? dotted
    );
  });

function styled(part: number, style: string): string {
  if (style === "oct") return `0${part.toString(8)}`;
  if (style === "hex") return `0x${part.toString(16)}`;
  if (style === "hex0") return `0x0000${part.toString(16)}`;
  if (style === "full") return String(part).replace(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit)));
  return String(part);
}

const hostish = fc.string({ unit: fc.constantFrom(..."aZ09.-_:[]%@/\\?#。０ⓛ \t\r\n\0xn--"), maxLength: 24 });

describe("addresses", () => {
  fuzzTest(
    "every spelling of an IP address is that address, or refused",
    200_000,
    fc.tuple(scheme, spelling, tail).map((parts) => parts.join("")),
    accepts,
  );

  fuzzTest(
    "what looks like a host is one to everybody, or refused",
    100_000,
    fc.tuple(scheme, hostish, tail).map((parts) => parts.join("")),
    accepts,
  );

  fuzzTest(
    "any IPv6 address",
    50_000,
    fc.tuple(fc.ipV6(), tail).map(([ip, end]) => `http://[${ip}]${end}`),
    accepts,
  );
});
