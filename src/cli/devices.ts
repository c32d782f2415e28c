import type { Device } from "../core/index.ts";
import { printable } from "./text.ts";
import { UsageError } from "./usage-error.ts";

/**
 * Devices from `address` or `id=address`. An address without a scheme is `http://`; a device without an id is called by
 * its host and port.
 */
export function devicesOf(entries: readonly string[], id?: string): Device[] {
  if (entries.length === 0) throw new UsageError("No device is named: give --to or --to-file.");
  if (id !== undefined && entries.length > 1)
    throw new UsageError('--id names a single device; of several write --to "id=address" each.');
  const devices = new Map<string, Device>();
  for (const entry of entries) {
    const device = deviceOf(entry, id);
    if (devices.has(device.id)) throw new UsageError(`The device ${JSON.stringify(device.id)} is named twice.`);
    devices.set(device.id, device);
  }
  return [...devices.values()];
}

function deviceOf(entry: string, id: string | undefined): Device {
  // An address holds no "=", an id may.
  const equals = entry.lastIndexOf("=");
  const given = entry.slice(equals + 1).trim();
  const address = /^[a-z][a-z\d+.-]*:\/\//i.test(given) ? given : `http://${given}`;
  const own = id ?? (equals < 0 ? address.replace(/^.*\/\/(?:.*@)?|\/$/g, "") : entry.slice(0, equals).trim());
  if (own.length === 0 || own.length > 256 || own !== printable(own))
    throw new UsageError("A device's id is 1 to 256 printable characters.");
  return { id: own, address };
}

/** One `address` or `id=address` per line; blank lines and lines that begin with # are left out. */
export function entriesOf(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}
