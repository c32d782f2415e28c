import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { Artifact } from "../../core/artifact.ts";
import type { FlashwaveError } from "../../core/errors.ts";
import { minisignKeyOf, readPrivateKey, signMinisign } from "../../trust/index.ts";
import { manifestFor, newSigner, sha256, signedBy } from "../../trust/kit.suite.ts";
import { type AdmissionOptions, resolveAdmission } from "./options.ts";
import { vouch } from "./vouching.ts";

const signer = newSigner();
const key = readPrivateKey(signer.privateKey);
const bytes = Buffer.from("firmware 2.0.0\n");
const minisign = signMinisign(createHash("blake2b512").update(bytes).digest(), key, "till 2.0.0");
const both: AdmissionOptions = { keys: [signer.publicKey], minisign: [minisignKeyOf(key)] };

/** An artifact of these bytes, whose every read is told. */
function artifactOf(fields: Partial<Artifact>, read: (what: string) => void = () => {}): Artifact {
  const ref = { name: "fw.bin", version: "2.0.0", length: bytes.length, digest: sha256(bytes) };
  const { length } = { ...ref, ...fields };
  const payload: Artifact["payload"] = {
    artifact: { ...ref, length },
    slice(start, end) {
      read("slice");
      return bytes.subarray(start, end);
    },
    async hash(algorithm) {
      read(algorithm);
      return createHash(algorithm).update(bytes).digest("hex");
    },
  };
  return { ...ref, ref, payload, [Symbol.asyncDispose]: async () => {}, ...fields };
}

const judged = (artifact: Artifact, options = both): Promise<unknown> =>
  vouch(resolveAdmission(options), artifact).then(
    ({ keys, manifest }) => [keys, manifest?.version],
    ({ code }: FlashwaveError) => code,
  );

describe("what an artifact is vouched for by", () => {
  it("is its manifest alone where it has one, whatever else it has", async () => {
    const manifest = signedBy(manifestFor(bytes), signer);
    expect(await judged(artifactOf({ manifest, minisign }))).toEqual([[signer.id], "2.0.0"]);
    expect(await judged(artifactOf({ minisign }))).toEqual([[signer.id], undefined]);
    const unsigned = { ...manifest, signatures: [] };
    expect(await judged(artifactOf({ manifest: unsigned, minisign }))).toBe("untrusted");
    const broken = { ...manifest, document: Buffer.from("{}") };
    expect(await judged(artifactOf({ manifest: broken, minisign }))).toBe("invalid_manifest");
  });

  it("is a legacy minisign signature for as much as may be held in memory, and nothing more is read", async () => {
    const legacy = Buffer.from(minisign.toString().replace("\nRU", "\nRW"));
    const reads: string[] = [];
    const read = (what: string) => void reads.push(what);
    const plain = { minisign: [minisignKeyOf(key)] };
    expect(await judged(artifactOf({ minisign: legacy, length: 67_108_865 }, read), plain)).toBe("untrusted");
    expect(reads).toEqual([]);
    expect(await judged(artifactOf({ minisign: legacy }, read), plain)).toBe("untrusted");
    expect(reads).toEqual(["slice"]);
  });

  it("is no signature of a manifest by as many strangers as keys are asked for", async () => {
    const [other, stranger] = [newSigner(), newSigner()];
    const two = { keys: [signer.publicKey, other.publicKey], threshold: 2 };
    const document = manifestFor(bytes);
    expect(await judged(artifactOf({ manifest: signedBy(document, signer, stranger) }), two)).toBe("untrusted");
    expect(await judged(artifactOf({ manifest: signedBy(document, signer, other) }), two)).toMatchObject([
      [signer.id, other.id],
      "2.0.0",
    ]);
  });
});
