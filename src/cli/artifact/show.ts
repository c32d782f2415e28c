import { existsSync } from "node:fs";
import { openArtifact, readSignedDocument } from "../../bytes/index.ts";
import { isFlashwaveError } from "../../core/index.ts";
import { examineArtifact } from "../../push/index.ts";
import {
  documentDigest,
  minisignKeyOf,
  minisignKeys,
  parseApproval,
  parseManifest,
  parseMinisign,
  trustedKeys,
} from "../../trust/index.ts";
import { readAdmission, withManifestVersion } from "../admission.ts";
import { exitCodes, isRefusal } from "../exit-codes.ts";
import type { Flags } from "../flags.ts";
import type { Io } from "../job.ts";
import { printable } from "../text.ts";
import { UsageError } from "../usage-error.ts";
import { inFlags } from "../words.ts";
import { fromFile, type Nature, natureOf, readStart, requireNature } from "./documents.ts";

type Print = (line: string) => void;

export type VerifyFlags = Pick<Flags, "trustedKey" | "threshold" | "manifest" | "minisign" | "firmwareVersion">;

/** Holds an artifact against what the keys given are to have signed; without a device. @returns the exit code */
export async function verify(path: string, given: VerifyFlags, io: Io, print: Print): Promise<number> {
  const manifest = given.manifest ?? (given.minisign === undefined ? `${path}.manifest.json` : undefined);
  const chosen = manifest === undefined ? given : { ...given, manifest };
  const { admission } = await readAdmission(chosen);
  if (admission === undefined) throw new UsageError("Give --trusted-key: say whose signatures are to be believed.");
  if (given.manifest === undefined && manifest !== undefined && !existsSync(manifest))
    throw new UsageError(`There is no ${JSON.stringify(printable(manifest))}; give --manifest or --minisign.`);
  try {
    const { firmwareVersion: version, minisign } = await withManifestVersion(chosen);
    await using artifact = await openArtifact(path, {
      signal: io.signal,
      ...(version !== undefined && { version }),
      ...(manifest !== undefined && { manifest }),
      ...(minisign !== undefined && { minisign }),
    });
    const { keys, sequence } = await examineArtifact(artifact, admission);
    const what = sequence === undefined ? "plain file" : `version ${artifact.version}, sequence ${sequence}`;
    print(`${artifact.name}  ${what}, sha256 ${artifact.digest}`);
    for (const id of keys) print(`signed by ${id}`);
    return exitCodes.ok;
  } catch (error) {
    if (!isFlashwaveError(error) || !isRefusal(error)) throw error;
    print(`${error.code}: ${inFlags(error.message.replace(/ Nothing was sent\.$/, ""))}`);
    return exitCodes.refused;
  }
}

const shown = ["a manifest", "an approval", "a public key", "a minisign public key", "a minisign signature"] as const;

/** What a manifest, an approval, a public key or a minisign signature says. It does not say that any of it is true. */
export async function inspect(path: string, print: Print): Promise<void> {
  const document = await readStart(path);
  if (natureOf(document) === "a private key")
    throw new UsageError("This is a private key; its public key can be shown.");
  const nature = requireNature(path, document, ...shown);
  if (nature === "a manifest" || nature === "an approval") return inspectDocument(path, nature, print);
  const text = Buffer.from(document).toString();
  if (nature === "a minisign signature") inspectMinisign(text, print);
  else fromFile(path, () => inspectKey(text, nature, print));
}

function inspectKey(text: string, nature: Nature, print: Print): void {
  if (nature === "a minisign public key") {
    for (const { id, number } of minisignKeys("it", [text])) print(`minisign public key ${number}, id ${id}`);
    return;
  }
  for (const { id, key } of trustedKeys("it", [text])) {
    print(`Ed25519 public key, id ${id}`);
    print(`for minisign: ${minisignKeyOf(key).split("\n")[1]}`);
  }
}

function inspectMinisign(text: string, print: Print): void {
  const signature = parseMinisign(Buffer.from(text));
  if (signature === undefined) throw new UsageError("This minisign signature is damaged.");
  const over = signature.over === "bytes" ? "of the bytes (legacy)" : "of the BLAKE2b-512";
  print(`minisign signature ${over}, by the key ${signature.keyNumber}`);
  print(`trusted comment: ${signature.trustedComment.replaceAll("\t", "  ")}`);
}

async function inspectDocument(path: string, nature: "a manifest" | "an approval", print: Print): Promise<void> {
  const signed = await readSignedDocument(path);
  const parse = nature === "an approval" ? parseApproval : parseManifest;
  const fields = fromFile(path, () => parse(signed.document));
  for (const [name, value] of Object.entries(fields)) {
    print(`${name.padEnd(14)}  ${Array.isArray(value) ? value.join(", ") : value}`);
  }
  print(`${"document".padEnd(14)}  sha256 ${documentDigest(signed)}`);
  print(`${"signatures".padEnd(14)}  ${signed.signatures.length}, not checked: see flashwave artifact verify`);
}
