/*
 * A table of strings by their bytes.
 *
 *     bytes ──hash──▶ slot ──▶ string       same length and same characters: hand out that string, allocate nothing
 *                                           otherwise: make the string and let it take the slot
 *
 * Header names and most of their values repeat from device to device; what is kept of a hundred thousand answers then
 * shares its strings. The table has a fixed number of slots and keeps short strings only, so a hostile device can
 * displace what others left, never make the table grow.
 */
const slots = 1024;
const longest = 64;

export class InternTable {
  readonly #strings: (string | undefined)[] = new Array(slots).fill(undefined);

  /** The bytes as Latin-1, lower-cased where `lower` is given. */
  get(bytes: Uint8Array, lower: boolean): string {
    if (bytes.length > longest) return text(bytes, lower);
    const slot = hash(bytes, lower);
    const known = this.#strings[slot];
    if (known !== undefined && same(known, bytes, lower)) return known;
    const fresh = text(bytes, lower);
    this.#strings[slot] = fresh;
    return fresh;
  }
}

/** Whether `bytes` are the Latin-1 characters of `known`; upper-case letters count as lower-case ones with `lower`. */
export function same(known: string, bytes: Uint8Array, lower: boolean): boolean {
  if (known.length !== bytes.length) return false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number;
    if (known.charCodeAt(i) !== (lower ? lowered(byte) : byte)) return false;
  }
  return true;
}

/** FNV-1a, folded to a slot. */
function hash(bytes: Uint8Array, lower: boolean): number {
  let h = 0x811c9dc5 | 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number;
    h = Math.imul(h ^ (lower ? lowered(byte) : byte), 0x01000193);
  }
  return ((h >>> 16) ^ h) & (slots - 1);
}

function lowered(byte: number): number {
  return byte >= 65 && byte <= 90 ? byte + 32 : byte;
}

function text(bytes: Uint8Array, lower: boolean): string {
  const latin1 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
  return lower ? latin1.toLowerCase() : latin1;
}
