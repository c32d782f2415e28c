import { describe, expect, it } from "vitest";
import { type AdmissionOptions, type ClientOptions, type PushOptions, systemClock } from "../src/index.ts";
import { approvalFor, manifestFor, newSigner, signedBy } from "../src/trust/kit.suite.ts";
import { bytes, document, open, policy, release, signed, stage } from "./admission-kit.ts";
import { failure } from "./kit.ts";

const boss = newSigner();

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
