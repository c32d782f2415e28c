import type { Artifact, SignedDocument } from "../../core/artifact.ts";
import { FlashwaveError, type FlashwaveErrorCode } from "../../core/errors.ts";
import {
  documentDigest,
  minisignSigner,
  parseApproval,
  parseManifest,
  parseMinisign,
  signersOf,
} from "../../trust/index.ts";
import type { AdmissionPolicy } from "./options.ts";
import type { Leave, Vouched } from "./rules.ts";

/**
 * What the artifact's signatures vouch for.
 * @throws `unsigned`, `invalid_manifest`, `untrusted`, `artifact_digest_mismatch`, or what its bytes throw when they are
 * read
 */
export async function vouch(policy: AdmissionPolicy, artifact: Artifact): Promise<Vouched> {
  const vouched = await vouchedBySignature(policy, artifact);
  // What was opened here is known already; what a store keeps is only called what its row says until it is read.
  const found = await artifact.payload.hash("sha256");
  if (found === artifact.digest) return vouched;
  throw refused(
    "artifact_digest_mismatch",
    `The artifact's bytes have the SHA-256 ${found}, and it is kept as ${artifact.digest}. Put it there anew`,
  );
}

async function vouchedBySignature(policy: AdmissionPolicy, artifact: Artifact): Promise<Vouched> {
  const { manifest, minisign } = artifact;
  if (manifest !== undefined) return vouchedByManifest(policy, manifest);
  if (minisign !== undefined && policy.minisign.length > 0) return vouchedByMinisign(policy, artifact, minisign);
  throw policy.manifests.keys.length > 0
    ? refused("unsigned", "The policy asks for a signed manifest, and the artifact has none. Open it with { manifest }")
    : refused(
        "unsigned",
        "The policy asks for a minisign signature, and the artifact has none. Open it with { minisign }",
      );
}

function vouchedByManifest({ manifests }: AdmissionPolicy, signed: SignedDocument): Vouched {
  const manifest = parseManifest(signed.document);
  const keys = signersOf(signed, manifests.keys);
  if (keys.length >= manifests.threshold && keys.length > 0) {
    return Object.freeze({ keys, manifest, digest: documentDigest(signed) });
  }
  const found = `${signed.signatures.length} signature${signed.signatures.length === 1 ? "" : "s"}`;
  throw refused(
    "untrusted",
    `${keys.length} of the ${manifests.keys.length} trusted keys signed the manifest as it is (it has ${found}), and the policy asks for ${manifests.threshold}. Get it signed, or trust whose signature it has`,
  );
}

/** What an old signature, over the bytes themselves, may make us hold in memory at once. */
const mostLegacyBytes = 67_108_864;

async function vouchedByMinisign(policy: AdmissionPolicy, artifact: Artifact, text: Uint8Array): Promise<Vouched> {
  const signature = parseMinisign(text);
  if (signature === undefined)
    throw refused("untrusted", "The artifact's minisign signature is none, or damaged. Get it anew");
  if (signature.over === "bytes" && artifact.length > mostLegacyBytes)
    throw refused(
      "untrusted",
      "The artifact is too large for a legacy minisign signature. Have it signed prehashed (-H)",
    );
  const signed = signature.over === "bytes" ? await bytesOf(artifact) : await blake2b(artifact);
  const key = minisignSigner(signature, signed, policy.minisign);
  if (key !== undefined) return Object.freeze({ keys: [key] });
  throw refused(
    "untrusted",
    `The artifact's minisign signature, by the key ${signature.keyNumber}, is by none of the ${policy.minisign.length} trusted keys, or not of these bytes. Get it anew, or trust its key`,
  );
}

const blake2b = async ({ payload }: Artifact): Promise<Uint8Array> =>
  Buffer.from(await payload.hash("blake2b512"), "hex");

async function bytesOf({ payload, length }: Artifact): Promise<Uint8Array> {
  const segment = payload.slice(0, length);
  if (segment instanceof Uint8Array) return segment;
  const all = new Uint8Array(length);
  let at = 0;
  for await (const chunk of segment) {
    all.set(chunk, at);
    at += chunk.byteLength;
  }
  return all;
}

/** @throws `invalid_approval` */
export function readLeave({ approvals }: AdmissionPolicy, signed: SignedDocument): Leave {
  return Object.freeze({ approval: parseApproval(signed.document), signers: signersOf(signed, approvals.keys).length });
}

const refused = (code: FlashwaveErrorCode, told: string): FlashwaveError =>
  new FlashwaveError(code, `${told}. Nothing was sent.`, { phase: "admission" });
