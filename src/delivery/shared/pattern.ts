import { type Context, createContext, Script } from "node:vm";

/** Milliseconds that one match may take before it is given up. */
const matchTimeout = 100;
const maxPattern = 1024;

/** Compiles a regular expression with at least one group; `problem` says what is wrong with it. */
export function compilePattern(source: string): { readonly pattern: RegExp } | { readonly problem: string } {
  if (source.length > maxPattern) return { problem: `is longer than ${maxPattern} characters` };
  try {
    // An empty alternative always matches, and its result has one entry per group.
    if (new RegExp(`${source}|`).exec("")?.length === 1) return { problem: "has no group: put the version in ( )" };
    return { pattern: new RegExp(source) };
  } catch {
    return { problem: "is not a regular expression" };
  }
}

const matching = new Script("match()");
let box: Context | undefined;

/**
 * The first group of `pattern` in `text`; `tooSlow` when the match was given up.
 *
 * Backtracking can take exponential time on text that a device chose, and no check of the pattern's form tells the
 * dangerous from the usual (`v(\d+(?:\.\d+)+)` nests quantifiers and is harmless). So the time is bounded instead:
 * V8 interrupts a regular expression run under `vm`'s timeout. It costs 0.15 ms, only where a profile has a pattern.
 */
export function firstGroup(pattern: RegExp, text: string): { readonly group?: string; readonly tooSlow?: true } {
  box ??= createContext(Object.assign(Object.create(null), { match: undefined }));
  box["match"] = () => pattern.exec(text)?.[1];
  try {
    const group: unknown = matching.runInContext(box, { timeout: matchTimeout });
    return typeof group === "string" ? { group } : {};
  } catch {
    return { tooSlow: true };
  } finally {
    box["match"] = undefined;
  }
}
