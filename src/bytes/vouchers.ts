import { readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Artifact, SignedDocument } from "../core/artifact.ts";
import { fileSource, unreadable } from "./file-source.ts";
import { isPath, type OpenSettings } from "./open-options.ts";
import { pathOf } from "./path.ts";

/** What an artifact carries for whoever decides whether to trust it. */
export type Vouchers = Pick<Artifact, "manifest" | "minisign">;

/** A document has at most 64 KiB; one byte more is read, so that whoever judges it sees that it is too long. */
const mostBytes = 65_537;
/** A raw Ed25519 signature, and one byte more. */
const signatureBytes = 65;
/** One more than are ever looked at. */
const mostSignatures = 33;

/** Reads what was given as a path. Nothing is read for an artifact that was given neither. */
export async function readVouchers({ manifest, minisign }: Pick<OpenSettings, keyof Vouchers>): Promise<Vouchers> {
  return {
    ...(manifest !== undefined && { manifest: isPath(manifest) ? await readSignedDocument(manifest) : manifest }),
    ...(minisign !== undefined && {
      minisign: isPath(minisign) ? await readStart(pathOf(minisign), mostBytes) : minisign,
    }),
  };
}

/**
 * Reads a document and the signatures that lie beside it: `<path>.sig` and `<path>.<anything>.sig`, each 64 raw bytes, as
 * `flashwave artifact sign` and `openssl pkeyutl -sign -rawin` write them. Nothing of it is judged here.
 * @throws `artifact_unreadable`
 */
export async function readSignedDocument(source: string | URL): Promise<SignedDocument> {
  const path = pathOf(source);
  const document = await readStart(path, mostBytes);
  const folder = dirname(path);
  const begins = `${basename(path)}.`;
  const names = await readdir(folder).catch((cause: unknown) => {
    throw unreadable(folder, "artifact", cause);
  });
  const ours = names.filter((name) => name.startsWith(begins) && name.endsWith(".sig")).toSorted();
  const signatures: Uint8Array[] = [];
  for (const name of ours.slice(0, mostSignatures))
    signatures.push(await readStart(join(folder, name), signatureBytes));
  return Object.freeze({ document, signatures: Object.freeze(signatures) });
}

async function readStart(path: string, most: number): Promise<Uint8Array> {
  const source = await fileSource(path);
  const bytes = new Uint8Array(Math.min(source.length, most));
  const reader = await source.open("artifact");
  try {
    await reader.read(bytes, 0, "none");
  } finally {
    await reader.close();
  }
  return bytes;
}
