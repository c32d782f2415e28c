import type { Device } from "../core/index.ts";
import { printable } from "./text.ts";
import { UsageError } from "./usage-error.ts";

/** What holds for a device that does not say otherwise. */
export interface DeviceDefaults {
  readonly id?: string | undefined;
  readonly via?: string | undefined;
  readonly probe?: string | undefined;
}

/**
 * Devices from `address` or `id=address`, each followed by `via=<kind>` and `probe=<kind>` where it is spoken to or read
 * in another way than the rest: `till-4=10.0.0.4 via=http`. An address without a scheme is `http://`; a device without
 * an id is called by its host and port.
 */
export function devicesOf(entries: readonly string[], defaults: DeviceDefaults = {}): Device[] {
  if (entries.length === 0) throw new UsageError("No device is named: give --to or --to-file.");
  if (defaults.id !== undefined && entries.length > 1)
    throw new UsageError('--id names a single device; of several write --to "id=address" each.');
  const devices = new Map<string, Device>();
  for (const entry of entries) {
    const device = deviceOf(entry, defaults);
    if (devices.has(device.id)) throw new UsageError(`The device ${JSON.stringify(device.id)} is named twice.`);
    devices.set(device.id, device);
  }
  return [...devices.values()];
}

/** An address holds neither "=" nor a space, an id may hold both: so an entry is read from its end. */
const kindsAtEnd = /\s+(via|probe)=(\S*)$/;

function deviceOf(entry: string, defaults: DeviceDefaults): Device {
  let named = entry.trimEnd();
  const own: { via?: string; probe?: string } = {};
  for (let found = kindsAtEnd.exec(named); found !== null; found = kindsAtEnd.exec(named)) {
    const [words, which, kind = ""] = found;
    own[which as keyof typeof own] ??= kind;
    named = named.slice(0, -words.length);
  }
  const equals = named.lastIndexOf("=");
  if (equals >= 0 && defaults.id !== undefined)
    throw new UsageError('The device has two ids, one from --id and one from "id=address"; give one.');
  const given = named.slice(equals + 1).trim();
  const address = /^[a-z][a-z\d+.-]*:\/\//i.test(given) ? given : `http://${given}`;
  const id = defaults.id ?? (equals < 0 ? address.replace(/^.*\/\/(?:.*@)?|\/$/g, "") : named.slice(0, equals).trim());
  if (id.length === 0 || id.length > 256 || id !== printable(id))
    throw new UsageError("A device's id is 1 to 256 printable characters.");
  const { via: delivery = defaults.via, probe = defaults.probe } = own;
  return { id, address, ...(delivery !== undefined && { delivery }), ...(probe !== undefined && { probe }) };
}

/** One `address` or `id=address` per line; blank lines and lines that begin with # are left out. */
export function entriesOf(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}
