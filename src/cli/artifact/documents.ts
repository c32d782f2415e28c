import { createReadStream } from "node:fs";
import { buffer } from "node:stream/consumers";
import { isFlashwaveError } from "../../core/index.ts";
import { printable } from "../text.ts";
import { UsageError } from "../usage-error.ts";

/* Files that were typed: what they are is seen before anything is made of them, since another one is easily named. */

export type Nature =
  | "a manifest"
  | "an approval"
  | "a public key"
  | "a private key"
  | "a minisign public key"
  | "a minisign signature";

const signs: readonly (readonly [sign: RegExp, nature: Nature])[] = [
  [/PRIVATE KEY-----|encrypted secret key/, "a private key"],
  [/"flashwave\.manifest\//, "a manifest"],
  [/"flashwave\.downgrade-approval\//, "an approval"],
  [/BEGIN PUBLIC KEY/, "a public key"],
  [/^trusted comment: /m, "a minisign signature"],
  [/(?:^|\n)RW[\w+/=]+\s*$/, "a minisign public key"],
];

/** What a file seems to be. It may be a damaged one all the same. */
export const natureOf = (document: Uint8Array): Nature | undefined =>
  signs.find(([sign]) => sign.test(Buffer.from(document).toString("latin1")))?.[1];

/** A document has at most 64 KiB; one byte more is read, so that whoever judges it sees that it is too long. */
const mostBytes = 65_537;

/** The beginning of a file: a whole document, or enough of something else to see that it is none. */
export async function readStart(path: string): Promise<Uint8Array> {
  return buffer(createReadStream(path, { end: mostBytes - 1 })).catch(
    ({ code = "unreadable" }: NodeJS.ErrnoException) => {
      throw new UsageError(`${quoted(path)} could not be read (${code}).`);
    },
  );
}

/** @throws `UsageError` that says what the file is not, and what it is where that can be told */
export function requireNature(path: string, document: Uint8Array, ...wanted: readonly Nature[]): Nature {
  const nature = natureOf(document);
  if (nature !== undefined && wanted.includes(nature)) return nature;
  const found = nature === undefined ? "" : `; it is ${nature}`;
  throw new UsageError(`${quoted(path)} is ${noneOf(wanted)}${found}.`);
}

/** What is wrong with a file that was only to be shown or signed is wrong with what was typed. */
export function fromFile<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!isFlashwaveError(error)) throw error;
    throw new UsageError(`${quoted(path)}: ${error.message}`);
  }
}

function noneOf(wanted: readonly Nature[]): string {
  const last = wanted.at(-1);
  return wanted.length === 1 ? `not ${last}` : `neither ${wanted.slice(0, -1).join(", ")} nor ${last}`;
}

const quoted = (path: string): string => JSON.stringify(printable(path));
