import { createHash } from "node:crypto";
import { describe, expect, it, vi } from "vitest";
import type { AdmissionOptions, Artifact } from "../src/index.ts";
import { createMemoryRegistry } from "../src/registry/memory/index.ts";
import { minisignKeyOf, readPrivateKey, signMinisign } from "../src/trust/index.ts";
import { sha256 } from "../src/trust/kit.suite.ts";
import { bytes, document, listen, open, policy, release, signed, stage } from "./admission-kit.ts";
import { failure, fastClient } from "./kit.ts";

const flipped = (original: Uint8Array, bit: number): Uint8Array<ArrayBuffer> => {
  const copy = Uint8Array.from(original);
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
};

/** Pushes and updates what must not leave, and says by which codes it was refused, and how often. */
async function refusals(artifacts: AsyncIterable<Artifact>, admission: AdmissionOptions) {
  await using listener = await listen();
  await using client = fastClient({ admission });
  const codes = new Set<string>();
  let tried = 0;
  for await (const artifact of artifacts) {
    await using _ = artifact;
    const device = { id: "pos-001", address: listener.address };
    const outcome = await client.update(device, artifact);
    codes.add("error" in outcome ? `${outcome.status} ${outcome.error.code}` : outcome.status);
    codes.add((await failure(() => client.push(device, artifact))).code);
    tried++;
  }
  return { codes: [...codes].toSorted(), tried, connections: listener.connections() };
}

describe("an artifact that is not what was signed", () => {
  it("goes nowhere, whichever byte of the manifest was flipped", async () => {
    async function* artifacts() {
      for (let at = 0; at < document.length; at++)
        yield open({ manifest: { ...signed, document: flipped(document, at * 8 + (at % 8)) } });
    }
    const { codes, tried, connections } = await refusals(artifacts(), policy);
    expect({ tried, connections }).toEqual({ tried: document.length, connections: 0 });
    // What is still a manifest has no signature, what is none is not read further.
    expect(codes).toEqual(["failed invalid_manifest", "failed untrusted", "invalid_manifest", "untrusted"]);
  });

  it("goes nowhere, whichever bit of the signature was flipped", async () => {
    async function* artifacts() {
      for (let bit = 0; bit < 512; bit++)
        yield open({ manifest: { document, signatures: signed.signatures.map((one) => flipped(one, bit)) } });
    }
    expect(await refusals(artifacts(), policy)).toEqual({
      tried: 512,
      connections: 0,
      codes: ["failed untrusted", "untrusted"],
    });
  });

  it("goes nowhere, whichever of 1,000 bits of it was flipped", async () => {
    async function* artifacts() {
      // 32,768 bits, all over the artifact.
      for (let at = 0; at < 1_000; at++) yield open({ manifest: signed }, flipped(bytes, at * 32 + (at % 32)));
    }
    expect(await refusals(artifacts(), policy)).toEqual({
      tried: 1_000,
      connections: 0,
      codes: ["failed manifest_mismatch", "manifest_mismatch"],
    });
  });

  it("goes nowhere, cut or longer", async () => {
    async function* artifacts() {
      yield open({ manifest: signed }, bytes.subarray(0, -1));
      yield open({ manifest: signed }, Buffer.concat([bytes, Buffer.from([0])]));
    }
    expect(await refusals(artifacts(), policy)).toMatchObject({ tried: 2, connections: 0 });
  });

  it("goes nowhere by a minisign signature of other bytes", async () => {
    const key = readPrivateKey(release.privateKey);
    const minisign = signMinisign(createHash("blake2b512").update(bytes).digest(), key, "of 2.0.0");
    async function* artifacts() {
      for (let at = 0; at < 100; at++) yield open({ minisign }, flipped(bytes, at * 320));
    }
    expect(await refusals(artifacts(), { minisign: [minisignKeyOf(key)] })).toEqual({
      tried: 100,
      connections: 0,
      codes: ["failed untrusted", "untrusted"],
    });
  });
});

/** A store keeps no manifest: what it opens is given its own again. */
describe("an artifact of a registry's store", () => {
  it("is admitted by the manifest that is laid beside it, and by nothing else", async () => {
    const registry = createMemoryRegistry();
    await registry.artifacts.put(await open());
    await using kept = await registry.artifacts.open(sha256(bytes));
    await using set = await stage({}, policy);
    expect(await failure(() => set.client.push(set.device, kept))).toMatchObject({ code: "unsigned" });
    expect(set.asked()).toEqual([]);
    expect(await set.client.update(set.device, { ...kept, manifest: signed })).toMatchObject({ status: "updated" });
    expect(set.server.device.digest).toBe(sha256(bytes));
  });

  it("goes nowhere where a store of somebody's own calls other bytes by the digest that was signed", async () => {
    await using evil = await open({}, flipped(bytes, 9));
    const ref = { ...evil.ref, digest: sha256(bytes) };
    const lying = (hash: typeof evil.payload.hash) => ({
      ...{ ...evil, ...ref, ref, manifest: signed },
      payload: { ...evil.payload, artifact: ref, hash },
    });
    const hash = vi.fn(evil.payload.hash);
    async function* artifacts() {
      yield { ...lying(hash), [Symbol.asyncDispose]: async () => undefined };
    }
    expect(await refusals(artifacts(), policy)).toEqual({
      tried: 1,
      connections: 0,
      codes: ["artifact_digest_mismatch", "failed artifact_digest_mismatch"],
    });
    // It is read once, however many devices it is meant for, unless that fails.
    expect(hash).toHaveBeenCalledTimes(1);
    await using client = fastClient({ admission: policy });
    const artifact = lying(vi.fn(evil.payload.hash).mockRejectedValueOnce(new Error("disk")));
    const device = { id: "pos-001", address: "http://127.0.0.1:9" };
    await expect(client.push(device, artifact)).rejects.toThrow("disk");
    expect(await failure(() => client.push(device, artifact))).toMatchObject({ code: "artifact_digest_mismatch" });
  });
});
