import type { DeliveryOptions } from "../core/index.ts";
import { type LimitedFlag, limits, rangeOf } from "./limits.ts";
import { printable } from "./text.ts";
import { UsageError } from "./usage-error.ts";

const durations: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const multiples: Readonly<Record<string, number>> = { "": 1, K: 1e3, M: 1e6, G: 1e9 };

/** Milliseconds, within the flag's limits. */
export function durationOf(flag: LimitedFlag, text: string): number {
  const ms = msOf(text);
  if (ms === undefined)
    throw new UsageError(`${flag} takes a duration such as 500ms, 30s, 15m or 1h, not ${JSON.stringify(text)}.`);
  const [least, most] = limits[flag];
  if (ms < (msOf(least) ?? 0) || ms > (msOf(most) ?? 0))
    throw new UsageError(`${flag} takes ${rangeOf(flag)}, not ${JSON.stringify(text)}.`);
  return ms;
}

function msOf(text: string): number | undefined {
  const [, number, unit = ""] = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h)$/.exec(text) ?? [];
  const factor = durations[unit];
  return number === undefined || factor === undefined ? undefined : Math.round(Number(number) * factor);
}

/** Bytes per second. */
export function rateOf(flag: string, text: string): number {
  const [, number, unit = ""] = /^(\d{1,12}(?:\.\d{1,3})?)([KMG]?)$/i.exec(text) ?? [];
  const factor = multiples[unit.toUpperCase()];
  if (number === undefined || factor === undefined || Number(number) === 0)
    throw new UsageError(`${flag} takes bytes per second such as 500K, 2M or 1G, not ${JSON.stringify(text)}.`);
  return Number(number) * factor;
}

export function countOf(flag: LimitedFlag, text: string): number {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  const [least, most] = limits[flag];
  if (count < Number(least) || count > Number(most))
    throw new UsageError(`${flag} takes a whole number from ${rangeOf(flag)}, not ${JSON.stringify(text)}.`);
  return count;
}

export function portOf(flag: string, text: string | undefined, least: 0 | 1): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,5}$/.test(text) && Number(text) >= least && Number(text) <= 65_535) return Number(text);
  throw new UsageError(`${flag} takes a port from ${least} to 65535, not ${JSON.stringify(printable(text))}.`);
}

/**
 * `name=value` by name. `true` and `false` are what they say; a number is one where it reads as it is written (`10`, not
 * `010` or `1.10`); all else is text, and so is what stands in double quotes. Values are not shown: they may be secrets.
 */
export function deliveryOptionsOf(entries: readonly string[]): DeliveryOptions {
  const options = new Map<string, DeliveryOptions[string]>();
  for (const [index, entry] of entries.entries()) {
    const equals = entry.indexOf("=");
    const name = entry.slice(0, equals).trim();
    if (equals < 0 || name === "") throw new UsageError(`--option number ${index + 1} is not of the form name=value.`);
    if (options.has(name)) throw new UsageError(`--option ${JSON.stringify(name)} is given twice.`);
    options.set(name, scalarOf(entry.slice(equals + 1)));
  }
  return Object.fromEntries(options);
}

function scalarOf(text: string): DeliveryOptions[string] {
  if (text === "true" || text === "false") return text === "true";
  if (/^-?[\d.]+$/.test(text) && String(Number(text)) === text) return Number(text);
  return /^"(.*)"$/s.exec(text)?.[1] ?? text;
}

/** What is wrong with a header is said without showing it: it may hold a secret. */
export function headersOf(lines: readonly string[]): Readonly<Record<string, string>> {
  const headers = new Map<string, string>();
  for (const [index, line] of lines.entries()) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).trim().toLowerCase();
    if (colon < 1 || !/^[\w!#$%&'*+.^`|~-]+$/.test(name))
      throw new UsageError(`--header number ${index + 1} is not of the form "name: value"; quote it as one argument.`);
    if (headers.has(name)) throw new UsageError(`--header ${JSON.stringify(name)} is given twice.`);
    headers.set(name, line.slice(colon + 1).trim());
  }
  return Object.fromEntries(headers);
}

const ages: Readonly<Record<string, number>> = { ...durations, d: 86_400_000 };

/** Epoch milliseconds: a date (RFC 3339, or a day in UTC), or how long ago that was. */
export function momentOf(flag: string, text: string, now: number = Date.now()): number {
  const [, number, unit = ""] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text) ?? [];
  if (number !== undefined) return now - Number(number) * (ages[unit] ?? 0);
  const date = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d))?$/.test(text)
    ? Date.parse(text)
    : Number.NaN;
  if (Number.isNaN(date))
    throw new UsageError(
      `${flag} takes a date such as 2026-11-30 or 2026-11-30T15:04:05Z, or how long ago: 30m, 24h, 7d.`,
    );
  return date;
}

/** `name=value`, by name. */
export function pairsOf(flag: string, entries: readonly string[]): Readonly<Record<string, string>> {
  const pairs = new Map<string, string>();
  for (const [index, entry] of entries.entries()) {
    const equals = entry.indexOf("=");
    const name = entry.slice(0, equals).trim();
    if (equals < 0 || name === "") throw new UsageError(`${flag} number ${index + 1} is not of the form name=value.`);
    if (pairs.has(name)) throw new UsageError(`${flag} ${JSON.stringify(name)} is given twice.`);
    pairs.set(name, entry.slice(equals + 1));
  }
  return Object.fromEntries(pairs);
}
