export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

/** Most bytes and levels of a JSON answer that are looked at. */
export const maxJsonBytes = 65_536;
export const maxJsonDepth = 32;

export type JsonReading = { readonly value: JsonValue } | { readonly problem: string };

const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Reads a device's JSON answer: UTF-8, at most 64 KiB and 32 levels deep. `problem` says in our words what is wrong.
 *
 * `JSON.parse` gives `__proto__` as an own property, so nothing is polluted as long as values are looked up as own
 * properties and never copied by name: `readPointer` is the only way in.
 */
export function readJson(body: Uint8Array): JsonReading {
  if (body.byteLength === 0) return { problem: "has no body" };
  if (body.byteLength > maxJsonBytes) return { problem: `is longer than ${maxJsonBytes} bytes` };
  if (depth(body) > maxJsonDepth) return { problem: `is nested more than ${maxJsonDepth} levels deep` };
  try {
    return { value: JSON.parse(utf8.decode(body)) as JsonValue };
  } catch {
    return { problem: "is not JSON" };
  }
}

const quote = 0x22;
const backslash = 0x5c;

/** The deepest nesting of brackets outside strings, counted before anything is built from it. */
function depth(body: Uint8Array): number {
  let open = 0;
  let deepest = 0;
  let inString = false;
  for (let at = 0; at < body.byteLength; at++) {
    const byte = body[at];
    if (byte === quote) inString = !inString;
    else if (inString) {
      if (byte === backslash) at++;
    } else if (byte === 0x5b || byte === 0x7b) deepest = Math.max(deepest, ++open);
    else if (byte === 0x5d || byte === 0x7d) open--;
  }
  return deepest;
}
