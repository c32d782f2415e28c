import type { ProfileItem } from "../../core/index.ts";
import { inFlags } from "../words.ts";

/* Why a store refused a row, in the words of whoever wrote it: flags, a file of JSON, or the columns of a table. */

/** Where a field of a row has another name on the command line. */
const flags: Readonly<Record<string, string>> = {
  address: "--address",
  name: "--name",
  description: "--description",
  delivery: "--via",
  probe: "--probe",
  profileId: "--profile",
  group: "--group",
  device: "--device",
  site: "--site",
  location: "--location",
  tags: "--tag",
  pins: "--pin",
  metadata: "--meta",
  options: "--option",
};

const sentences: readonly (readonly [theirs: string, ours: string])[] = [
  [
    "credentials must be { username, password } or { token }, with { env } or { file } in place of the secret",
    "--password-env and --token-env take the name of a variable, --password-file and --token-file that of a file, and --user a name without a colon",
  ],
  [" with scope group, else absent", ""],
  [" with scope device, else absent", ""],
  [
    "requests.inspect must name at most one of pointer, text and pattern",
    "the version stands in at most one of --pointer, --text and --pattern",
  ],
];

const login: readonly [theirs: string, ours: string] = [
  "a device's credentials say where its login is to be found, and what they cannot say goes with the call",
  "flashwave device set says where a device's login is to be found (--token-env, --token-file, or --user with --password-env or --password-file), and what is no password and no bearer token goes with the call (--header of update)",
];

/** As the columns are called; what the SDK calls a registry is a store here. */
export function reasonInColumns(reason: string): string {
  return reason
    .replaceAll("of a base profile of this registry", "of a profile of the store, not of an override")
    .replaceAll("of this registry", "of the store");
}

export function reasonInFlags(reason: string): string {
  const said = sentences.reduce((text, [theirs, ours]) => text.replace(theirs, ours), reasonInColumns(reason));
  const named = said
    .replace(/^(\w+) must\b/, (whole, field: string) => (Object.hasOwn(flags, field) ? `${flags[field]} must` : whole))
    // All that flags say of items are headers.
    .replace(
      /^items\[\d+\]\.value must be text of at most 8,192 characters, in a header/,
      "--header holds at most 8,192 characters,",
    )
    .replace(/^items\[\d+\]\.name must not be/, "--header must not be")
    .replace(...login)
    .replace(/^requests\./, "");
  return inFlags(named);
}

/** In a file the requests stand by purpose, and the items within them. */
export function reasonInFile(reason: string, items: readonly ProfileItem[]): string {
  return reasonInColumns(reason)
    .replace(...login)
    .replace(/^requests\./, "")
    .replace(/^items\[(\d+)\]/, (whole, at: string) => {
      const item = items[Number(at)];
      return item === undefined ? whole : `${item.purpose}.${places[item.kind]}[${JSON.stringify(item.name)}]`;
    });
}

const places: Readonly<Record<ProfileItem["kind"], string>> = {
  header: "headers",
  query: "query",
  form: "form",
  check: "checks",
};
