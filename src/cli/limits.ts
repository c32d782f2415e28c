export type LimitedFlag =
  | "--attempts"
  | "--threshold"
  | "--concurrency"
  | "--deadline"
  | "--stable-for"
  | "--quiet-period"
  | "--connect-timeout"
  | "--stall-timeout"
  | "--response-timeout";

/** The least and the most that a flag takes, as they are typed: what the help says and what is enforced is one table. */
export const limits: Readonly<Record<LimitedFlag, readonly [least: string, most: string]>> = Object.freeze({
  "--attempts": ["1", "100"],
  "--threshold": ["1", "32"],
  "--concurrency": ["1", "100000"],
  "--deadline": ["0s", "576h"],
  "--stable-for": ["0s", "576h"],
  "--quiet-period": ["0s", "576h"],
  "--connect-timeout": ["1ms", "24h"],
  "--stall-timeout": ["1ms", "24h"],
  "--response-timeout": ["1ms", "24h"],
});

/** `1 to 100`. */
export function rangeOf(flag: LimitedFlag): string {
  return limits[flag].join(" to ");
}
