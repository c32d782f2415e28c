// What tests of trust are made of: keys, and documents that they signed.
import { createHash } from "node:crypto";
import type { SignedDocument } from "../core/artifact.ts";
import { type Approval, writeApproval } from "./approval.ts";
import { generateKeys, readPrivateKey, trustedKeys } from "./keys.ts";
import { type Manifest, writeManifest } from "./manifest.ts";
import { signDocument } from "./signatures.ts";

export interface Signer {
  readonly publicKey: string;
  readonly privateKey: string;
  readonly id: string;
  sign(document: Uint8Array): Uint8Array;
}

export function newSigner(): Signer {
  const { publicKey, privateKey } = generateKeys();
  const key = readPrivateKey(privateKey);
  const [trusted] = trustedKeys("kit", [publicKey]);
  return { publicKey, privateKey, id: trusted?.id ?? "", sign: (document) => signDocument(document, key) };
}

export const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** A manifest for these bytes, good until the year 2100 unless it says otherwise. */
export function manifestFor(bytes: Uint8Array, fields: Partial<Manifest> = {}): Uint8Array {
  return writeManifest({
    name: "till",
    version: "2.0.0",
    sequence: 7,
    length: bytes.length,
    sha256: sha256(bytes),
    expires: "2100-01-01T00:00:00Z",
    ...fields,
  });
}

export function signedBy(document: Uint8Array, ...signers: readonly Signer[]): SignedDocument {
  return { document, signatures: signers.map((signer) => signer.sign(document)) };
}

export function approvalFor(manifest: SignedDocument, fields: Partial<Approval> = {}): Uint8Array {
  return writeApproval({
    manifest: sha256(manifest.document),
    devices: ["pos-001"],
    expires: "2100-01-01T00:00:00Z",
    ...fields,
  });
}
