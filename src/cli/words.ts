import { type FlashwaveError, inContext } from "../core/errors.ts";
import { formatMs } from "./text.ts";

const excerptHint = "its own words are in this error's reply.excerpt";

/**
 * What the rooms below call a thing, and what the command line calls it. Their messages advise in their own words,
 * which say nothing to somebody who typed flags. Sentences first: the single words would spoil them.
 */
export const words: readonly (readonly [theirs: string, ours: string])[] = [
  ["The caller's signal aborted the exchange", "The command was interrupted during this exchange"],
  ["The caller's signal had aborted", "The command had been interrupted"],
  ["The caller's signal aborted", "The command was interrupted"],
  [excerptHint, "--device-words shows its own words"],
  ["Open the artifact with { version }, or use push()", "Give --firmware-version, or use flashwave push"],
  ["Open the artifact with { version }", "Give --firmware-version"],
  ["Give its profile an inspect request, name a probe, or use push()", "Name another --probe, or use flashwave push"],
  ["Give its profile an inspect request, or name a probe", "Name another --probe"],
  ["Have its profile name a digest or a boot id", "Give --digest-pointer or --boot-pointer"],
  ["set verification.newBoot: false", "give --no-new-boot"],
  ["set health: false", "give --no-health"],
  ["with a longer deadline", "with a longer --deadline"],
  ["set `also: {}` or name a pointer", "leave --digest-pointer and --boot-pointer out, or give --pointer"],
  ["leave the credentials out of it and give them to the client", "leave the login out of it and give --user"],
  ["check the method in its profile", "check --method"],
  [
    "check the path and the method in its profile",
    "check the paths and the method given for it, and that --via names its kind",
  ],
  [
    "check the credentials given for it",
    "check what --user, a token or --header sends, or give --user where none was given",
  ],
  ["set its profile's options.auth to ", "give --option auth="],
  ["name in its profile's options.challenge a request", "name with --option challenge= a request"],
  ["Give referencedCredentials one", "Give --secrets"],
  ["its profile's options.auth", "--option auth"],
  ["check the profile's inspect request", "check --version-path, --pointer, --pattern and --text"],
  ["the profile's pointer", "--pointer"],
  ["the profile's pattern", "--pattern"],
  ["say allowEmpty if that is meant", "the command line sends none of those"],
  ["openArtifact: digest must be", "--digest must be"],
  ["openArtifact: version must be", "--firmware-version must be"],
  [
    "inspect must say in exactly one of `pointer`, `text` and `pattern`",
    "Say in exactly one of --pointer, --text and --pattern",
  ],
  ["Open it with { manifest }", "Give --manifest"],
  ["Open it with { minisign }", "Give --minisign"],
  [
    "Say in its profile where it does (inspect.also.hardware), or have the policy admit it",
    "Say with --hardware-pointer where it does",
  ],
  ["admission.threshold", "--threshold"],
  ["admission.keys", "--trusted-key"],
  ["admission.minisign", "--trusted-key"],
  ["admission.approvals.keys", "--approval-key"],
  ["options knows no", "--option knows no"],
  ["options.", "--option "],
  ["and that the publisher's publicUrl names it", "and give it as --serve-host or --serve-url"],
  ["choose another host or port", "choose another --serve-host or --serve-port"],
  ["publicUrl is needed", "--serve-url is needed"],
  ["publicUrl must be", "--serve-url must be"],
  ["verification.deadline", "--deadline"],
  ["verification.stableFor", "--stable-for"],
  ["retry.attempts", "--attempts"],
  ["retry.quietPeriod", "--quiet-period"],
  ["timeouts.connect", "--connect-timeout"],
  ["timeouts.stall", "--stall-timeout"],
  ["timeouts.response", "--response-timeout"],
  ["limits.inFlight", "--concurrency"],
  ["limits.bytesPerSecond", "--rate"],
  ["addressPolicy.permit", "--permit"],
  ["tls.cert", "--cert"],
  ["tls.key", "--key"],
  ["tls.ca", "--ca"],
  ["tls.pins", "--pin"],
  ["send.method", "--method"],
  ["send.path", "--path"],
  ["send.headers", "--header"],
  ["inspect.path", "--version-path"],
  ["inspect.port", "--version-port"],
  ["inspect.headers", "--header"],
  ["inspect.pointer", "--pointer"],
  ["inspect.pattern", "--pattern"],
  ["inspect.text", "--text"],
  ["inspect.also.digest", "--digest-pointer"],
  ["inspect.also.bootId", "--boot-pointer"],
  ["inspect.also.hardware", "--hardware-pointer"],
  ["inspect.also", "--digest-pointer, --boot-pointer or --hardware-pointer"],
  ["health.path", "--health-path"],
  ["activate.path", "--activate-path"],
  ["commit.path", "--commit-path"],
  ["rollback.path", "--rollback-path"],
];

/** A message of the rooms below in the words of the command line. */
export function inFlags(message: string): string {
  const typed = message.replace(permitting, (_, cidrs: string) => `give --permit ${cidrs.replace(/[",]/g, "")}`);
  const translated = words.reduce((text, [theirs, ours]) => text.replaceAll(theirs, ours), typed);
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
export function errorInFlags(error: FlashwaveError, deviceWords = false): FlashwaveError {
  if (!deviceWords) return inContext(error, { message: inFlags(error.message) });
  const said = error.reply?.excerpt;
  const hint = said === undefined ? "it said nothing more" : "its own words follow";
  const message = inFlags(error.message.replaceAll(excerptHint, hint));
  return inContext(error, { message: said === undefined ? message : `${message} ${quoted(said)}` });
}

const longestQuote = 300;

function quoted(said: string): string {
  return `The device said: ${JSON.stringify(said.length > longestQuote ? `${said.slice(0, longestQuote)}…` : said)}`;
}
