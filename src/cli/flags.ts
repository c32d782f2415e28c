import { Command, Option } from "commander";
import { type LimitedFlag, rangeOf } from "./limits.ts";
import { type FilterFlags, filterRows } from "./store/filter.ts";
import { type StoreFlags, storeRows } from "./store/open.ts";
import { kinds } from "./wire.ts";

/** The options of the device commands, as the command line has them: texts, none of them read yet. */
export interface Flags extends StoreFlags, FilterFlags {
  /** Every device of the store. */
  readonly all?: boolean;
  readonly to?: readonly string[];
  readonly toFile?: string;
  readonly id?: string;
  readonly via?: string;
  readonly serveHost?: string;
  readonly servePort?: string;
  readonly serveUrl?: string;
  readonly probe?: string;
  readonly option?: readonly string[];
  readonly firmwareVersion?: string;
  readonly digest?: string;
  readonly manifest?: string;
  readonly minisign?: string;
  readonly trustedKey?: readonly string[];
  readonly threshold?: string;
  readonly approval?: readonly string[];
  readonly approvalKey?: readonly string[];
  readonly method?: string;
  readonly path?: string;
  readonly versionPath?: string;
  readonly versionPort?: string;
  readonly pointer?: string;
  readonly pattern?: string;
  readonly digestPointer?: string;
  readonly bootPointer?: string;
  readonly hardwarePointer?: string;
  readonly text?: boolean;
  readonly healthPath?: string;
  readonly activatePath?: string;
  readonly commitPath?: string;
  readonly rollbackPath?: string;
  /** False: `--no-health`. */
  readonly health?: boolean;
  readonly header?: readonly string[];
  readonly user?: string;
  readonly passwordFile?: string;
  readonly passwordEnv?: string;
  readonly tokenFile?: string;
  readonly tokenEnv?: string;
  readonly secrets?: string;
  readonly permit?: readonly string[];
  readonly concurrency?: string;
  readonly rate?: string;
  readonly attempts?: string;
  readonly quietPeriod?: string;
  readonly deadline?: string;
  readonly stableFor?: string;
  /** False: `--no-new-boot`. */
  readonly newBoot?: boolean;
  readonly connectTimeout?: string;
  readonly stallTimeout?: string;
  readonly responseTimeout?: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly pin?: readonly string[];
  readonly force?: boolean;
  /** False: `--no-verify`. */
  readonly verify?: boolean;
  readonly record?: string;
  readonly deviceWords?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

type Row = readonly [flags: string, description: string];

/** A row whose values have limits. */
const limited = (flag: LimitedFlag, value: string, description: string, usual: string): Row => [
  `${flag} <${value}>`,
  `${description} (${rangeOf(flag)}, default: ${usual})`,
];

/** Given again, each of these adds one more value. */
const repeatable: ReadonlySet<string> = new Set([
  "approval",
  "approvalKey",
  "header",
  "option",
  "pin",
  "tag",
  "trustedKey",
]);
const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

const devices: readonly Row[] = [
  ["--to <address...>", "devices: http(s)://host[:port], id=address, or an id of the store; see below for more"],
  ["--to-file <file>", "devices from a file, one per line; # begins a comment; - is standard input"],
  ["--id <id>", "the id of the device, where there is one"],
];

const stored: readonly Row[] = [...storeRows, ["--all", "every device of the store"], ...filterRows];

const protocol: readonly Row[] = [
  ["--via <kind>", `how devices are spoken to: ${kinds.join(", ")} (default: ${kinds[0]})`],
  ["--probe <kind>", "how they are read, where that is another kind"],
  ["--option <name=value>", "what else the kind takes: a number, true, false, or text; repeatable"],
];

const artifact: readonly Row[] = [
  ["--firmware-version <version>", "the version a device reports once it runs the artifact"],
  ["--digest <sha256>", "the SHA-256 that the artifact must have"],
];

const admission: readonly Row[] = [
  ["--trusted-key <file>", "who may sign: a public key, PEM or minisign; nothing unsigned is sent then; repeatable"],
  limited("--threshold", "count", "how many different trusted keys must have signed the manifest", "1"),
  ["--manifest <file>", "the artifact's signed manifest; its signatures lie beside it, as <file>.….sig"],
  ["--minisign <file>", "the artifact's minisign signature instead"],
  ["--approval <file>", "a signed approval of a downgrade; its signatures lie beside it; repeatable"],
  ["--approval-key <file>", "who may sign approvals: a public key, PEM; repeatable"],
];

const send: readonly Row[] = [
  ["--method <method>", "of the request that carries the artifact (default: POST)"],
  ["--path <path>", "where it goes (default: /update)"],
  ["--rate <bytes/s>", "for all devices together: 500K, 2M, 1G (K is 1000)"],
  limited("--attempts", "count", "attempts to send in all", "3"),
  limited("--quiet-period", "duration", "the old version must show for so long before a send is repeated", "5s"),
  ["--activate-path <path>", "where the device is told to install, if it must be told"],
  ["--serve-host <address>", "for devices that fetch: where to listen for them (default: 127.0.0.1)"],
  ["--serve-port <port>", "and at which port (default: any free one)"],
  ["--serve-url <url>", "and what they are told instead, where a proxy or another address leads here"],
];

const read: readonly Row[] = [
  ["--version-path <path>", "where the version is read (default: /version)"],
  ["--version-port <port>", "at another port of the device; neither --header nor a login is sent there"],
  ["--pointer <pointer>", "JSON pointer to the version in the answer (default: /version)"],
  ["--pattern <regexp>", "the version is its first group instead"],
  ["--text", "the whole answer is the version instead"],
  ["--digest-pointer <pointer>", "JSON pointer to the SHA-256 of what runs: proves more than a version"],
  ["--boot-pointer <pointer>", "JSON pointer to the boot id (default: /bootId)"],
  ["--hardware-pointer <pointer>", "JSON pointer to the hardware id, where a manifest names some"],
];

const proof: readonly Row[] = [
  ["--health-path <path>", "where health is asked (default: /health)"],
  ["--no-health", "do not ask for health"],
  limited("--deadline", "duration", "until an unproven verification ends", "15m"),
  limited("--stable-for", "duration", "how long a device must be seen running it", "5s"),
  ["--no-new-boot", "also where a device that tells of its boots did not restart"],
];

const wire: readonly Row[] = [
  ["--header <header>", '"name: value", sent with every request; repeatable'],
  ["--user <name>", "to log in with, as the devices ask for it; over plain http see --option auth=basic"],
  ["--password-file <file>", "its password"],
  ["--password-env <name>", "the environment variable that holds its password"],
  ["--token-file <file>", "a bearer token, sent with every request"],
  ["--token-env <name>", "the environment variable that holds the token"],
  ["--secrets <folder>", "where the files are that devices of the store name for their logins"],
  ["--permit <cidr...>", "addresses to permit beside those that are typed"],
  limited("--connect-timeout", "duration", "to open a connection", "10s"),
  limited("--stall-timeout", "duration", "while a device takes no bytes", "60s"),
  limited("--response-timeout", "duration", "from the last byte to the answer", "30s"),
  limited("--concurrency", "count", "devices under way at once", "64"),
  ["--ca <file>", "certificate authorities to trust, PEM"],
  ["--cert <file>", "this client's certificate, PEM"],
  ["--key <file>", "this client's private key, PEM"],
  ["--pin <pin>", "certificate pin: sha256/<base64>, or a fingerprint; repeatable"],
];

const output: readonly Row[] = [
  ["--json", "results as JSON, one document per line"],
  ["--quiet", "no progress"],
  ["--device-words", "with an error, what the device said: anything, what it was sent included"],
];

const update: readonly Row[] = [
  ["--force", "also where the device already runs the artifact"],
  ["--no-verify", "end when the device has the bytes; prove nothing"],
  ["--commit-path <path>", "where a trial is ended once the version was proven"],
  ["--rollback-path <path>", "where a trial is ended by going back, if it proved unhealthy"],
];

const ofProfiles: ReadonlySet<string> = new Set(
  ["--method", "--path", "--activate-path", "--commit-path", "--rollback-path", "--health-path", "--no-health"].concat([
    "--version-path",
    "--version-port",
    "--pointer",
    "--pattern",
    "--text",
    "--digest-pointer",
    "--boot-pointer",
    "--hardware-pointer",
    "--header",
    "--option",
  ]),
);

/** The options that say how devices are spoken to: what a profile keeps. */
export const profileRows: readonly Row[] = [send, read, proof, update, wire, protocol]
  .flat()
  .filter(([flags]) => ofProfiles.has(flags.split(" ", 1)[0] ?? ""));

const recorded: readonly Row[] = [
  [
    "--record <folder>",
    "keep a record of each delivery there: JSON, one file per device (one device: or a .json file)",
  ],
];

export type DeviceCommand = "push" | "verify" | "update" | "inspect";

/** Which options a command takes. */
const sets: Readonly<Record<DeviceCommand, readonly (readonly Row[])[]>> = {
  push: [devices, stored, protocol, artifact, admission, send, read, wire, recorded, output],
  verify: [devices, stored, protocol, artifact, read, proof, wire, output],
  update: [devices, stored, protocol, artifact, admission, send, read, proof, update, wire, recorded, output],
  inspect: [devices, stored, protocol, read, wire, output],
};

/** Under which of these an option stands in the help. */
const headings: ReadonlyMap<readonly Row[], string> = new Map([
  [devices, "Devices:"],
  [stored, "Store:"],
  [protocol, "Protocol:"],
  [artifact, "Artifact:"],
  [admission, "Trust:"],
  [send, "Sending:"],
  [read, "Reading:"],
  [proof, "Proof:"],
  [update, "Updating:"],
  [wire, "Connection and login:"],
  [recorded, "Output:"],
  [output, "Output:"],
]);

/** A command of the command line with its options, doing nothing yet. */
export function deviceCommand(name: DeviceCommand, description: string): Command {
  const command = new Command(name).description(description);
  for (const [set, [flags, text]] of sets[name].flatMap((rows) => rows.map((row) => [rows, row] as const))) {
    const option = new Option(flags, text).helpGroup(headings.get(set) ?? "Options:");
    command.addOption(repeatable.has(option.attributeName()) ? option.argParser(collect) : option);
  }
  return command;
}
