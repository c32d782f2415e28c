import type { Device } from "../core/index.ts";
import { printable } from "./text.ts";
import { UsageError } from "./usage-error.ts";

/** What names a device, and where it was said. */
export interface Entry {
  readonly text: string;
  readonly where: string;
}

/** What holds for a device that does not say otherwise. */
export interface DeviceDefaults {
  readonly id?: string | undefined;
  readonly via?: string | undefined;
  readonly probe?: string | undefined;
  /** What `via` and `probe` may name. Absent: whoever makes the adapters finds out. */
  readonly kinds?: readonly string[] | undefined;
}

/**
 * Devices from `address` or `id=address`, each followed by `via=<kind>` and `probe=<kind>` where it is spoken to or read
 * in another way than the rest: `till-4=10.0.0.4 via=http`. An address without a scheme is `http://`; a device without
 * an id is called by its host and port. Ids hold no spaces here, so that a mistyped word is never taken for a part of one.
 */
export function devicesOf(entries: readonly Entry[], defaults: DeviceDefaults = {}): Device[] {
  if (entries.length === 0)
    throw new UsageError(
      "No device is named: give --to or --to-file, or, of a store, a filter such as --group, or --all.",
    );
  if (defaults.id !== undefined && entries.length > 1)
    throw new UsageError('--id names a single device; of several write --to "id=address" each.');
  const devices = new Map<string, Device>();
  for (const entry of entries) {
    const device = deviceOf(entry, defaults);
    if (devices.has(device.id)) throw wrong(entry, `the device ${JSON.stringify(device.id)} is named twice`);
    devices.set(device.id, device);
  }
  return [...devices.values()];
}

function deviceOf(entry: Entry, defaults: DeviceDefaults): Device {
  const [named = "", ...words] = entry.text.trim().split(/\s+/);
  const own = kindsOf(entry, words, defaults.kinds);
  // An address holds no "=", an id may.
  const equals = named.lastIndexOf("=");
  if (equals >= 0 && defaults.id !== undefined)
    throw wrong(entry, 'the device has two ids, one from --id and one from "id=address"; give one');
  const given = named.slice(equals + 1);
  const address = /^[a-z][a-z\d+.-]*:\/\//i.test(given) ? given : `http://${given}`;
  if (/^[^/]*\/\/\/*$/.test(address)) throw wrong(entry, "there is no address; it is http(s)://host[:port]");
  const id = defaults.id ?? (equals < 0 ? address.replace(/^.*\/\/(?:.*@)?|\/$/g, "") : named.slice(0, equals));
  if (id.length === 0 || id.length > 256 || id !== printable(id))
    throw wrong(entry, "a device's id is 1 to 256 printable characters");
  const { via: delivery = defaults.via, probe = defaults.probe } = own;
  return { id, address, ...(delivery !== undefined && { delivery }), ...(probe !== undefined && { probe }) };
}

type Own = { readonly [Name in "via" | "probe"]?: string };

/** What follows the address. Of a word that is none only its name is shown: the rest may be a secret. */
function kindsOf(entry: Entry, words: readonly string[], kinds: readonly string[] | undefined): Own {
  const own: { -readonly [Name in keyof Own]: Own[Name] } = {};
  for (const word of words) {
    const [, name = "", kind = ""] = /^([\w-]{1,32})(?:=(.*))?$/.exec(word) ?? [];
    if ((name !== "via" && name !== "probe") || !word.includes("="))
      throw wrong(
        entry,
        `unknown word ${JSON.stringify(name || "…")}; an address is followed by via=<kind>, probe=<kind>`,
      );
    if (own[name] !== undefined) throw wrong(entry, `${name} is given twice`);
    if (kinds?.includes(kind) === false)
      throw wrong(
        entry,
        `there is no kind ${JSON.stringify(printable(kind))} for ${name}; there are ${kinds.join(", ")}`,
      );
    own[name] = kind;
  }
  return own;
}

const wrong = ({ where }: Entry, problem: string): UsageError => new UsageError(`${where}: ${problem}.`);

/** What a flag was given, as entries. */
export function entriesOf(flag: string, texts: readonly string[]): Entry[] {
  return texts.map((text) => ({ text, where: flag }));
}

/** One entry per line; blank lines and what follows a # at a line's beginning or after a space are left out. */
export function linesOf(flag: string, text: string): Entry[] {
  return text
    .split("\n")
    .map((line, index) => ({ text: line.replace(/(?:^|\s)#.*$/s, "").trim(), where: `${flag}, line ${index + 1}` }))
    .filter((entry) => entry.text !== "");
}
