import { isIPv6 } from "node:net";

/**
 * The IPv4 address that a kernel or a gateway makes of an IPv6 one, if any: IPv4-mapped (RFC 4291 §2.5.5.2),
 * IPv4-compatible (§2.5.5.1), IPv4-translated (RFC 2765 §2.1), NAT64 (RFC 6052 §2.1, RFC 8215) and 6to4 (RFC 3056 §2).
 */
export function embeddedIPv4(ip: string): string | undefined {
  const groups = ipv6Groups(ip);
  if (groups === undefined) return undefined;
  const [a, b, c, d, e, f, g, h] = groups as [number, number, number, number, number, number, number, number];
  if (a === 0x2002) return dotted(b, c);
  const nat64 = a === 0x64 && b === 0xff9b && (c === 1 || (c === 0 && d === 0 && e === 0 && f === 0));
  if (nat64) return dotted(g, h);
  if (a !== 0 || b !== 0 || c !== 0 || d !== 0) return undefined;
  const mapped = e === 0 && f === 0xffff;
  const translated = e === 0xffff && f === 0;
  const compatible = e === 0 && f === 0 && (g !== 0 || h > 1);
  return mapped || translated || compatible ? dotted(g, h) : undefined;
}

function dotted(high: number, low: number): string {
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}

/** The eight groups of an IPv6 address in any of its spellings (RFC 4291 §2.2). */
function ipv6Groups(ip: string): number[] | undefined {
  if (!isIPv6(ip) || ip.includes("%")) return undefined;
  // A dotted tail is two groups.
  const plain = ip.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, w, x, y, z) => {
    return `${((Number(w) << 8) | Number(x)).toString(16)}:${((Number(y) << 8) | Number(z)).toString(16)}`;
  });
  const [head = "", tail] = plain.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros: string[] = new Array(8 - left.length - right.length).fill("0");
  return [...left, ...zeros, ...right].map((group) => Number.parseInt(group, 16));
}
