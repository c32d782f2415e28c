import { createHash } from "node:crypto";
import { createServer } from "node:net";
import { describe, expect, it, vi } from "vitest";
import { type DeviceServerOptions, makeFirmware, startDeviceServer } from "../mocks/index.ts";
import {
  type AdmissionOptions,
  type Artifact,
  type ClientEvent,
  type ClientOptions,
  type Device,
  type DeviceOutcome,
  openArtifact,
  type Profile,
  type PushOptions,
  type SignedDocument,
  systemClock,
} from "../src/index.ts";
import { createMemoryRegistry } from "../src/registry/memory/index.ts";
import { minisignKeyOf, readPrivateKey, signMinisign } from "../src/trust/index.ts";
import { approvalFor, manifestFor, newSigner, sha256, signedBy } from "../src/trust/kit.suite.ts";
import { failure, fastClient } from "./kit.ts";

const [release, second, boss, stranger] = [newSigner(), newSigner(), newSigner(), newSigner()];
const bytes = makeFirmware({ version: "2.0.0", length: 4_096 });
const document = manifestFor(bytes);
const signed = signedBy(document, release);
const policy: AdmissionOptions = { keys: [release.publicKey] };
const telling: Profile = { inspect: { also: { hardware: "/hardware", deviceId: "/id", bootId: "/bootId" } } };

const open = (
  options: { manifest?: SignedDocument; minisign?: Uint8Array; version?: string } = {},
  content: Uint8Array = bytes,
) => openArtifact(content, { version: "2.0.0", ...options });

/** A port of this machine that counts who connects; nobody is answered. */
async function listen(): Promise<AsyncDisposable & { readonly address: string; connections(): number }> {
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { readonly port: number };
  return {
    address: `http://127.0.0.1:${port}`,
    connections: () => connections,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

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

/** Every way in which somebody could have one push the wrong thing, without touching a byte. */
describe("an artifact that nobody vouches for", () => {
  const other = makeFirmware({ version: "3.0.0", length: 4_096 });
  const clock = { ...systemClock, wall: () => Date.parse("2100-01-01T00:00:00Z") };
  const two: AdmissionOptions = { keys: [release.publicKey, second.publicKey], threshold: 2 };
  const cases: readonly (readonly [string, string, () => Promise<Artifact>, ClientOptions])[] = [
    ["unsigned", "unsigned", () => open(), { admission: policy }],
    [
      "with a manifest that nobody signed",
      "untrusted",
      () => open({ manifest: { document, signatures: [] } }),
      { admission: policy },
    ],
    [
      "signed by somebody else",
      "untrusted",
      () => open({ manifest: signedBy(document, stranger) }),
      { admission: policy },
    ],
    ["signed by one of two", "untrusted", () => open({ manifest: signedBy(document, release) }), { admission: two }],
    [
      "signed twice by one of two",
      "untrusted",
      () => open({ manifest: signedBy(document, release, release) }),
      { admission: two },
    ],
    [
      "kept back until its manifest expired (freeze)",
      "manifest_expired",
      () => open({ manifest: signed }),
      { admission: policy, clock },
    ],
    [
      "beside the manifest of another (mix and match)",
      "manifest_mismatch",
      () => open({ manifest: signedBy(manifestFor(other), release) }),
      { admission: policy },
    ],
    [
      "with the signature of another manifest",
      "untrusted",
      () => open({ manifest: { document, signatures: [release.sign(manifestFor(other))] } }),
      { admission: policy },
    ],
    [
      "called another version than was signed",
      "manifest_mismatch",
      () => open({ manifest: signed, version: "9.9.9" }),
      { admission: policy },
    ],
    [
      "from before the least sequence (rollback)",
      "downgrade_refused",
      () => open({ manifest: signed }),
      { admission: { ...policy, minimumSequence: 8 } },
    ],
    [
      "with an approval for a manifest",
      "invalid_manifest",
      () => open({ manifest: signedBy(approvalFor(signed), release) }),
      { admission: policy },
    ],
    [
      "with a manifest where plain signatures are asked for",
      "untrusted",
      () => open({ manifest: signed }),
      { admission: { minisign: [minisignKeyOf(readPrivateKey(release.privateKey))] } },
    ],
    [
      "with a minisign signature where manifests are asked for",
      "unsigned",
      () => open({ minisign: Buffer.from("x") }),
      { admission: policy },
    ],
    [
      "with a minisign signature that is none",
      "untrusted",
      () => open({ minisign: Buffer.from("x") }),
      { admission: { minisign: [minisignKeyOf(readPrivateKey(release.privateKey))] } },
    ],
  ];
  it.each(cases)("%s: %s", async (_, code, opened, options) => {
    await using listener = await listen();
    await using client = fastClient(options);
    await using artifact = await opened();
    const device = { id: "pos-001", address: listener.address };
    const error = await failure(() => client.push(device, artifact));
    expect(error).toMatchObject({ code, phase: "admission", bytesOut: "none", device: "pos-001" });
    expect(error.message).toMatch(/\.$/);
    const outcomes: DeviceOutcome[] = [];
    for await (const outcome of client.pushMany([device, { ...device, id: "pos-002" }], artifact))
      outcomes.push(outcome);
    expect(outcomes).toMatchObject([
      { status: "failed", error: { code } },
      { status: "failed", error: { code } },
    ]);
    expect(listener.connections()).toBe(0);
  });
});

/** A device that tells its hardware, and what it was asked for. */
async function stage(options: DeviceServerOptions, admission: AdmissionOptions, more: ClientOptions = {}) {
  const stack = new AsyncDisposableStack();
  const server = stack.use(await startDeviceServer({ id: "pos-001", version: "1.0.0", ...options }));
  const events: ClientEvent[] = [];
  const client = stack.use(fastClient({ admission, onEvent: (event) => events.push(event), ...more }));
  const device: Device = { id: "pos-001", address: server.url, profile: telling };
  const asked = () => server.control.requests().map(({ method, path }) => `${method} ${path}`);
  return { server, client, device, events, asked, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

describe("a device that the artifact is not for", () => {
  const cases: readonly (readonly [
    string,
    string,
    Parameters<typeof manifestFor>[1],
    DeviceServerOptions,
    AdmissionOptions,
  ])[] = [
    ["of other hardware", "wrong_hardware", { hardware: ["r2"] }, { hardware: "r3" }, {}],
    ["that does not tell its hardware", "hardware_unknown", { hardware: ["r2"] }, { omits: ["hardware"] }, {}],
    ["too old for it", "version_too_old", { minimumVersion: "1.0.1" }, {}, {}],
    ["newer than it", "downgrade_refused", {}, { version: "2.0.1" }, {}],
    ["of another name", "wrong_device", {}, { id: "pos-009" }, {}],
  ];
  it.each(cases)("%s is read and sent nothing: %s", async (_, code, fields, options, more) => {
    await using artifact = await open({ manifest: signedBy(manifestFor(bytes, fields), release) });
    await using set = await stage(options, { ...policy, ...more });
    expect(await failure(() => set.client.push(set.device, artifact))).toMatchObject({ code, bytesOut: "none" });
    expect(await set.client.update(set.device, artifact)).toMatchObject({ status: "failed", error: { code } });
    const forced = await set.client.update(set.device, artifact, { force: true });
    expect(forced).toMatchObject({ status: "failed", error: { code } });
    expect(set.asked()).toEqual(["GET /version", "GET /version", "GET /version"]);
    expect(set.events.map(({ type }) => type)).not.toContain("admitted");
  });

  it("has been sent nothing where it refuses to be read, and that is told so", async () => {
    await using artifact = await open({ manifest: signed });
    await using set = await stage({}, policy);
    set.server.script({ on: "version", times: 99, fault: { kind: "status", status: 403 } });
    const refused = { code: "refused", phase: "inspect", bytesOut: "none", device: "pos-001" };
    expect(await failure(() => set.client.inspect(set.device))).toMatchObject(refused);
    expect(await failure(() => set.client.push(set.device, artifact))).toMatchObject(refused);
    expect(await set.client.update(set.device, artifact)).toMatchObject({ status: "failed", error: refused });
    expect(set.asked()).toEqual(["GET /version", "GET /version", "GET /version"]);
  });

  it("is not sent to, either, where it cannot be read", async () => {
    await using artifact = await open({ manifest: signed });
    await using set = await stage({}, policy);
    const mute = { ...set.device, profile: { inspect: false } as const };
    expect(await failure(() => set.client.push(mute, artifact))).toMatchObject({
      code: "no_probe",
      phase: "admission",
    });
    expect(set.asked()).toEqual([]);
  });
});

describe("an artifact that passes", () => {
  it("is sent after one read, which the receipt keeps, and who signed it is told", async () => {
    await using artifact = await open({
      manifest: signedBy(manifestFor(bytes, { hardware: ["r1", "r2"] }), second, release),
    });
    await using set = await stage({ hardware: "r2" }, { keys: [release.publicKey, second.publicKey], threshold: 2 });
    const receipt = await set.client.push(set.device, artifact);
    expect(receipt.before).toMatchObject({ version: "1.0.0", hardware: "r2" });
    expect(set.asked()).toEqual(["GET /version", "POST /update"]);
    expect(set.events[0]).toEqual({
      type: "admitted",
      device: "pos-001",
      admitted: {
        keys: [release.id, second.id],
        manifest: createHash("sha256")
          .update(artifact.manifest?.document ?? "")
          .digest("hex"),
        sequence: 7,
        approved: false,
      },
    });
    await set.client.verify(set.device, artifact, { since: receipt });
  });

  it("is sent without a read where no rule is about the device", async () => {
    await using artifact = await open({ manifest: signed });
    await using set = await stage({}, { ...policy, downgrades: "permitted" });
    expect((await set.client.push(set.device, artifact)).before).toBeUndefined();
    expect(set.asked()).toEqual(["POST /update"]);
  });

  it("is updated and proven", async () => {
    await using artifact = await open({ manifest: signed });
    await using set = await stage({}, policy);
    expect(await set.client.update(set.device, artifact)).toMatchObject({ status: "updated" });
    expect(await set.client.update(set.device, artifact)).toMatchObject({ status: "skipped" });
  });

  it("may be a plain file that minisign signed", async () => {
    const key = readPrivateKey(release.privateKey);
    const minisign = signMinisign(createHash("blake2b512").update(bytes).digest(), key, "of 2.0.0");
    await using artifact = await open({ minisign });
    await using set = await stage({}, { minisign: [minisignKeyOf(key)] });
    expect(await set.client.update(set.device, artifact)).toMatchObject({ status: "updated" });
    expect(set.events[0]).toMatchObject({ admitted: { keys: [release.id], approved: false } });
  });

  it("is looked at by nobody without a policy", async () => {
    await using artifact = await open({ manifest: { document: Buffer.from("{"), signatures: [] } });
    await using server = await startDeviceServer({ id: "pos-001", version: "3.0.0" });
    await using client = fastClient();
    await client.push({ id: "pos-001", address: server.url }, artifact);
    expect(server.control.requests().map(({ method }) => method)).toEqual(["POST"]);
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

describe("what was admitted", () => {
  it("is sent again after a fault without being asked anew, also once its time is over: the device may hold a part", async () => {
    const expires = "2030-01-01T00:00:00Z";
    let now = Date.parse(expires) - 1;
    const clock = { ...systemClock, wall: () => now };
    await using artifact = await open({ manifest: signedBy(manifestFor(bytes, { expires }), release) });
    const onEvent = ({ type }: ClientEvent) => {
      if (type === "attempt-failed") now += 60_000;
    };
    await using set = await stage({}, { ...policy, downgrades: "permitted" }, { clock, onEvent });
    set.server.script({ on: "update", fault: { kind: "status", status: 503 } });
    expect(await set.client.push(set.device, artifact)).toMatchObject({ attempts: 2 });
    const asked = set.asked().length;
    // The next push is.
    expect(await failure(() => set.client.push(set.device, artifact))).toMatchObject({ code: "manifest_expired" });
    expect(set.asked()).toHaveLength(asked);
  });
});

describe("a downgrade", () => {
  const trusting: AdmissionOptions = { ...policy, approvals: { keys: [boss.publicKey] } };
  const run = async (approvals: PushOptions["approvals"], admission = trusting, more: ClientOptions = {}) => {
    await using artifact = await open({ manifest: signed });
    await using set = await stage({ version: "3.0.0" }, admission, more);
    const outcome = await set.client.update(set.device, artifact, approvals === undefined ? {} : { approvals });
    const sent = set.asked().filter((line) => line.startsWith("POST")).length;
    const approved = set.events.find(({ type }) => type === "admitted");
    return { outcome, sent, approved };
  };

  it("is made with an approval of this release for this device", async () => {
    const { outcome, sent, approved } = await run([signedBy(approvalFor(signed), boss)]);
    expect(outcome).toMatchObject({ status: "updated", receipt: { before: { version: "3.0.0" } } });
    expect([sent, approved]).toMatchObject([1, { admitted: { approved: true } }]);
  });

  it("is made with whichever of the approvals given is for it", async () => {
    const other = signedBy(approvalFor(signed, { devices: ["pos-002"] }), boss);
    const { outcome, approved } = await run([other, signedBy(approvalFor(signed), boss)]);
    expect([outcome, approved]).toMatchObject([{ status: "updated" }, { admitted: { approved: true } }]);
  });

  it("may go below the least sequence, too", async () => {
    const { outcome } = await run([signedBy(approvalFor(signed), boss)], { ...trusting, minimumSequence: 8 });
    expect(outcome.status).toBe("updated");
  });

  const clock = { ...systemClock, wall: () => Date.parse("2050-01-01T00:00:00Z") };
  it.each<[string, PushOptions["approvals"], AdmissionOptions?, ClientOptions?]>([
    ["no approval", undefined],
    ["an empty list of them", []],
    ["an approval by who may only release", [signedBy(approvalFor(signed), release)]],
    ["an approval for another device", [signedBy(approvalFor(signed, { devices: ["pos-002"] }), boss)]],
    [
      "an approval for another release",
      [signedBy(approvalFor(signedBy(manifestFor(bytes, { sequence: 8 }), release)), boss)],
    ],
    [
      "an approval that was altered",
      [{ ...signedBy(approvalFor(signed, { devices: ["pos-002"] }), boss), document: approvalFor(signed) }],
    ],
    [
      "an approval that is over",
      [signedBy(approvalFor(signed, { expires: "2049-12-31T23:59:59Z" }), boss)],
      trusting,
      { clock },
    ],
    ["an approval where nobody's counts", [signedBy(approvalFor(signed), boss)], policy],
  ])("is refused with %s", async (_, approvals, admission, more) => {
    const { outcome, sent } = await run(approvals, admission, more);
    expect(outcome).toMatchObject({ status: "failed", error: { code: "downgrade_refused" } });
    expect(sent).toBe(0);
  });

  it("is refused with something that is no approval, before the device is read", async () => {
    await using artifact = await open({ manifest: signed });
    await using set = await stage({ version: "3.0.0" }, trusting);
    const approvals = [signedBy(document, boss)];
    expect(await failure(() => set.client.push(set.device, artifact, { approvals }))).toMatchObject({
      code: "invalid_approval",
    });
    const broken = [approvalFor(signed)] as unknown as NonNullable<PushOptions["approvals"]>;
    expect(await failure(() => set.client.push(set.device, artifact, { approvals: broken }))).toMatchObject({
      code: "invalid_option",
    });
    expect(set.asked()).toEqual([]);
  });
});
