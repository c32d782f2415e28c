import { isIP } from "node:net";
import { type OpenArtifactOptions, openArtifact } from "../bytes/index.ts";
import {
  type Artifact,
  type Delivery,
  type Device,
  type InspectRequest,
  isFlashwaveError,
  type Profile,
  type Publisher,
  type Registry,
} from "../core/index.ts";
import type { ArtifactServerOptions } from "../delivery/serve/index.ts";
import { createTransport, type TlsOptions } from "../http/index.ts";
import { type Client, type ClientOptions, createClient, type PushManyOptions } from "../push/index.ts";
import type { Flags } from "./flags.ts";
import type { LimitedFlag } from "./limits.ts";
import { servingOnDemand } from "./serving.ts";
import { printable } from "./text.ts";
import { UsageError } from "./usage-error.ts";
import { countOf, deliveryOptionsOf, durationOf, headersOf, rateOf } from "./values.ts";

/* The composition root: how the words of the command line become those of the rooms. */

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

function portOf(flag: string, text: string | undefined, least: 0 | 1): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,5}$/.test(text) && Number(text) >= least && Number(text) <= 65_535) return Number(text);
  throw new UsageError(`${flag} takes a port from ${least} to 65535, not ${JSON.stringify(printable(text))}.`);
}

/** How devices are spoken to. A `--header` goes with every request, since it is mostly a credential. */
export function profileOf(flags: Flags): Profile {
  const headers = flags.header && headersOf(flags.header);
  const { method, path, versionPath, pointer, pattern, text, healthPath } = flags;
  const port = portOf("--version-port", flags.versionPort, 1);
  const order = (at: string | undefined) => (at === undefined ? undefined : given({ path: at, headers }));
  if (flags.health === false && healthPath !== undefined)
    throw new UsageError("--health-path and --no-health exclude each other.");
  return filled({
    send: given({ method, path, headers }),
    inspect: given({
      path: versionPath,
      port,
      ...{ pointer, pattern, text, also: alsoOf(flags) },
      // A header is mostly a credential, and those are for the device's own address.
      headers: port === undefined ? headers : undefined,
    }),
    health:
      flags.health === false ? false : given({ path: healthPath, headers: asksHealth(flags) ? headers : undefined }),
    activate: order(flags.activatePath),
    commit: order(flags.commitPath),
    rollback: order(flags.rollbackPath),
    options: flags.option && deliveryOptionsOf(flags.option),
  });
}

/** Whether devices have a health route: a header for one that they have not would have it asked for. */
function asksHealth({ healthPath, via, probe = via }: Flags): boolean {
  return healthPath !== undefined || probe === undefined || probe === "http" || probe === "tus";
}

/** Whether devices are told to install later, so that nothing but staging is to be expected of them. */
export function stagingAsked({ options }: Profile): boolean {
  const applyTime = options?.["applyTime"];
  return applyTime !== undefined && applyTime !== "Immediate" && options?.["reset"] === undefined;
}

/** Who names one pointer replaces them all; the boot id is worth keeping where it usually stands. */
function alsoOf({ digestPointer, bootPointer, hardwarePointer, text, pattern }: Flags): InspectRequest["also"] {
  if (digestPointer === undefined && bootPointer === undefined && hardwarePointer === undefined) return undefined;
  if (text === true)
    throw new UsageError(
      "--text takes the whole answer; without it, --digest-pointer, --boot-pointer and --hardware-pointer can be read.",
    );
  const usual = pattern === undefined ? "/bootId" : undefined;
  return given({ digest: digestPointer, bootId: bootPointer ?? usual, hardware: hardwarePointer });
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

/**
 * Checks every address before anything is sent, and permits those that were typed: whoever types a loopback address
 * means it.
 * @throws `invalid_address`, `invalid_option`
 */
export async function permitTyped(options: ClientOptions, devices: readonly Device[]): Promise<ClientOptions> {
  const { addressPolicy, tls } = options;
  await using transport = createTransport({ ...given({ addressPolicy, tls }) });
  const typed = new Set<string>();
  for (const { address } of devices) {
    for (const network of networksOf(address)) typed.add(network);
    try {
      transport.origin(address);
    } catch (error) {
      if (!isFlashwaveError(error) || error.code !== "address_denied") throw error;
      typed.add(hostOf(address));
    }
  }
  return { ...options, addressPolicy: { ...addressPolicy, permit: [...(addressPolicy?.permit ?? []), ...typed] } };
}

/** RFC 6761 §6.3: this name, and all below it, are loopback. Any other name is judged by where it leads. */
function networksOf(address: string): readonly string[] {
  return /^(?:.+\.)?localhost$/.test(hostOf(address)) ? ["127.0.0.0/8", "::1"] : [];
}

function hostOf(address: string): string {
  const host = URL.parse(address)?.hostname ?? "";
  const bare = host.replace(/^\[|\]$/g, "");
  return isIP(bare) === 0 ? host : bare;
}

/**
 * The protocols of the command line: a kind, and what speaks it as the flags say. The first is the default. An adapter
 * is imported only where it is asked for.
 */
type Protocol = (profile: Profile, publisher: Publisher) => Promise<Delivery>;
const protocols: Readonly<Record<string, Protocol>> = {
  http: async (profile) => (await import("../delivery/http/index.ts")).http(profile),
  tus: async (profile) => (await import("../delivery/tus/index.ts")).tus(profile),
  redfish: async (profile, publisher) =>
    (await import("../delivery/redfish/index.ts")).redfish({ ...profile, publisher }),
  swupdate: async (profile) => (await import("../delivery/swupdate/index.ts")).swupdate(profile),
  esphome: async (profile) => (await import("../delivery/web-upload/esphome.ts")).esphome(profile),
  tasmota: async (profile) => (await import("../delivery/web-upload/tasmota.ts")).tasmota(profile),
  "mongoose-os": async (profile) => (await import("../delivery/web-upload/mongoose-os.ts")).mongooseOs(profile),
  axis: async (profile) => (await import("../delivery/web-upload/axis.ts")).axis(profile),
  "elegant-ota": async (profile) => (await import("../delivery/web-upload/elegant-ota.ts")).elegantOta(profile),
  "web-upload": async (profile) => (await import("../delivery/web-upload/web-upload.ts")).webUpload(profile),
  "shelly-gen1": async (profile, publisher) =>
    (await import("../delivery/shelly/index.ts")).shellyGen1({ ...profile, publisher }),
  "shelly-gen2": async (profile, publisher) =>
    (await import("../delivery/shelly/index.ts")).shellyGen2({ ...profile, publisher }),
};

export const kinds: readonly string[] = Object.keys(protocols);

function protocolOf(flag: "via" | "probe", kind: string): Protocol {
  const protocol = Object.hasOwn(protocols, kind) ? protocols[kind] : undefined;
  if (protocol !== undefined) return protocol;
  throw new UsageError(
    `There is no kind ${JSON.stringify(printable(kind))} for --${flag}; there are ${kinds.join(", ")}.`,
  );
}

/** @throws `UsageError` for a kind that there is not */
export function requireKinds({ via, probe }: Flags): void {
  if (via !== undefined) protocolOf("via", via);
  if (probe !== undefined) protocolOf("probe", probe);
}

/** Those whose kinds there are; the client says of each of the others that nobody speaks its protocol. */
export function speakable(devices: readonly Device[]): Device[] {
  const isKind = (kind: string | undefined) => kind === undefined || kinds.includes(kind);
  return devices.filter(({ delivery, probe }) => isKind(delivery) && isKind(probe));
}

/**
 * The adapters that these devices name, made as the flags say. A probe of another kind is told how to read and to log
 * in, and nothing of what the delivery sends or takes; a delivery that reads none of its devices, nothing of reading.
 */
export async function adaptersOf(
  devices: readonly Device[],
  profile: Profile,
  serving: ArtifactServerOptions = {},
  usual: string = kinds[0] ?? "",
): Promise<Adapters> {
  const publisher = servingOnDemand(serving);
  const pairs = devices.map(({ delivery = usual, probe = delivery }) => ({ delivery, probe }));
  // The client's first is what it speaks with devices that name none.
  const isUsual = pairs.length === 0 || pairs.some(({ delivery }) => delivery === usual);
  const named = new Set([...(isUsual ? [usual] : []), ...pairs.map(({ delivery }) => delivery)]);
  const reading = new Set(pairs.filter(({ delivery, probe }) => probe !== delivery).map(({ probe }) => probe));
  const readsItself = new Set(
    pairs.filter(({ delivery, probe }) => probe === delivery).map(({ delivery }) => delivery),
  );
  const protocols = [...named].map((kind) => [kind, protocolOf("via", kind)] as const);
  const probes = [...reading].map((kind) => [kind, protocolOf("probe", kind)] as const);
  const { inspect, health, ...sent } = profile;
  const auth = profile.options?.["auth"];
  const read = given({ inspect, health, options: auth === undefined ? undefined : { auth } });
  return {
    deliveries: await Promise.all(
      protocols.map(([kind, protocol]) => protocol(readsItself.has(kind) ? profile : sent, publisher)),
    ),
    probers: await Promise.all(
      probes.map(async ([kind, protocol]) => {
        const { prober } = await protocol(read, publisher);
        if (prober !== undefined) return prober;
        throw new UsageError(`Devices cannot be read via ${kind}; name another kind with --probe.`);
      }),
    ),
  };
}

/** What speaks to devices, and what reads them where that is another kind. */
export type Adapters = Required<Pick<ClientOptions, "deliveries" | "probers">>;

export function openClient(options: ClientOptions, { deliveries, probers }: Adapters): Client {
  return createClient({ ...options, probers }, deliveries);
}

/** A new fleet in a file, with these devices. */
export async function registryOf(path: string, devices: readonly Device[]): Promise<Registry> {
  const { openSqliteRegistry } = await import("../registry/sqlite/index.ts");
  const registry = await openSqliteRegistry(path);
  await registry.devices.put(devices);
  return registry;
}

export function open(
  path: string,
  flags: Flags,
  vouchers: Pick<OpenArtifactOptions, "manifest" | "minisign">,
  signal: AbortSignal,
): Promise<Artifact> {
  return openArtifact(path, { ...artifactOptionsOf(flags), ...vouchers, signal });
}

function read(text: string | undefined, flag: LimitedFlag, parse: (flag: LimitedFlag, text: string) => number) {
  return text === undefined ? undefined : parse(flag, text);
}

type Given<T> = { readonly [Name in keyof T]?: Exclude<T[Name], undefined> };

/** The fields that were given: an option left out must not replace a default. */
function given<T extends object>(fields: T): Given<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Given<T>;
}

/** The parts that say something: an empty request would bring one back that a protocol does without. */
function filled<T extends object>(parts: T): Given<T> {
  return Object.fromEntries(
    Object.entries(parts).filter(([, part]) => part === false || Object.keys(part ?? {}).length > 0),
  ) as Given<T>;
}
