import { type FlashwaveError, inContext } from "../core/errors.ts";
import { formatMs } from "./text.ts";
import { excerptHint, profileWords, words } from "./vocabulary.ts";

/** What a device may have been shown as a login, by where it was given. */
export type Login = "user" | "token" | "header" | "store";

/** What was given for one device, where the advice depends on it. */
export interface Situation {
  /** Absent: no login. */
  readonly login?: Login | undefined;
  /** Whether the word that names the device may be its id in a store that nobody named. */
  readonly maybeId?: boolean | undefined;
  /** Whether a profile of a store says how it is spoken to: what is wrong with that is told in a profile's own words. */
  readonly profiled?: boolean | undefined;
}

/** What the rooms below say of logins and of names, not knowing where they were given. */
export const sayings = {
  login: "does not take this login; check the credentials given for it",
  us: "refused us; check the credentials given for it",
  session: "refused the login (",
  password: "check the name and password of its credentials",
  name: "check how it is spelt, and the name server, or give an address",
} as const;

const logins: Readonly<Record<Login, readonly [what: string, advice: string]>> = {
  user: ["the login given with --user", "check the name and the password"],
  token: ["the token that was given", "check it"],
  header: ["what --header sends", "check it, or give --user"],
  store: ["the login that the store names for it", "look at it with flashwave device show"],
};

function advised(message: string, { login, maybeId = false }: Situation): string {
  const named = maybeId ? message.replace(sayings.name, "$&; if this is a device's id, give --store") : message;
  if (login === undefined) return named.replace(sayings.us, "refused us; if it wants a login, give --user or a token");
  const [what, advice] = logins[login];
  return named
    .replace(sayings.login, `refused ${what}; ${advice}`)
    .replace(sayings.us, `refused us despite ${what}; ${advice}`)
    .replace(sayings.session, `refused ${what} (`)
    .replace(sayings.password, advice);
}

/** A message of the rooms below in the words of the command line. */
export function inFlags(message: string, situation: Situation = {}): string {
  const typed = advised(message, situation).replace(
    permitting,
    (_, cidrs: string) => `give --permit ${cidrs.replace(/[",]/g, "")}`,
  );
  const table = situation.profiled === true ? words : [...words, ...profileWords];
  const translated = table.reduce((text, [theirs, ours]) => text.replaceAll(theirs, ours), typed);
  return translated.replace(milliseconds, (_, ms: string) =>
    formatMs(Number(ms)).replace(/\.0(?= s$)| 0 (?:s|min)$/, ""),
  );
}

/** Its networks go on a command line as they are: no brackets, quotes or commas. */
const permitting = /add addressPolicy: \{ permit: \[([^\]]*)\] \}/g;

/** From a second on: durations are typed in seconds and minutes. */
const milliseconds = /\b(\d{4,12}) ms\b/g;

/**
 * The same error, its message in the words of the command line, and with what the device said where that was asked for:
 * cleaned already, and no longer than what a line bears. It may be anything, what it was sent included.
 */
export function errorInFlags(
  error: FlashwaveError,
  { deviceWords = false, ...situation }: Situation & { readonly deviceWords?: boolean | undefined } = {},
): FlashwaveError {
  if (!deviceWords) return inContext(error, { message: inFlags(error.message, situation) });
  const said = error.reply?.excerpt;
  const hint = said === undefined ? "it said nothing more" : "its own words follow";
  const message = inFlags(error.message.replaceAll(excerptHint, hint), situation);
  return inContext(error, { message: said === undefined ? message : `${message} ${quoted(said)}` });
}

const longestQuote = 300;

function quoted(said: string): string {
  return `The device said: ${JSON.stringify(said.length > longestQuote ? `${said.slice(0, longestQuote)}…` : said)}`;
}
