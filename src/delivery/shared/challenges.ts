import type { ReplyHeaders } from "../../core/transport.ts";

/** One challenge of a `WWW-Authenticate` field. Scheme and parameter names are lower case, values are unquoted. */
export interface Challenge {
  readonly scheme: string;
  readonly params: ReadonlyMap<string, string>;
}

/** What is looked at of one field, in characters, and how many challenges of one answer. */
const longestField = 8192;
const mostChallenges = 16;

// RFC 9110 §5.6.2, §5.6.4, §11.2. All sticky, and no two alternatives begin alike: the time is linear.
const token = /[!#$%&'*+\-.^_`|~\dA-Za-z]+/y;
const quoted = /"((?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t\x20-\x7e\x80-\xff])*)"/y;
const equals = /[ \t]*=[ \t]*/y;
const separators = /[ \t,]*/y;
const token68 = /[ \t]+[\dA-Za-z\-._~+/]+=*(?=[ \t]*(?:,|$))/y;

/** All challenges of an answer (RFC 9110 §11.6.1): several in one line, one in each of several lines, or both. */
export function challengesOf(headers: ReplyHeaders): readonly Challenge[] {
  const found: Challenge[] = [];
  for (const [name, value] of headers) {
    if (name === "www-authenticate") found.push(...parseChallenges(value));
    if (found.length >= mostChallenges) break;
  }
  return found.slice(0, mostChallenges);
}

/**
 * Reads one field value. A comma separates both challenges and the parameters of one, so a name belongs to the
 * challenge before it exactly when "=" and a value follow it. From the first place that fits no grammar on, nothing is
 * taken; a challenge that names a parameter twice (§11.2 forbids it) is left out.
 */
export function parseChallenges(value: string): readonly Challenge[] {
  if (value.length > longestField) return [];
  const reader = new Reader(value);
  const found: Challenge[] = [];
  let params: Map<string, string> | undefined;
  let scheme = "";
  let usable = true;
  const keep = () => {
    if (params !== undefined && usable) found.push({ scheme, params });
  };
  for (;;) {
    reader.take(separators);
    const name = reader.take(token)?.toLowerCase();
    if (name === undefined) break;
    if (reader.take(equals) === undefined) {
      keep();
      [scheme, params, usable] = [name, new Map(), true];
      reader.take(token68);
      continue;
    }
    const text = reader.value();
    if (params === undefined || text === undefined) return found;
    usable &&= !params.has(name);
    params.set(name, text);
  }
  if (reader.atEnd) keep();
  return found;
}

/** The parameters of a field that is a list of them, `Authentication-Info` (RFC 7615 §3); none where it is malformed. */
export function parseParams(value: string): ReadonlyMap<string, string> {
  return parseChallenges(`info ${value}`)[0]?.params ?? new Map();
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get atEnd(): boolean {
    return this.#at === this.#text.length;
  }

  /** What matches here, or nothing; then nothing is consumed. */
  take(pattern: RegExp, group = 0): string | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match === null) return undefined;
    this.#at = pattern.lastIndex;
    return match[group];
  }

  /** A token, or a quoted string without its quotes and backslashes. */
  value(): string | undefined {
    return this.take(quoted, 1)?.replace(/\\(.)/g, "$1") ?? this.take(token);
  }
}
