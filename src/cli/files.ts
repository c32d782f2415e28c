import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import type { TlsFiles } from "./client-options.ts";
import { type Entry, entriesOf, linesOf } from "./devices.ts";
import type { Flags } from "./flags.ts";
import { UsageError } from "./usage-error.ts";

/** What `--to` and `--to-file` name. */
export async function readEntries({ to = [], toFile }: Flags): Promise<Entry[]> {
  const listed = toFile === undefined ? [] : linesOf("--to-file", await readText("--to-file", toFile));
  return [...entriesOf("--to", to), ...listed];
}

export async function readTlsFiles({ ca, cert, key }: Flags): Promise<TlsFiles> {
  const files: { -readonly [Name in keyof TlsFiles]: TlsFiles[Name] } = {};
  if (ca !== undefined) files.ca = await readText("--ca", ca);
  if (cert !== undefined) files.cert = await readText("--cert", cert);
  if (key !== undefined) files.key = await readText("--key", key);
  return files;
}

/** @param path `-` for standard input, of a list of devices alone: what is secret is not piped through here */
export async function readText(flag: string, path: string): Promise<string> {
  try {
    if (path === "-" && flag === "--to-file") return await text(process.stdin);
    return await readFile(path, "utf8");
  } catch (error) {
    const { code = "unreadable" } = error as NodeJS.ErrnoException;
    throw new UsageError(`${flag}: ${JSON.stringify(path)} could not be read (${code}).`);
  }
}
