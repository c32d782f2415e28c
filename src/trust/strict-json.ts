/** Most bytes and levels of a document that are looked at. */
export const maxDocumentBytes = 65_536;
const maxDepth = 8;

/** An object of a document: without a prototype, so that a name looked up is a name that stands there. */
export type JsonObject = Readonly<Record<string, unknown>>;

export type StrictReading = { readonly value: unknown } | { readonly problem: string };

// A byte order mark stays, so that JSON.parse refuses it: the bytes that were signed are the bytes that are read.
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
// A string that does not end is taken to the end: to look for another one in it would take quadratic time.
const tokens = /"(?:[^"\\]|\\.|\\$)*(?:"|$)|[{}[\],]/gs;
const whole = /^(?:0|[1-9]\d{0,15})$/;

/**
 * Reads a document that somebody signed: UTF-8 without a mark, at most 64 KiB and 8 levels deep, no name twice in one
 * object (parsers differ in which of the two they take), numbers whole, not negative and exact. `problem` says what is
 * wrong.
 */
export function readStrictJson(bytes: Uint8Array): StrictReading {
  if (bytes.byteLength > maxDocumentBytes) return { problem: `is longer than ${maxDocumentBytes} bytes` };
  try {
    const text = utf8.decode(bytes);
    const problem = scan(text);
    return problem === undefined ? { value: JSON.parse(text, revive) } : { problem };
  } catch (error) {
    return { problem: error instanceof InexactNumber ? "holds a number that is not whole and exact" : "is not JSON" };
  }
}

/** Depth and doubled names. A text that is no JSON may pass here: it does not pass JSON.parse. */
function scan(text: string): string | undefined {
  const open: (Set<string> | undefined)[] = [];
  let before = "";
  for (const [token] of text.matchAll(tokens)) {
    if (token === "{" || token === "[") {
      if (open.push(token === "{" ? new Set() : undefined) > maxDepth)
        return `is nested more than ${maxDepth} levels deep`;
    } else if (token === "}" || token === "]") open.pop();
    else if (token !== "," && (before === "{" || before === ",")) {
      const names = open.at(-1);
      // "a" and "\u0061" are the same name.
      const name: string = JSON.parse(token);
      if (names?.has(name)) return `has the name ${quoted(name)} twice`;
      names?.add(name);
    }
    before = token;
  }
  return undefined;
}

class InexactNumber extends Error {}

function revive(_: string, value: unknown, { source }: { readonly source?: string } = {}): unknown {
  if (typeof value === "number" && !(source !== undefined && whole.test(source) && Number.isSafeInteger(value))) {
    throw new InexactNumber();
  }
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject ? Object.assign(Object.create(null), value) : value;
}

/** A name from a document, short and harmless in a message. */
export function quoted(name: string): string {
  return JSON.stringify(name.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, "").slice(0, 40));
}
