import { describe, expect, it } from "vitest";
import { makeFirmware } from "../mocks/index.ts";
import {
  type AdmissionOptions,
  type Artifact,
  type ClientOptions,
  type DeviceOutcome,
  systemClock,
} from "../src/index.ts";
import { minisignKeyOf, readPrivateKey } from "../src/trust/index.ts";
import { approvalFor, manifestFor, newSigner, signedBy } from "../src/trust/kit.suite.ts";
import { document, listen, open, policy, release, second, signed } from "./admission-kit.ts";
import { failure, fastClient } from "./kit.ts";

const stranger = newSigner();

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
