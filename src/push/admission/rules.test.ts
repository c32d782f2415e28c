import { describe, expect, it } from "vitest";
import type { ArtifactRef } from "../../core/artifact.ts";
import type { DeviceState } from "../../core/outcome.ts";
import { exact, type Ordering, semver } from "../../core/versions.ts";
import type { Approval, Manifest } from "../../trust/index.ts";
import { newSigner } from "../../trust/kit.suite.ts";
import { type AdmissionOptions, resolveAdmission } from "./options.ts";
import { asksDevice, type Covered, coverOf, judgeArtifact, judgeDevice, type Leave } from "./rules.ts";

const now = Date.parse("2027-01-01T00:00:00Z");
const [release, boss] = [newSigner(), newSigner()];
const sha256 = "ab".repeat(32);
const artifact: ArtifactRef = { name: "fw.bin", version: "2.0.0", length: 4, digest: sha256 };
const manifest: Manifest = {
  schema: "flashwave.manifest/1",
  name: "till",
  version: "2.0.0",
  sequence: 7,
  length: 4,
  sha256,
  expires: "2027-02-01T00:00:00Z",
};
const policy = (options: AdmissionOptions = {}) => resolveAdmission({ keys: [release.publicKey], ...options });
const vouched = (fields: Partial<Manifest> = {}) => ({
  keys: [release.id],
  manifest: { ...manifest, ...fields },
  digest: "cd".repeat(32),
});
const bare = { keys: [release.id] };
const none = (): Covered => ({ why: "none was given" });
const covered = (): Covered => ({ by: {} as Approval });
const unasked = (): Covered => {
  throw new Error("no approval should be looked at");
};

describe("what is said of the artifact", () => {
  const judge = (fields: Partial<Manifest>, options = {}, ref = {}, cover: () => Covered = unasked, at = now) =>
    judgeArtifact(policy(options), vouched(fields), { ...artifact, ...ref }, cover, at);

  it.each([
    ["nothing against it", {}, {}, {}],
    ["a manifest's last second", { expires: "2027-01-01T00:00:01Z" }, {}, {}],
    ["the least sequence", { sequence: 7 }, { minimumSequence: 7 }, {}],
    ["another name", { name: "kiosk" }, {}, { name: "renamed.bin" }],
  ])("admits %s", (_, fields, options, ref) => {
    expect(judge(fields, options, ref)).toBeUndefined();
  });

  it.each([
    [
      "time",
      { expires: "2027-01-01T00:00:00Z" },
      {},
      "manifest_expired",
      /"till" "2.0.0" expired at 2027-01-01T00:00:00Z, and it is 2027-01-01T00:00:00Z/,
    ],
    ["length", { length: 5 }, {}, "manifest_mismatch", /has 4 bytes, and its manifest says 5/],
    ["length, where it is longer", { length: 3 }, {}, "manifest_mismatch", /has 4 bytes, and its manifest says 3/],
    [
      "digest",
      { sha256: "ac".repeat(32) },
      {},
      "manifest_mismatch",
      /SHA-256 is (?:ab){32}, and its manifest says (?:ac){32}/,
    ],
    [
      "version",
      { version: "2.0.1" },
      {},
      "manifest_mismatch",
      /opened as version "2.0.0", and its manifest says "2.0.1"/,
    ],
    ["a version that was left out", {}, { version: "" }, "manifest_mismatch", /opened without a version/],
    ["a version with another build", { version: "2.0.0+b" }, {}, "manifest_mismatch", /says "2.0.0\+b"/],
  ] as const)("refuses by %s", (_, fields, ref, code, told) => {
    expect(judge(fields, {}, ref)).toEqual({ code, message: expect.stringMatching(told) });
    expect(judge(fields, {}, ref)?.message).toMatch(/\. Nothing was sent\.$/);
  });

  it("asks for an approval below the least sequence", () => {
    const told =
      /"till" "2.0.0" has sequence 7, and the policy takes none below 8. No approval covers that: none was given/;
    expect(judge({}, { minimumSequence: 8 }, {}, none)).toEqual({
      code: "downgrade_refused",
      message: expect.stringMatching(told),
    });
    expect(judge({}, { minimumSequence: 8 }, {}, covered)).toBeUndefined();
  });

  it("says the first thing that is wrong, in the order of the rules", () => {
    const all = { expires: "2026-01-01T00:00:00Z", length: 5, sequence: 1 };
    const strict = { minimumSequence: 8 };
    expect(judge(all, strict, {}, none)?.code).toBe("manifest_expired");
    expect(judge({ ...all, expires: manifest.expires }, strict, {}, none)?.code).toBe("manifest_mismatch");
    expect(judge({ sequence: 1 }, strict, {}, none)?.code).toBe("downgrade_refused");
  });

  it("is nothing where only the bytes are signed", () => {
    expect(judgeArtifact(policy({ minimumSequence: 9 }), bare, artifact, unasked, now)).toBeUndefined();
  });
});

describe("what is said of the device", () => {
  const state = (fields: Partial<DeviceState>): DeviceState => ({
    version: "1.0.0",
    identity: "address",
    readAt: 0,
    ...fields,
  });
  type Case = readonly [
    string,
    Partial<Manifest> | undefined,
    Partial<DeviceState>,
    AdmissionOptions,
    Partial<ArtifactRef>,
    (() => Covered)?,
  ];
  const judge = ([, fields, seen, options, ref, cover = unasked]: Case, versions: Ordering = semver) =>
    judgeDevice(
      policy(options),
      fields === undefined ? bare : vouched(fields),
      { ...artifact, ...ref },
      state(seen),
      versions,
      cover,
    );

  const admitted: readonly Case[] = [
    ["an update", {}, {}, {}, {}],
    ["the same version again", {}, { version: "2.0.0" }, {}, {}],
    ["the same version of the same build", { version: "2.0.0+b" }, { version: "v2.0.0+b" }, {}, {}],
    ["another build, with leave", {}, { version: "2.0.0+b" }, {}, {}, covered],
    ["the same numbers between dots, spelt otherwise", { version: "1.2" }, { version: "1.2.0" }, {}, {}],
    ["the same four numbers, spelt otherwise", { version: "7.00.01.171" }, { version: "v7.0.1.171" }, {}, {}],
    ["any build of the oldest that it may replace", { minimumVersion: "1.0.0" }, { version: "1.0.0+7" }, {}, {}],
    ["hardware that it is for", { hardware: ["r1", "r2"] }, { hardware: "r2" }, {}, {}],
    ["any hardware where none is named", {}, { hardware: "r9" }, {}, {}],
    ["unreported hardware where the policy says so", { hardware: ["r2"] }, {}, { unreportedHardware: "admit" }, {}],
    ["the oldest that it may replace", { minimumVersion: "1.0.0" }, { version: "1.0.0" }, {}, {}],
    ["a downgrade with leave", {}, { version: "3.0.0" }, {}, {}, covered],
    ["a downgrade where the policy permits it", {}, { version: "3.0.0" }, { downgrades: "permitted" }, {}],
    ["a higher number between dots", { version: "2.10" }, { version: "2.9" }, {}, {}],
    ["a fourth number", { version: "7.00.01.171" }, { version: "v7.0.1.90" }, {}, {}],
    ["the same name again", { version: "r7" }, { version: "r7" }, {}, {}],
    ["names that nobody orders, with leave", { version: "r8" }, { version: "r7" }, {}, {}, covered],
    [
      "names where the policy permits downgrades",
      { version: "r8" },
      { version: "r7" },
      { downgrades: "permitted" },
      {},
    ],
    ["the oldest that it may replace, by its name", { minimumVersion: "r7", version: "r7" }, { version: "r7" }, {}, {}],
    ["bytes without any version", undefined, { version: "3.0.0" }, {}, { version: "" }],
  ];
  it.each(admitted.map((row) => [row[0], row] as const))("admits %s", (_, row) => {
    expect(judge(row)).toBeUndefined();
  });

  const refused: readonly (readonly [Case, string, RegExp])[] = [
    [
      ["other hardware", { hardware: ["r1", "r2"] }, { hardware: "r3" }, {}, {}],
      "wrong_hardware",
      /for the hardware "r1", "r2", and the device says that it is "r3"/,
    ],
    [["hardware that begins alike", { hardware: ["r2"] }, { hardware: "r2-b" }, {}, {}], "wrong_hardware", /"r2-b"/],
    [
      ["hardware of which it is the beginning", { hardware: ["r2-b"] }, { hardware: "r2" }, {}, {}],
      "wrong_hardware",
      /"r2"/,
    ],
    [["hardware, to the letter", { hardware: ["r2"] }, { hardware: "R2" }, {}, {}], "wrong_hardware", /"R2"/],
    [
      ["hardware that only the caller named", {}, { hardware: "r3" }, {}, { hardware: ["r2"] }],
      "wrong_hardware",
      /"r3"/,
    ],
    [
      ["hardware of one statement of two", { hardware: ["r2"] }, { hardware: "r2" }, {}, { hardware: ["r3"] }],
      "wrong_hardware",
      /for the hardware "r3"/,
    ],
    [
      ["hardware named beside a plain signature", undefined, { hardware: "r3" }, {}, { hardware: ["r2"] }],
      "wrong_hardware",
      /"r3"/,
    ],
    [
      ["unreported hardware", { hardware: ["r2"] }, {}, {}, {}],
      "hardware_unknown",
      /does not tell what it is.*inspect\.also\.hardware/,
    ],
    [
      [
        "reported hardware, though unreported is admitted",
        { hardware: ["r2"] },
        { hardware: "r3" },
        { unreportedHardware: "admit" },
        {},
      ],
      "wrong_hardware",
      /"r3"/,
    ],
    [
      ["an older version than it may replace", { minimumVersion: "1.0.1" }, {}, {}, {}],
      "version_too_old",
      /runs "1.0.0", and the artifact may replace "1.0.1"/,
    ],
    [["an older version, leave or not", { minimumVersion: "1.0.1" }, {}, {}, {}, covered], "version_too_old", /./],
    [
      ["a downgrade", {}, { version: "2.0.1" }, {}, {}, none],
      "downgrade_refused",
      /runs "2.0.1", and the artifact is the older "2.0.0". No approval covers that: none was given/,
    ],
    [
      ["a prerelease after its release", { version: "2.0.0-rc.1" }, { version: "2.0.0" }, {}, {}, none],
      "downgrade_refused",
      /"2.0.0-rc.1"/,
    ],
    [
      ["a lower number between dots, whatever its characters", { version: "2.9" }, { version: "2.10" }, {}, {}, none],
      "downgrade_refused",
      /runs "2.10", and the artifact is the older "2.9"/,
    ],
    [
      ["names that nobody orders", { version: "r8" }, { version: "r7" }, {}, {}, none],
      "downgrade_refused",
      /runs "r7", and whether the artifact's "r8" is older cannot be told\. No approval .*none was given\. Get one, or give the client a versions scheme/,
    ],
    ...(
      [
        ["another build of the same version", "2.0.0+a", "2.0.0+b"],
        ["a build where none was", "2.0.0+a", "2.0.0"],
        ["none where a build was", "2.0.0", "v2.0.0+a"],
        ["another build of a prerelease", "2.0.0-rc.1+2", "2.0.0-rc.1+10"],
      ] as const
    ).map(
      ([what, version, runs]) =>
        [
          [what, { version }, { version: runs }, {}, {}, none] as Case,
          "downgrade_refused",
          /whether the artifact's "2\.0\.0.*" is older cannot be told\. No approval .*versions scheme/,
        ] as const,
    ),
    [
      ["a name over a number", { version: "r8" }, {}, {}, {}, none],
      "downgrade_refused",
      /runs "1.0.0", and whether the artifact's "r8"/,
    ],
    [
      ["a number over a name", {}, { version: "9fceb02" }, {}, {}, none],
      "downgrade_refused",
      /runs "9fceb02", and whether the artifact's "2.0.0"/,
    ],
    [
      ["a name that cannot be held against the oldest", { minimumVersion: "1.0" }, { version: "r7" }, {}, {}, covered],
      "version_too_old",
      /runs "r7", and the artifact may replace "1.0" or a later version: which of the two is older cannot be told\. Sign/,
    ],
    [
      ["a number between dots below the oldest", { minimumVersion: "1.10" }, { version: "1.9" }, {}, {}],
      "version_too_old",
      /runs "1.9", and the artifact may replace "1.10"/,
    ],
    [["a downgrade of plain bytes", undefined, { version: "3.0.0" }, {}, {}, none], "downgrade_refused", /"3.0.0"/],
  ];
  it.each(refused.map((row) => [row[0][0], ...row] as const))("refuses %s", (_, row, code, told) => {
    expect(judge(row)).toEqual({ code, message: expect.stringMatching(told) });
  });

  it("is hardware first, then the oldest version, then the downgrade", () => {
    const all = { hardware: ["r2"], minimumVersion: "9.0.0" };
    expect(judge(["", all, { version: "3.0.0" }, {}, {}, none])?.code).toBe("hardware_unknown");
    expect(judge(["", { minimumVersion: "9.0.0" }, { version: "3.0.0" }, {}, {}, none])?.code).toBe("version_too_old");
  });

  it("compares versions as the client does", () => {
    const row: Case = ["", { version: "10" }, { version: "9" }, {}, {}, none];
    expect(judge(row, exact)?.code).toBe("downgrade_refused");
    expect(judge(row)?.code).toBe("downgrade_refused");
    const byNumber = {
      compare: (a: string, b: string) => Number(a) - Number(b),
      equal: (a: string, b: string) => a === b,
    };
    expect(judge(row, byNumber)).toBeUndefined();
    // Level is not the same, unless the scheme says so.
    expect(judge(["", { version: "9.0" }, { version: "9" }, {}, {}, none], byNumber)?.message).toMatch(
      /cannot be told/,
    );
    const same = (a: string, b: string) => Number(a) === Number(b);
    expect(judge(["", { version: "9.0" }, { version: "9" }, {}, {}, none], { ...byNumber, same })).toBeUndefined();
    // Of which no number comes is no later one.
    expect(judge(["", { version: "x" }, { version: "9" }, {}, {}, none], byNumber)?.message).toMatch(/cannot be told/);
    expect(judge(["", { minimumVersion: "x" }, {}, {}, {}], byNumber)?.code).toBe("version_too_old");
  });

  it.each([
    ["a downgrade must be seen", {}, {}, {}, true],
    ["nothing is asked", {}, { downgrades: "permitted" }, {}, false],
    ["hardware is named", { hardware: ["r2"] }, { downgrades: "permitted" }, {}, true],
    ["hardware is named by the caller", {}, { downgrades: "permitted" }, { hardware: ["r2"] }, true],
    ["an oldest version is named", { minimumVersion: "1" }, { downgrades: "permitted" }, {}, true],
  ] as const)("asks the device where %s", (_, fields, options, ref, asks) => {
    expect(asksDevice(policy(options), vouched(fields), { ...artifact, ...ref })).toBe(asks);
  });
});

describe("an approval", () => {
  const approval: Approval = {
    schema: "flashwave.downgrade-approval/1",
    manifest: vouched().digest,
    devices: ["pos-001", "pos-002"],
    expires: "2027-01-02T00:00:00Z",
  };
  const trusting = { approvals: { keys: [boss.publicKey, release.publicKey], threshold: 2 } };
  const cover = (
    leave: Partial<Leave> = {},
    options: AdmissionOptions = trusting,
    of: Parameters<typeof coverOf>[1] = vouched(),
  ) => coverOf(policy(options), of, "pos-002", [{ approval, signers: 2, ...leave }], now);

  it("covers its release on its devices until it ends", () => {
    expect(cover()).toEqual({ by: approval });
  });

  it.each([
    ["too few signed it", { signers: 1 }, trusting, /1 of the 2 trusted approval keys/],
    ["nobody's approval counts", {}, {}, /trusts no key for approvals/],
    ["it is over", { approval: { ...approval, expires: "2027-01-01T00:00:00Z" } }, trusting, /expired at 2027-01-01/],
    [
      "it is for another release",
      { approval: { ...approval, manifest: "ef".repeat(32) } },
      trusting,
      /manifest (?:ef){32}, and this one is (?:cd){32}/,
    ],
    ["it is for other devices", { approval: { ...approval, devices: ["pos-0022"] } }, trusting, /names other devices/],
    [
      "it is for one that begins alike",
      { approval: { ...approval, devices: ["pos"] } },
      trusting,
      /names other devices/,
    ],
  ])("covers nothing where %s", (_, leave, options, why) => {
    expect(cover(leave, options)).toEqual({ why: expect.stringMatching(why) });
  });

  it("covers nothing that has no manifest", () => {
    expect(cover({}, trusting, bare)).toEqual({ why: expect.stringMatching(/no manifest/) });
  });

  it("is one of those given", () => {
    const other = { approval: { ...approval, devices: ["x"] }, signers: 2 };
    expect(coverOf(policy(trusting), vouched(), "pos-001", [other, { approval, signers: 2 }], now)).toEqual({
      by: approval,
    });
    expect(coverOf(policy(trusting), vouched(), "pos-001", [other, { approval, signers: 0 }], now)).toEqual({
      why: expect.stringMatching(/^it names other devices; 0 of the 2/),
    });
    expect(coverOf(policy(trusting), vouched(), "pos-001", [], now)).toEqual({ why: "none was given" });
  });
});

describe("a policy", () => {
  const key = release.publicKey;
  it.each([
    ["no key at all", {}, /at least one key/],
    [
      "a threshold above its keys",
      { keys: [key], threshold: 2 },
      /admission\.threshold must be a whole number from 1 to 1, not 2/,
    ],
    ["a threshold of none", { keys: [key], threshold: 0 }, /admission\.threshold/],
    ["a key that is none", { keys: ["x"] }, /admission\.keys\[0\] must be/],
    ["the same key twice", { keys: [key, key], threshold: 2 }, /same key/],
    ["a minisign key that is none", { minisign: [key] }, /admission\.minisign\[0\]/],
    [
      "an approval threshold above its keys",
      { keys: [key], approvals: { keys: [], threshold: 2 } },
      /admission\.approvals\.threshold/,
    ],
    ["a sequence that is none", { keys: [key], minimumSequence: -1 }, /admission\.minimumSequence/],
    [
      "a word that it does not know",
      { keys: [key], downgrades: "never" as never },
      /admission\.downgrades must be "approved" or "permitted"/,
    ],
    ["another", { keys: [key], unreportedHardware: "ask" as never }, /admission\.unreportedHardware/],
  ])("is refused with %s", (_, options, told) => {
    expect(() => resolveAdmission(options)).toThrow(told);
  });
});
