import type { ArtifactRef } from "../../core/artifact.ts";
import type { FlashwaveErrorCode } from "../../core/errors.ts";
import type { DeviceState } from "../../core/outcome.ts";
import { ageOf, type Ordering } from "../../core/versions.ts";
import { type Approval, type Manifest, timeOf } from "../../trust/index.ts";
import type { AdmissionPolicy } from "./options.ts";

/*
 * The rules, in their order, as pure functions. What was signed, and by whom, is found out before them:
 *
 *   manifest → signatures → expiry → digest, length, version → sequence ║ hardware → floor → downgrade
 *   (vouching)              └────── of the artifact: no I/O ──────────┘ ║ └─ of the device, freshly read ─┘
 */

/** What signatures vouch for. Without a manifest: the bytes alone. */
export interface Vouched {
  /** Ids of the keys that signed. */
  readonly keys: readonly string[];
  readonly manifest?: Manifest;
  /** SHA-256 of the manifest's document. */
  readonly digest?: string;
}

/** One approval that the caller gave, and how many of the policy's approval keys signed it. */
export interface Leave {
  readonly approval: Approval;
  readonly signers: number;
}

/** Which rule said no, to which values. */
export interface Refusal {
  readonly code: FlashwaveErrorCode;
  readonly message: string;
}

/** Whether an approval covers this release on this device now, or why none does. */
export type Covered = { readonly by: Approval } | { readonly why: string };

export function coverOf(
  policy: AdmissionPolicy,
  vouched: Vouched,
  device: string,
  leaves: readonly Leave[],
  now: number,
): Covered {
  if (leaves.length === 0) return { why: "none was given" };
  const reasons = leaves.map((leave) => objection(policy, vouched, device, leave, now));
  const at = reasons.indexOf(undefined);
  const leave = leaves[at];
  return leave === undefined ? { why: reasons.join("; ") } : { by: leave.approval };
}

function objection(
  { approvals }: AdmissionPolicy,
  { digest }: Vouched,
  device: string,
  { approval, signers }: Leave,
  now: number,
): string | undefined {
  const { manifest, devices, expires } = approval;
  if (approvals.keys.length === 0) return "the policy trusts no key for approvals";
  if (signers < approvals.threshold)
    return `${signers} of the ${approvals.threshold} trusted approval keys that are asked for signed it`;
  if (isOver(expires, now)) return `it expired at ${expires}, and it is ${timeOf(now)}`;
  if (digest === undefined) return "the artifact has no manifest that it could be for";
  if (manifest !== digest) return `it is for the manifest ${manifest}, and this one is ${digest}`;
  if (!devices.includes(device)) return "it names other devices";
  return undefined;
}

/** Everything about the artifact that needs no device. Nothing: it may pass. */
export function judgeArtifact(
  policy: AdmissionPolicy,
  { manifest }: Vouched,
  artifact: ArtifactRef,
  cover: () => Covered,
  now: number,
): Refusal | undefined {
  if (manifest === undefined) return undefined;
  if (isOver(manifest.expires, now)) {
    return refusal(
      "manifest_expired",
      `The manifest of ${named(manifest)} expired at ${manifest.expires}, and it is ${timeOf(now)}. Get one that is newer`,
    );
  }
  const difference = differenceOf(manifest, artifact);
  if (difference !== undefined)
    return refusal("manifest_mismatch", `${difference}. Open the artifact that belongs to this manifest`);
  if (manifest.sequence >= policy.minimumSequence) return undefined;
  return covered(
    cover(),
    `The manifest of ${named(manifest)} has sequence ${manifest.sequence}, and the policy takes none below ${policy.minimumSequence}`,
  );
}

function differenceOf({ length, sha256, version }: Manifest, artifact: ArtifactRef): string | undefined {
  if (artifact.length !== length) return `The artifact has ${artifact.length} bytes, and its manifest says ${length}`;
  if (artifact.digest !== sha256)
    return `The artifact's SHA-256 is ${artifact.digest}, and its manifest says ${sha256}`;
  if (artifact.version === version) return undefined;
  const opened = artifact.version === "" ? "without a version" : `as version ${quoted(artifact.version)}`;
  return `The artifact was opened ${opened}, and its manifest says ${quoted(version)}`;
}

/** Whether some rule is about the device: only then is it read before a push. */
export function asksDevice(policy: AdmissionPolicy, { manifest }: Vouched, artifact: ArtifactRef): boolean {
  if (policy.downgrades === "approved" || manifest?.minimumVersion !== undefined) return true;
  return hardwareOf(manifest, artifact).length > 0;
}

/** What the artifact may do to this device, as it was read just now. Nothing: it may pass. */
export function judgeDevice(
  policy: AdmissionPolicy,
  { manifest }: Vouched,
  artifact: ArtifactRef,
  state: DeviceState,
  versions: Ordering,
  cover: () => Covered,
): Refusal | undefined {
  const hardware = judgeHardware(policy, hardwareOf(manifest, artifact), state.hardware);
  if (hardware !== undefined) return hardware;
  const old = judgeMinimum(manifest?.minimumVersion, state.version, versions);
  if (old !== undefined) return old;
  const version = manifest?.version ?? artifact.version;
  if (policy.downgrades === "permitted" || version === "") return undefined;
  const age = ageOf(versions, version, state.version);
  if (age !== undefined && age >= 0) return undefined;
  const runs = `The device runs ${quoted(state.version)}, and`;
  if (age !== undefined) return covered(cover(), `${runs} the artifact is the older ${quoted(version)}`);
  return covered(cover(), `${runs} whether the artifact's ${quoted(version)} is older cannot be told`, ordering);
}

/** What to do about versions that the client's scheme has no order for. */
const ordering = ", or give the client a versions scheme that orders them";

function judgeMinimum(minimum: string | undefined, version: string, versions: Ordering): Refusal | undefined {
  if (minimum === undefined) return undefined;
  // A bound by precedence: any build of the oldest version is that version.
  const age = versions.compare(version, minimum) === 0 ? 0 : ageOf(versions, version, minimum);
  if (age !== undefined && age >= 0) return undefined;
  const replaces = `The device runs ${quoted(version)}, and the artifact may replace ${quoted(minimum)} or a later version`;
  return refusal(
    "version_too_old",
    age === undefined
      ? `${replaces}: which of the two is older cannot be told. Sign it with a minimumVersion that can be compared${ordering}`
      : `${replaces}. Update it to one of those first`,
  );
}

/** Each statement that there is must hold: the signed one, and the caller's own. */
function hardwareOf(manifest: Manifest | undefined, artifact: ArtifactRef): readonly (readonly string[])[] {
  return [manifest?.hardware, artifact.hardware].filter((ids) => ids !== undefined);
}

function judgeHardware(
  { unreportedHardware }: AdmissionPolicy,
  statements: readonly (readonly string[])[],
  reported: string | undefined,
): Refusal | undefined {
  for (const ids of statements) {
    const meant = `The artifact is for the hardware ${ids.map(quoted).join(", ")}`;
    if (reported === undefined) {
      if (unreportedHardware === "admit") continue;
      return refusal(
        "hardware_unknown",
        `${meant}, and the device does not tell what it is. Say in its profile where it does (inspect.also.hardware), or have the policy admit it`,
      );
    }
    if (!ids.includes(reported))
      return refusal("wrong_hardware", `${meant}, and the device says that it is ${quoted(reported)}. Choose another`);
  }
  return undefined;
}

function covered(cover: Covered, told: string, otherwise = ", or send a newer artifact"): Refusal | undefined {
  if ("by" in cover) return undefined;
  return refusal("downgrade_refused", `${told}. No approval covers that: ${cover.why}. Get one${otherwise}`);
}

const isOver = (expires: string, now: number): boolean => now >= Date.parse(expires);
const named = ({ name, version }: Manifest): string => `${quoted(name)} ${quoted(version)}`;
const quoted = (text: string): string => JSON.stringify(text);
const refusal = (code: FlashwaveErrorCode, told: string): Refusal => ({
  code,
  message: `${told}. Nothing was sent.`,
});
