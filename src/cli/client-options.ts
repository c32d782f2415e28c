import type { OpenArtifactOptions } from "../bytes/index.ts";
import type { ArtifactServerOptions } from "../delivery/serve/index.ts";
import type { TlsOptions } from "../http/index.ts";
import type { ClientOptions, PushManyOptions } from "../push/index.ts";
import type { Flags } from "./flags.ts";
import { given } from "./given.ts";
import type { LimitedFlag } from "./limits.ts";
import { UsageError } from "./usage-error.ts";
import { countOf, durationOf, portOf, rateOf } from "./values.ts";

/* What the flags say of a client, of an artifact and of an update, in the words of the rooms. */

/** What `--ca`, `--cert` and `--key` name, read. */
export type TlsFiles = Pick<TlsOptions, "ca" | "cert" | "key">;

export function clientOptionsOf(flags: Flags, files: TlsFiles = {}): ClientOptions {
  const inFlight = read(flags.concurrency, "--concurrency", countOf);
  return {
    addressPolicy: { permit: flags.permit ?? [] },
    tls: { ...files, ...given({ pins: flags.pin }) },
    timeouts: given({
      connect: read(flags.connectTimeout, "--connect-timeout", durationOf),
      stall: read(flags.stallTimeout, "--stall-timeout", durationOf),
      response: read(flags.responseTimeout, "--response-timeout", durationOf),
    }),
    retry: given({
      attempts: read(flags.attempts, "--attempts", countOf),
      quietPeriod: read(flags.quietPeriod, "--quiet-period", durationOf),
    }),
    limits: given({ inFlight, bytesPerSecond: flags.rate === undefined ? undefined : rateOf("--rate", flags.rate) }),
    verification: verificationOf(flags),
  };
}

/** A device that must be seen for longer than it is looked at could never be proven. */
function verificationOf(flags: Flags): NonNullable<ClientOptions["verification"]> {
  const { deadline = "15m", stableFor = "5s" } = flags;
  if (durationOf("--stable-for", stableFor) > durationOf("--deadline", deadline))
    throw new UsageError(
      `--stable-for (${stableFor}) is longer than --deadline (${deadline}): nothing could be proven.`,
    );
  return given({
    deadline: read(flags.deadline, "--deadline", durationOf),
    stableFor: read(flags.stableFor, "--stable-for", durationOf),
    newBoot: flags.newBoot === false ? false : undefined,
  });
}

/** Devices under way at once: what the client takes for its pushes, for the commands that only read. */
export function concurrencyOf(flags: Flags): number {
  return read(flags.concurrency, "--concurrency", countOf) ?? 64;
}

/** Where artifacts are served for devices that fetch them. */
export function servingOf({ serveHost, servePort, serveUrl }: Flags): ArtifactServerOptions {
  return given({ host: serveHost, port: portOf("--serve-port", servePort, 0), publicUrl: serveUrl });
}

export function artifactOptionsOf(flags: Flags): OpenArtifactOptions {
  const { firmwareVersion: version, digest } = flags;
  if (version !== undefined && (version === "" || version !== version.trim()))
    throw new UsageError("--firmware-version is what a device reports, to the letter: not empty, no space around it.");
  return given({ version, digest });
}

export function updateOptionsOf(flags: Flags): PushManyOptions {
  return { force: flags.force ?? false, verify: flags.verify ?? true };
}

function read(text: string | undefined, flag: LimitedFlag, parse: (flag: LimitedFlag, text: string) => number) {
  return text === undefined ? undefined : parse(flag, text);
}
