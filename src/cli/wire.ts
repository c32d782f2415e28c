import { isIP } from "node:net";
import { type OpenArtifactOptions, openArtifact } from "../bytes/index.ts";
import {
  type Artifact,
  type Delivery,
  type Device,
  isFlashwaveError,
  type Profile,
  type Publisher,
  type Registry,
  systemClock,
} from "../core/index.ts";
import type { ArtifactServerOptions } from "../delivery/serve/index.ts";
import { createTransport } from "../http/index.ts";
import { type Client, type ClientOptions, createClient } from "../push/index.ts";
import { artifactOptionsOf } from "./client-options.ts";
import type { Flags } from "./flags.ts";
import { given } from "./given.ts";
import { servingOnDemand } from "./serving.ts";
import { printable } from "./text.ts";
import { UsageError } from "./usage-error.ts";

/* The composition root: adapters, the transport and the client are named here, stores in store/open.ts. */

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

/** @throws `invalid_option` for a certificate pin that none could match */
export async function requirePins(pins: readonly string[] = []): Promise<void> {
  await using _ = createTransport({ tls: { pins } });
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
export function requireKinds({ via, probe }: Pick<Flags, "via" | "probe">): void {
  if (via !== undefined) protocolOf("via", via);
  if (probe !== undefined) protocolOf("probe", probe);
}

/**
 * Binds a profile to the kind that it is for, as a push would; nothing is sent. A kind that is not of this program says
 * nothing of it.
 * @throws `invalid_profile`
 */
export async function requireProfile(kind: string | undefined, profile: Profile): Promise<void> {
  if (kind === undefined || !kinds.includes(kind)) return;
  const delivery = await protocolOf("via", kind)({}, servingOnDemand({}));
  await using transport = createTransport();
  const device: Device = { id: "any", address: "http://192.0.2.1" };
  delivery.bind(device, { transport, origin: device.address, clock: systemClock, profile });
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
