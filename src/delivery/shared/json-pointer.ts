import { type JsonValue, maxJsonDepth } from "./json.ts";

/** A compiled JSON pointer: its reference tokens, unescaped. */
export type Pointer = readonly string[];

const syntax = /^(?:\/(?:[^~/]|~[01])*)*$/;
const arrayIndex = /^(?:0|[1-9]\d*)$/;

/** Compiles an RFC 6901 pointer; nothing when it is not one, or reaches deeper than any answer that is read. */
export function compilePointer(text: string): Pointer | undefined {
  if (text.length > 1024 || !syntax.test(text)) return undefined;
  // RFC 6901 §4: first ~1, then ~0, so that ~01 becomes ~1
  const tokens = text
    .split("/")
    .slice(1)
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
  return tokens.length > maxJsonDepth ? undefined : Object.freeze(tokens);
}

/** The value a pointer names, or nothing. Looks at own properties alone. */
export function readPointer(value: JsonValue, pointer: Pointer): JsonValue | undefined {
  let at: JsonValue | undefined = value;
  for (const token of pointer) {
    if (typeof at !== "object" || at === null) return undefined;
    if (Array.isArray(at)) at = arrayIndex.test(token) ? at[Number(token)] : undefined;
    else at = Object.hasOwn(at, token) ? (at as { readonly [name: string]: JsonValue })[token] : undefined;
  }
  return at;
}
