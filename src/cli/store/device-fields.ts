import type { DeviceCredentials, DeviceInput, RegisteredDevice, SecretReference } from "../../core/index.ts";
import { given } from "../given.ts";
import { UsageError } from "../usage-error.ts";
import { pairsOf } from "../values.ts";

/** Flags that say what a device is. */
export interface DeviceFieldFlags {
  readonly address?: string;
  readonly name?: string;
  readonly via?: string;
  readonly probe?: string;
  readonly profile?: string;
  readonly group?: string;
  readonly site?: string;
  readonly location?: string;
  readonly tag?: readonly string[];
  readonly pin?: readonly string[];
  readonly meta?: readonly string[];
  readonly unset?: readonly string[];
  readonly user?: string;
  readonly passwordEnv?: string;
  readonly passwordFile?: string;
  readonly tokenEnv?: string;
  readonly tokenFile?: string;
}

export const deviceFieldRows: readonly (readonly [flags: string, description: string])[] = [
  ["--address <address>", "http(s)://host[:port]"],
  ["--name <name>", "a name for people"],
  ["--via <kind>", "how it is spoken to, where that is not the usual way"],
  ["--probe <kind>", "how it is read, where that is another kind"],
  ["--profile <id>", "the profile that says how it is spoken to"],
  ["--group <group>", "the group it belongs to; profiles are overridden per group"],
  ["--site <site>", "where it stands"],
  ["--location <location>", "where exactly"],
  ["--tag <tag>", "a label; repeatable"],
  ["--pin <pin>", "certificate pin: sha256/<base64>, or a fingerprint; repeatable"],
  ["--meta <name=value>", "anything else; repeatable"],
  ["--user <name>", "whom it lets in; of the password only the place is kept:"],
  ["--password-env <name>", "an environment variable, FLASHWAVE_SECRET_…"],
  ["--password-file <name>", "or a file in the folder that --secrets names when the device is spoken to"],
  ["--token-env <name>", "the same for a bearer token"],
  ["--token-file <name>", "the same for a bearer token"],
];

/** Where a login is to be found. A file is named, not read: it may be another machine's that speaks to the device. */
function credentialsOf(flags: DeviceFieldFlags): DeviceCredentials | undefined {
  const { user: username, passwordEnv, passwordFile, tokenEnv, tokenFile } = flags;
  const given = [passwordEnv, passwordFile, tokenEnv, tokenFile].filter((place) => place !== undefined);
  if (given.length === 0 && username === undefined) return undefined;
  if (given.length !== 1)
    throw new UsageError("Give one of --password-env, --password-file, --token-env and --token-file.");
  const isToken = tokenEnv !== undefined || tokenFile !== undefined;
  if (isToken !== (username === undefined)) throw new UsageError("A password goes with --user, a token without.");
  const [env, file] = [passwordEnv ?? tokenEnv, passwordFile ?? tokenFile];
  const place = (env === undefined ? { file } : { env }) as SecretReference;
  return username === undefined ? { token: place } : { username, password: place };
}

export const repeatableFields: readonly string[] = ["tag", "pin", "meta", "unset"];

/** The fields of a device by the flags that set them. */
const fieldOf = {
  name: "name",
  via: "delivery",
  probe: "probe",
  profile: "profileId",
  group: "group",
  site: "site",
  location: "location",
  tag: "tags",
  pin: "pins",
  meta: "metadata",
  user: "credentials",
} as const satisfies { readonly [Flag in keyof DeviceFieldFlags]?: keyof DeviceInput };

export const unsetRow: readonly [flags: string, description: string] = [
  "--unset <field>",
  `takes one away: ${Object.keys(fieldOf).join(", ")}; repeatable`,
];

/** What the flags say of a device, field by field. A bare host is http://. */
export function deviceFieldsOf(flags: DeviceFieldFlags): Partial<DeviceInput> {
  const {
    address,
    name,
    via: delivery,
    probe,
    profile: profileId,
    group,
    site,
    location,
    tag: tags,
    pin: pins,
  } = flags;
  return given({
    address: address === undefined || /^[a-z][a-z\d+.-]*:\/\//i.test(address) ? address : `http://${address}`,
    name,
    delivery,
    probe,
    profileId,
    group,
    site,
    location,
    tags,
    pins,
    metadata: flags.meta === undefined ? undefined : pairsOf("--meta", flags.meta),
    credentials: credentialsOf(flags),
  });
}

/** A device as it is, with what the flags change. Tags and pins are replaced, metadata is changed name by name. */
export function changedDevice(row: RegisteredDevice, flags: DeviceFieldFlags): DeviceInput {
  const { status: _, lastSeen: __, firmware: ___, evidence: ____, createdAt, updatedAt, revision, ...registered } = row;
  const fields = deviceFieldsOf(flags);
  const metadata = fields.metadata && { ...row.metadata, ...fields.metadata };
  const changed = new Map<string, unknown>(Object.entries({ ...registered, ...fields, ...(metadata && { metadata }) }));
  for (const name of flags.unset ?? []) changed.delete(unsettable(name, fields));
  return { ...Object.fromEntries(changed), ifRevision: revision } as unknown as DeviceInput;
}

function unsettable(name: string, fields: Partial<DeviceInput>): string {
  const field = Object.hasOwn(fieldOf, name) ? fieldOf[name as keyof typeof fieldOf] : undefined;
  if (field === undefined) throw new UsageError(`--unset takes one of ${Object.keys(fieldOf).join(", ")}.`);
  if (fields[field] !== undefined) throw new UsageError(`--unset ${name} and --${name} exclude each other.`);
  return field;
}
