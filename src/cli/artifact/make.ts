import { basename } from "node:path";
import { openArtifact } from "../../bytes/index.ts";
import { isFlashwaveError } from "../../core/index.ts";
import {
  documentDigest,
  generateKeys,
  parseApproval,
  parseManifest,
  signDocument,
  signMinisign,
  timeOf,
  trustedKeys,
  writeApproval,
  writeManifest,
} from "../../trust/index.ts";
import type { Io } from "../job.ts";
import { printable } from "../text.ts";
import { UsageError } from "../usage-error.ts";
import { fromFile, readStart, requireNature } from "./documents.ts";
import {
  expiryOf,
  type PassphraseFlags,
  readPassphrase,
  readSigningKey,
  type SigningKey,
  signaturePath,
  writeNew,
} from "./files.ts";

type Print = (line: string) => void;
export const printer =
  ({ stdout }: Pick<Io, "stdout">): Print =>
  (line) =>
    void stdout.write(`${printable(line)}\n`);

/** `<name>.key` for its owner alone, and `<name>.pub` for everybody. */
export async function keygen(name: string, flags: PassphraseFlags, print: Print): Promise<void> {
  const { privateKey, publicKey } = generateKeys(await readPassphrase(flags));
  await writeNew(`${name}.key`, privateKey, 0o600);
  await writeNew(`${name}.pub`, publicKey, 0o644);
  print(`${name}.key  private: keep it to yourself`);
  print(`${name}.pub  public, id ${trustedKeys("key", [publicKey])[0]?.id}`);
}

export interface SignFlags extends PassphraseFlags {
  readonly key: string;
  readonly manifest?: string;
  readonly minisign?: boolean;
  readonly firmwareVersion?: string;
  readonly sequence?: string;
  readonly expires?: string;
  readonly hardware?: readonly string[];
  readonly minimumVersion?: string;
  readonly name?: string;
}

/** Writes the artifact's manifest beside it and signs it, or signs the plain file as minisign does. */
export async function sign(path: string, flags: SignFlags, io: Io, print: Print): Promise<void> {
  const signer = await readSigningKey(flags);
  await using artifact = await openArtifact(path, { signal: io.signal });
  if (flags.minisign === true) {
    const hash = Buffer.from(await artifact.payload.hash("blake2b512"), "hex");
    const comment = `timestamp:${Math.floor(Date.now() / 1_000)}\tfile:${artifact.name}\tprehashed`;
    await writeNew(`${path}.minisig`, signMinisign(hash, signer.key, comment), 0o644);
    return print(`${path}.minisig`);
  }
  const { firmwareVersion: version, sequence, expires, hardware, minimumVersion, name = basename(path) } = flags;
  if (version === undefined || sequence === undefined || expires === undefined)
    throw new UsageError("A manifest takes --firmware-version, --sequence and --expires.");
  if (!/^\d{1,15}$/.test(sequence))
    throw new UsageError("--sequence takes a whole number that rises with every release.");
  const fields = {
    name,
    version,
    sequence: Number(sequence),
    length: artifact.length,
    sha256: artifact.digest,
    ...(hardware !== undefined && { hardware }),
    ...(minimumVersion !== undefined && { minimumVersion }),
    expires: expiryOf(expires, Date.now()),
  };
  const document = asTyped(() => writeManifest(fields));
  await written(flags.manifest ?? `${path}.manifest.json`, document, signer, print);
}

export interface ApproveFlags extends PassphraseFlags {
  readonly key: string;
  readonly device: readonly string[];
  readonly expires: string;
  readonly reason?: string;
  readonly out?: string;
}

/** Writes and signs an approval to bring devices back to what a manifest names. */
export async function approve(path: string, flags: ApproveFlags, print: Print): Promise<void> {
  const signer = await readSigningKey(flags);
  const document = await readStart(path);
  requireNature(path, document, "a manifest");
  fromFile(path, () => parseManifest(document));
  const fields = {
    manifest: documentDigest({ document }),
    devices: flags.device,
    expires: expiryOf(flags.expires, Date.now()),
    ...(flags.reason !== undefined && { reason: flags.reason }),
  };
  const approval = asTyped(() => writeApproval(fields));
  await written(flags.out ?? approvalPath(path), approval, signer, print);
}

/** Not `<manifest>.…`: what lies beside a manifest under its whole name is taken for its signatures. */
const approvalPath = (manifest: string): string =>
  `${manifest.replace(/\.json$/, "")}.approval-${timeOf(Date.now()).slice(0, 10)}.json`;

/** A further signature of a manifest or an approval that is there. */
export async function cosign(
  path: string,
  flags: PassphraseFlags & { readonly key: string },
  print: Print,
): Promise<void> {
  const signer = await readSigningKey(flags);
  const document = await readStart(path);
  const nature = requireNature(path, document, "a manifest", "an approval");
  fromFile(path, () => (nature === "a manifest" ? parseManifest(document) : parseApproval(document)));
  await signed(path, document, signer, print);
}

/** What is wrong with a document that is being made was typed just now. */
function asTyped(write: () => Uint8Array): Uint8Array {
  try {
    return write();
  } catch (error) {
    if (!isFlashwaveError(error)) throw error;
    throw new UsageError(error.message.replace(/ Get it anew.*$/, ""));
  }
}

async function written(path: string, document: Uint8Array, signer: SigningKey, print: Print): Promise<void> {
  await writeNew(path, document, 0o644);
  print(path);
  await signed(path, document, signer, print);
}

async function signed(path: string, document: Uint8Array, { key, id }: SigningKey, print: Print): Promise<void> {
  const at = signaturePath(path, id);
  await writeNew(at, signDocument(document, key), 0o644);
  print(at);
}
