/** What of a representation a GET asks for: bytes `[start, end)`, or that no byte of it can be given. */
export type Selection =
  | { readonly kind: "whole" }
  | { readonly kind: "part"; readonly start: number; readonly end: number }
  | { readonly kind: "unsatisfiable" };

const whole: Selection = Object.freeze({ kind: "whole" });
const unsatisfiable: Selection = Object.freeze({ kind: "unsatisfiable" });

/** More ranges than this are no download but an attack or a mistake (RFC 9110 §14.2). */
const mostRanges = 16;

/**
 * Pure: reads a `Range` field (RFC 9110 §14.2). A unit we do not know and a field that is no ranges-specifier are
 * ignored, as §14.2 says. Several ranges that make one stretch together are that stretch; what would need a multipart
 * answer is given whole, which §14.2 permits and every client must be ready for.
 *
 * @param range the field, on a GET
 * @param ifRange the `If-Range` field: only our own strong tag, compared byte by byte, makes a range count (§13.1.5)
 */
export function selectRange(
  range: string | undefined,
  ifRange: string | undefined,
  etag: string,
  length: number,
): Selection {
  if (range === undefined || (ifRange !== undefined && ifRange !== etag)) return whole;
  const [, list] = /^bytes=(.*)$/i.exec(range) ?? [];
  if (list === undefined) return whole;
  const specs = list.split(",").map((spec) => spec.replace(/^[ \t]+|[ \t]+$/g, ""));
  // An empty list element is let pass (§5.6.1.2).
  const named = specs.filter((spec) => spec !== "");
  if (named.length === 0 || named.length > mostRanges) return whole;
  const parts: { start: number; end: number }[] = [];
  for (const spec of named) {
    const part = readSpec(spec, length);
    if (part === undefined) return whole;
    if (part.start < part.end) parts.push(part);
  }
  return joined(parts);
}

/** One range-spec; empty when it lies outside, nothing when it is none (§14.1.1). */
function readSpec(spec: string, length: number): { readonly start: number; readonly end: number } | undefined {
  const [, first, last] = /^(\d*)-(\d*)$/.exec(spec) ?? [];
  if (first === undefined || last === undefined || first + last === "") return undefined;
  // §14.1.2: a suffix longer than the representation is all of it.
  if (first === "") return { start: Math.max(0, length - Number(last)), end: length };
  const start = Number(first);
  const end = last === "" ? length : Math.min(length, Number(last) + 1);
  if (last !== "" && Number(last) < start) return undefined;
  return { start: Math.min(start, end), end };
}

function joined(parts: { start: number; end: number }[]): Selection {
  const [first, ...rest] = parts.sort((a, b) => a.start - b.start);
  if (first === undefined) return unsatisfiable;
  let { end } = first;
  for (const part of rest) {
    if (part.start > end) return whole;
    end = Math.max(end, part.end);
  }
  return { kind: "part", start: first.start, end };
}
