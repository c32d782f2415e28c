import { type Clock, systemClock } from "../../core/clock.ts";
import { FlashwaveError } from "../../core/errors.ts";

export interface ArtifactServerOptions {
  /**
   * The address to listen on. Anything but a loopback address lets others in: a choice to be made on purpose.
   * @default "127.0.0.1"
   */
  readonly host?: string;
  /** @default any free one */
  readonly port?: number;
  /**
   * What the URLs that devices are given begin with: scheme, host, port, and a path where a proxy in front serves one.
   * Needed where `host` is an unspecified address (`0.0.0.0`, `::`).
   * @default the address and port listened on
   */
  readonly publicUrl?: string;
  /** PEM. With it the server speaks https alone, TLS 1.2 or newer. */
  readonly tls?: { readonly key: string | Uint8Array; readonly cert: string | Uint8Array };
  /** For all devices together. @default no limit */
  readonly bytesPerSecond?: number;
  /** Milliseconds after which a publication ends by itself. @default it does not */
  readonly expiry?: number;
  readonly limits?: {
    /** Connections open at once. @default 1_024 */
    readonly connections?: number;
    /** Requests for one publication, and how many of them may be answered at once. @default 1_000 and 4 */
    readonly requests?: number;
    readonly concurrent?: number;
  };
  /** Milliseconds. */
  readonly timeouts?: {
    /** For the head of a request, the TLS handshake included. @default 10_000 */
    readonly headers?: number;
    /** Without the device taking any byte, or ending the connection once it has all. @default 60_000 */
    readonly stall?: number;
  };
  readonly clock?: Clock;
}

/** Options as the server works with them: checked, complete, never changed. */
export interface Settings {
  readonly host: string;
  readonly port: number;
  readonly publicUrl: string | undefined;
  readonly tls: ArtifactServerOptions["tls"];
  readonly bytesPerSecond: number;
  readonly expiry: number | undefined;
  readonly connections: number;
  readonly requests: number;
  readonly concurrent: number;
  readonly headers: number;
  readonly stall: number;
  readonly clock: Clock;
}

const day = 86_400_000;
const known = "host, port, publicUrl, tls, bytesPerSecond, expiry, limits, timeouts, clock";

/** @throws `invalid_option` */
export function resolveOptions(options: ArtifactServerOptions): Settings {
  if (typeof options !== "object" || options === null) throw invalidOption("the options must be an object");
  for (const name of Object.keys(options)) {
    if (!known.split(", ").includes(name))
      throw invalidOption(`there is no ${JSON.stringify(name)}; it takes ${known}`);
  }
  const { host = "127.0.0.1", tls, bytesPerSecond = Number.POSITIVE_INFINITY, limits = {}, timeouts = {} } = options;
  if (typeof host !== "string" || host === "") throw invalidOption("host must be an address to listen on");
  if (tls !== undefined && (!isPem(tls?.key) || !isPem(tls?.cert)))
    throw invalidOption("tls must hold a key and a cert, both PEM");
  return Object.freeze({
    host,
    port: whole("port", options.port, 0, 0, 65_535),
    publicUrl: publicUrlOf(options.publicUrl, host),
    tls,
    bytesPerSecond,
    expiry: options.expiry === undefined ? undefined : whole("expiry", options.expiry, day, 1, 24 * day),
    connections: whole("limits.connections", limits.connections, 1_024, 1, 1_000_000),
    requests: whole("limits.requests", limits.requests, 1_000, 1, 1_000_000),
    concurrent: whole("limits.concurrent", limits.concurrent, 4, 1, 1_000),
    headers: whole("timeouts.headers", timeouts.headers, 10_000, 1, day),
    stall: whole("timeouts.stall", timeouts.stall, 60_000, 1, day),
    clock: options.clock ?? systemClock,
  });
}

function isPem(value: unknown): boolean {
  return (typeof value === "string" || value instanceof Uint8Array) && value.length > 0;
}

function whole(name: string, value: unknown, fallback: number, least: number, most: number): number {
  if (value === undefined) return fallback;
  if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
  throw invalidOption(`${name} must be a whole number from ${least} to ${most}`);
}

/** Without a slash at the end. */
function publicUrlOf(value: unknown, host: string): string | undefined {
  if (value === undefined) {
    if (host !== "0.0.0.0" && host !== "::") return undefined;
    throw invalidOption(`publicUrl is needed: no device can fetch from ${host}`);
  }
  const url = typeof value === "string" ? URL.parse(value) : null;
  const plain = url !== null && url.username + url.password + url.search + url.hash === "" && !/[?#]/.test(url.href);
  if (url !== null && plain && /^https?:$/.test(url.protocol)) return url.href.replace(/\/+$/, "");
  throw invalidOption(
    'publicUrl must be an http or https URL without credentials, query and fragment, such as "https://updates.example.com"',
  );
}

export function invalidOption(message: string, cause?: unknown): FlashwaveError {
  return new FlashwaveError("invalid_option", `Artifact server: ${message}.`, { phase: "prepare", cause });
}
