import { compareCodeUnits, flattenSurrogates } from "./code-units.ts";
import type { VersionScheme } from "./versions.ts";

// The grammar of https://semver.org/spec/v2.0.0.html, after an optional "v".
const number = "(0|[1-9]\\d*)";
const prereleaseField = "(?:0|[1-9]\\d*|\\d*[A-Za-z-][0-9A-Za-z-]*)";
const grammar: RegExp = new RegExp(
  `^v?${number}\\.${number}\\.${number}(?:-(${prereleaseField}(?:\\.${prereleaseField})*))?(?:\\+([0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*))?$`,
);

/** What many firmwares have instead: numbers between dots, as many as they like, after an optional "v". */
const dotted: RegExp = /^v?\d+(?:\.\d+)+$/;

// A key, from left to right, so that the first difference decides as §11 says:
//
//   0 text                            what is neither, before all that is
//   1 major minor patch ~ number …    a release, after all its prereleases (§11.3); further numbers come after none
//   1 major minor patch - field …     a prerelease; a longer row of fields comes after its beginning (§11.4.4)
//
//   number:  letter digits-of-length length digits     a 1 7 | b 2 13 1234567890123: any length, no prefix of another
//   field:   0 number | 1 text !                       numbers before text (§11.4.3), "!" before all that text may hold
function numberKey(digits: string): string {
  const length = String(digits.length);
  return String.fromCharCode(96 + length.length) + length + digits;
}

function fieldKey(field: string): string {
  return /^\d+$/.test(field) ? `0${numberKey(field)}` : `1${field}!`;
}

function sortKey(version: string): string {
  const match = grammar.exec(version);
  if (match === null) return dotted.test(version) ? dottedKey(version) : `0${flattenSurrogates(version)}`;
  const [, major = "", minor = "", patch = "", prerelease] = match;
  const core = `1${numberKey(major)}${numberKey(minor)}${numberKey(patch)}`;
  return prerelease === undefined ? `${core}~` : `${core}-${prerelease.split(".").map(fieldKey).join("")}`;
}

/** Leading zeros say nothing, and nor do zeros at the end: 1.2 is level with 1.2.0 and with v01.2.0.0. */
function dottedKey(version: string): string {
  const numbers = version
    .replace(/^v/, "")
    .split(".")
    .map((digits) => digits.replace(/^0+(?=\d)/, ""));
  const last = numbers.findLastIndex((digits) => digits !== "0");
  const [major = "0", minor = "0", patch = "0", ...further] = numbers.slice(0, last + 1);
  return `1${[major, minor, patch].map(numberKey).join("")}~${further.map(numberKey).join("")}`;
}

const orders = (version: string): boolean => grammar.test(version) || dotted.test(version);

const withoutPrefix = (version: string): string =>
  version.startsWith("v") && orders(version) ? version.slice(1) : version;

const buildOf = (version: string): string | undefined => grammar.exec(version)?.[5];

/**
 * Semantic Versioning 2.0.0: precedence by §11, numbers of any length, a leading "v" tolerated. Build metadata does not
 * order (§10), but tells versions apart in `equal`: 1.0.0+a and 1.0.0+b are different images. Dotted numbers that it
 * does not know (2.10, 7.00.01.171) are compared number by number beside it, one that is missing being 0. Anything else
 * is before all of them, in code-unit order, and has no place among them (`orders`).
 */
export const semver: Required<VersionScheme> = Object.freeze({
  name: "semver",
  compare: (a: string, b: string) => compareCodeUnits(sortKey(a), sortKey(b)),
  equal: (reported: string, expected: string) => withoutPrefix(reported) === withoutPrefix(expected),
  orders,
  same: (a: string, b: string) => sortKey(a) === sortKey(b) && buildOf(a) === buildOf(b),
  sortKey,
});
