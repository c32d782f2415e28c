import type { Device, DeviceFilter, RegisteredDevice, Registry } from "../../core/index.ts";
import { devicesOf, type Entry } from "../devices.ts";
import { readEntries } from "../files.ts";
import type { Flags } from "../flags.ts";
import { given } from "../given.ts";
import { printable } from "../text.ts";
import { UsageError } from "../usage-error.ts";
import { kinds, requireKinds } from "../wire.ts";
import { devicePages, filterOf } from "./filter.ts";
import { openStore, storeNamed } from "./open.ts";

/** The devices of a command, and the store that some of them come from. */
export interface Fleet extends AsyncDisposable {
  /** Named by their addresses. */
  readonly typed: readonly Device[];
  /** Of the store, each with the profile that it resolves to. */
  readonly stored: readonly Device[];
  /** Open where a device comes from it. */
  readonly registry: Registry | undefined;
  /** Ids of typed devices whose words may as well be ids of a store that nobody named. */
  readonly maybeIds: ReadonlySet<string>;
}

/**
 * The devices that `--to`, `--to-file` and the filters choose. Where there is a store, a word that is no address is the
 * id of a device in it.
 * @throws `UsageError`, before anything is sent
 */
export async function readFleet(flags: Flags, signal: AbortSignal): Promise<Fleet> {
  const entries = await readEntries(flags);
  const filter = filterOf(flags);
  const chosen = filter !== undefined || flags.all === true;
  if (chosen && entries.length > 0) throw new UsageError("--to and filters exclude each other; give one of them.");
  const named = storeNamed(flags);
  if (named === undefined && (flags.fleet ?? flags.storePasswordFile) !== undefined)
    throw new UsageError("--fleet and --store-password-file go with a store: give --store, or set FLASHWAVE_STORE.");
  if (chosen && named === undefined)
    throw new UsageError("Filters choose devices of a store: give --store, or set FLASHWAVE_STORE.");
  const isId = (entry: Entry) => named !== undefined && isWord(entry);
  const ids = entries.filter(isId);
  const addressed = entries.filter((entry) => !isId(entry));
  requireKinds(flags);
  const typed = (ids.length > 0 || chosen) && addressed.length === 0 ? [] : typedOf(addressed, flags);
  const maybeIds = new Set(typed.filter((_, at) => addressed[at] && isWord(addressed[at])).map(({ id }) => id));
  if (ids.length === 0 && !chosen && flags.store === undefined) return fleet({ typed, maybeIds });
  if (flags.id !== undefined && (ids.length > 0 || chosen))
    throw new UsageError("--id names a device that is given by its address; those of a store have theirs.");
  const registry = await openStore(flags);
  try {
    const stored = chosen
      ? await selected(registry, filter ?? {}, flags, signal)
      : await known(registry, ids, flags, signal);
    requireOnce(typed, stored);
    return fleet({ typed, stored, registry });
  } catch (error) {
    await registry[Symbol.asyncDispose]();
    throw error;
  }
}

/** Neither an address with its scheme, nor one with an id. */
const isWord = ({ text }: Entry): boolean => !/=|:\/\//.test(text);

const typedOf = (entries: readonly Entry[], { id, via, probe }: Flags): Device[] =>
  devicesOf(entries, { id, via, probe, kinds });

function fleet({ typed = [], stored = [], registry, maybeIds = new Set() }: Partial<Fleet>): Fleet {
  const dispose = async () => {
    await registry?.[Symbol.asyncDispose]();
  };
  return { typed, stored, registry, maybeIds, [Symbol.asyncDispose]: dispose };
}

function requireOnce(typed: readonly Device[], stored: readonly Device[]): void {
  const ids = new Set(typed.map(({ id }) => id));
  const twice = stored.find(({ id }) => ids.has(id));
  if (twice !== undefined)
    throw new UsageError(
      `The device ${JSON.stringify(printable(twice.id))} is named by its id, and by an address too.`,
    );
}

async function known(registry: Registry, entries: readonly Entry[], flags: Flags, signal: AbortSignal) {
  for (const [index, { text, where }] of entries.entries()) {
    if (entries.findIndex((entry) => entry.text === text) < index)
      throw new UsageError(`${where}: the device ${JSON.stringify(printable(text))} is named twice.`);
  }
  const found = await registry.devices.getMany(
    entries.map(({ text }) => text),
    { signal },
  );
  const missing = entries.find(({ text }) => !found.has(text));
  if (missing !== undefined) {
    const id = printable(missing.text);
    throw new UsageError(
      `${missing.where}: the store holds no device ${JSON.stringify(id)}; an address begins with http:// here.`,
    );
  }
  return spoken(registry, [...found.values()], flags, signal);
}

/** All that match. Of each no more is kept than what it takes to speak to it. */
async function selected(registry: Registry, filter: DeviceFilter, flags: Flags, signal: AbortSignal) {
  const devices: Device[] = [];
  for await (const page of devicePages(registry.devices, filter, signal)) {
    devices.push(...(await spoken(registry, page, flags, signal)));
  }
  if (devices.length === 0) throw new UsageError("No device of the store matches; flashwave device list shows them.");
  return devices;
}

async function spoken(
  registry: Registry,
  rows: readonly RegisteredDevice[],
  { via, probe }: Flags,
  signal: AbortSignal,
): Promise<Device[]> {
  const profiles = await registry.profiles.resolveMany(rows, { signal });
  return rows.map((row) => {
    const { id, address, name, site, pins, credentials, delivery = via, probe: reader = probe } = row;
    const profile = profiles.get(id);
    return { id, address, ...given({ name, site, pins, credentials, delivery, probe: reader, profile }) };
  });
}
