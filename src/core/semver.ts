import { compareCodeUnits, flattenSurrogates } from "./code-units.ts";
import type { VersionScheme } from "./versions.ts";

// The grammar of https://semver.org/spec/v2.0.0.html, after an optional "v".
const number = "(0|[1-9]\\d*)";
const prereleaseField = "(?:0|[1-9]\\d*|\\d*[A-Za-z-][0-9A-Za-z-]*)";
const grammar: RegExp = new RegExp(
  `^v?${number}\\.${number}\\.${number}(?:-(${prereleaseField}(?:\\.${prereleaseField})*))?(?:\\+([0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*))?$`,
);

// A key, from left to right, so that the first difference decides as §11 says:
//
//   0 text                            what does not parse, before all that does
//   1 major minor patch ~             a release, after all its prereleases (§11.3)
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
  if (match === null) return `0${flattenSurrogates(version)}`;
  const [, major = "", minor = "", patch = "", prerelease] = match;
  const core = `1${numberKey(major)}${numberKey(minor)}${numberKey(patch)}`;
  return prerelease === undefined ? `${core}~` : `${core}-${prerelease.split(".").map(fieldKey).join("")}`;
}

/** Whether a text has a place among versions, a leading "v" tolerated; whatever has not is before all of them. */
export const isSemver = (text: string): boolean => grammar.test(text);

const withoutPrefix = (version: string): string =>
  version.startsWith("v") && grammar.test(version) ? version.slice(1) : version;

/**
 * Semantic Versioning 2.0.0: precedence by §11, numbers of any length, a leading "v" tolerated. Build metadata does not
 * order (§10), but tells versions apart in `equal`: 1.0.0+a and 1.0.0+b are different images. What does not parse is
 * before all that does, in code-unit order.
 */
export const semver: VersionScheme = Object.freeze({
  name: "semver",
  compare: (a: string, b: string) => compareCodeUnits(sortKey(a), sortKey(b)),
  equal: (reported: string, expected: string) => withoutPrefix(reported) === withoutPrefix(expected),
  sortKey,
});
