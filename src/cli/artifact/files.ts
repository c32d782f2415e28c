import type { KeyObject } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { isFlashwaveError, type Secret } from "../../core/index.ts";
import { publicKeyOf, readPrivateKey, trustedKeys } from "../../trust/index.ts";
import { readSecret } from "../credentials.ts";
import { readText } from "../files.ts";
import { UsageError } from "../usage-error.ts";

/** Writes a file that is not there yet: a key or a signature is never replaced by accident. */
export async function writeNew(path: string, content: string | Uint8Array, mode: number): Promise<void> {
  try {
    await writeFile(path, content, { flag: "wx", mode });
  } catch (error) {
    const { code = "failed" } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") throw new UsageError(`${JSON.stringify(path)} is there already, and is not overwritten.`);
    throw new UsageError(`${JSON.stringify(path)} could not be written (${code}).`);
  }
}

export interface PassphraseFlags {
  readonly passphraseFile?: string;
  readonly passphraseEnv?: string;
}

export const readPassphrase = ({ passphraseFile, passphraseEnv }: PassphraseFlags): Promise<Secret | undefined> =>
  readSecret("passphrase", passphraseFile, passphraseEnv);

export interface SigningKey {
  readonly key: KeyObject;
  /** Of its public key. */
  readonly id: string;
}

/** The private key that `--key` names. */
export async function readSigningKey(flags: PassphraseFlags & { readonly key: string }): Promise<SigningKey> {
  const pem = await readText("--key", flags.key);
  const passphrase = await readPassphrase(flags);
  try {
    const key = readPrivateKey(pem, passphrase);
    const [{ id } = { id: "" }] = trustedKeys("--key", [publicKeyOf(key)]);
    return { key, id };
  } catch (error) {
    if (!isFlashwaveError(error)) throw error;
    throw new UsageError(
      `--key: ${error.message} See --passphrase-file and --passphrase-env for one that is encrypted.`,
    );
  }
}

/** Where the signature of a document by one key lies: `openssl pkeyutl -verify -rawin -sigfile` takes it as it is. */
export const signaturePath = (document: string, id: string): string => `${document}.${id.slice(0, 16)}.sig`;

/** `2027-01-31T00:00:00Z`, or days from now: `90d`. What is over already would be admitted by nobody. */
export function expiryOf(text: string, now: number): string {
  const days = /^([1-9]\d{0,3})d$/.exec(text)?.[1];
  if (days === undefined) {
    if (Date.parse(text) <= now) throw new UsageError(`--expires ${text} is over: nothing would admit what is signed.`);
    return text;
  }
  return `${new Date(now + Number(days) * 86_400_000).toISOString().slice(0, 19)}Z`;
}
