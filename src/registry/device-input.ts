import type { DeviceInput, DevicePutResult, RegisteredDevice } from "../core/device-registry.ts";
import { type Profile, purposes } from "../core/profile.ts";
import { credentialsRule, readCredentials } from "./credentials-input.ts";
import { deliveryOptionsRule, readDeliveryOptions } from "./delivery-options.ts";
import { loginAmong, loginRule } from "./login-headers.ts";
import { copyPlain, isPrintable, isRecord, isReservedName, isText, namesOf, Refusal, strangeField } from "./plain.ts";
import { deviceColumns } from "./transfer/columns.ts";

type DeviceRefusal = Refusal<Extract<DevicePutResult, { reason: string }>["result"]>;

const isPurpose = (name: string) => (purposes as readonly string[]).includes(name);

/** Frozen, of known fields alone, without those that only one `put` needs. */
export type DeviceFields = Readonly<Omit<DeviceInput, "ifRevision">>;

/** What a row may have: what is registered, and what a row that was read has beside it, which is left alone. */
const known: readonly string[] = [
  ...Object.keys(deviceColumns),
  ...namesOf<Pick<DeviceInput, "ifRevision"> & Omit<RegisteredDevice, keyof DeviceInput>>({
    ifRevision: true,
    status: true,
    lastSeen: true,
    firmware: true,
    evidence: true,
    createdAt: true,
    updatedAt: true,
    revision: true,
  }),
];

/** Optional fields that are one line of text, and their most characters. */
const lines = { name: 256, delivery: 64, probe: 64, site: 256, location: 256 } as const;

/** What a device may look like: checked here, once, so that every driver refuses and keeps the same. */
export function readDevice(row: DeviceInput): DeviceFields | DeviceRefusal {
  if (!isRecord(row)) return new Refusal("invalid_device", "a device must be an object");
  const strange = strangeField(row, known);
  if (strange !== undefined) return refuse(`a device ${strange}`);
  if (!isPrintable(row.id, 256)) return refuse("id must be 1 to 256 printable characters");
  if (!isAddress(row.address)) {
    return new Refusal("invalid_address", "address must be http:// or https://, a host and at most a port");
  }
  if (row.group !== undefined && !isPrintable(row.group, 256)) {
    return new Refusal("invalid_group", "group must be 1 to 256 printable characters");
  }
  if (row.profileId !== undefined && !isPrintable(row.profileId, 256)) {
    return new Refusal("invalid_profile", "profileId must be 1 to 256 printable characters");
  }
  if (!isIfRevision(row.ifRevision)) return refuse("ifRevision must be a whole number from 0");
  for (const [field, most] of Object.entries(lines)) {
    const value = row[field as keyof typeof lines];
    if (value !== undefined && !isPrintable(value, most)) {
      return refuse(`${field} must be 1 to ${most} printable characters`);
    }
  }
  return readLists(row);
}

function readLists(row: DeviceInput): DeviceFields | DeviceRefusal {
  if (!isLineList(row.tags, 64, 128)) return refuse("tags must be at most 64, each 1 to 128 printable characters");
  if (!isLineList(row.pins, 16, 256)) return refuse("pins must be at most 16, each 1 to 256 printable characters");
  if (!isMetadata(row.metadata)) {
    return refuse("metadata must be at most 64 names of 1 to 128 characters, each with text of at most 4,096");
  }
  const profile = row.profile === undefined ? undefined : copyProfile(row.profile);
  if (row.profile !== undefined && profile === undefined) {
    return new Refusal(
      "invalid_profile",
      `profile must be plain JSON of at most 64 KiB that names requests by purpose; its ${deliveryOptionsRule}`,
    );
  }
  const login = profile && loginIn(profile);
  if (login !== undefined) return new Refusal("invalid_profile", login);
  const credentials = row.credentials === undefined ? undefined : readCredentials(row.credentials);
  if (row.credentials !== undefined && credentials === undefined) return refuse(credentialsRule);
  return Object.freeze({
    id: row.id,
    address: row.address,
    ...present("name", row.name),
    ...present("delivery", row.delivery),
    ...present("probe", row.probe),
    ...present("profile", profile),
    ...present("profileId", row.profileId),
    ...present("credentials", credentials),
    ...present("pins", row.pins && Object.freeze([...row.pins])),
    ...present("group", row.group),
    ...present("tags", row.tags && Object.freeze([...new Set(row.tags)])),
    ...present("site", row.site),
    ...present("location", row.location),
    ...present("metadata", row.metadata && Object.freeze(Object.fromEntries(Object.entries(row.metadata)))),
  });
}

const refuse = (reason: string): DeviceRefusal => new Refusal("invalid_device", reason);

function present<Name extends string, Value>(name: Name, value: Value | undefined): { readonly [N in Name]?: Value } {
  return (value === undefined ? {} : { [name]: value }) as { readonly [N in Name]?: Value };
}

export function isIfRevision(value: unknown): boolean {
  return value === undefined || (Number.isSafeInteger(value) && Number(value) >= 0);
}

// The transport decides whether an address can be spoken to; here only what could never be one is kept out.
function isAddress(value: unknown): boolean {
  return isPrintable(value, 2_048) && /^https?:\/\/[^\s/?#@\\]+\/?$/i.test(value);
}

function isLineList(value: unknown, count: number, most: number): boolean {
  if (value === undefined) return true;
  return Array.isArray(value) && value.length <= count && value.every((line) => isPrintable(line, most));
}

function isMetadata(value: unknown): boolean {
  if (value === undefined) return true;
  if (!isRecord(value)) return false;
  const entries = Object.entries(value);
  const isEntry = ([name, text]: [string, unknown]) =>
    isPrintable(name, 128) && !isReservedName(name) && isText(text, 4_096);
  return entries.length <= 64 && entries.every(isEntry);
}

/** Its shape by purpose; what a request and `options` may hold is for the delivery to check when it compiles the profile. */
function copyProfile(value: unknown): Profile | undefined {
  const copied = copyPlain(value, { depth: 8, size: 65_536 });
  if (!isRecord(copied)) return undefined;
  const isRequest = ([purpose, request]: [string, unknown]) =>
    purpose === "options"
      ? readDeliveryOptions(request) !== undefined
      : isPurpose(purpose) &&
        (isRecord(request) || (request === false && (purpose === "inspect" || purpose === "health")));
  return Object.entries(copied).every(isRequest) ? (copied as Profile) : undefined;
}

/** What is wrong with the headers of its requests, if one of them holds a login. */
function loginIn(profile: Profile): string | undefined {
  for (const [purpose, request] of Object.entries(profile)) {
    const name = isRecord(request) ? loginAmong(request["headers"]) : undefined;
    if (name !== undefined) return `profile.${purpose}.headers must not hold ${JSON.stringify(name)}: ${loginRule}`;
  }
  return undefined;
}
