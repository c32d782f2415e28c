import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { type DeviceServerOptions, startDeviceServer } from "../mocks/index.ts";
import { type AdmissionOptions, type ClientEvent, systemClock } from "../src/index.ts";
import { minisignKeyOf, readPrivateKey, signMinisign } from "../src/trust/index.ts";
import { manifestFor, signedBy } from "../src/trust/kit.suite.ts";
import { bytes, open, policy, release, second, signed, stage } from "./admission-kit.ts";
import { failure, fastClient } from "./kit.ts";

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
