import type { Mutation, NamedTest } from "./types.ts";

const rules = "src/push/admission/rules.ts";
const vouching = "src/push/admission/vouching.ts";
const byRule = (title: string): NamedTest => ({ file: "src/push/admission/rules.test.ts", title });
const byVouching = (title: string): NamedTest => ({ file: "src/push/admission/vouching.test.ts", title });
const byNobody = (title: string): NamedTest => ({ file: "integration/admission-vouching.test.ts", title });
const byAdmission = (title: string): NamedTest => ({ file: "integration/admission.test.ts", title });
const byDowngrade = (title: string): NamedTest => ({ file: "integration/admission-downgrades.test.ts", title });
const byDevice = (title: string): NamedTest => ({ file: "integration/admission-devices.test.ts", title });

/** What would let an artifact in that nobody, or the wrong one, vouched for. */
export const admissionMutations: readonly Mutation[] = [
  {
    name: "manifest-never-expires",
    defect: "a manifest is good for ever",
    edits: [{ file: rules, find: "if (isOver(manifest.expires, now)) {", replace: "if (false) {" }],
    test: byRule("refuses by"),
  },
  {
    name: "other-bytes-admitted",
    defect: "a manifest vouches for other bytes than its own",
    edits: [{ file: rules, find: "if (artifact.digest !== sha256)", replace: "if (false)" }],
    test: byRule("refuses by"),
  },
  {
    name: "any-hardware",
    defect: "an artifact is sent to hardware that it is not for",
    edits: [{ file: rules, find: "if (!ids.includes(reported))", replace: "if (false)" }],
    test: byRule("other hardware"),
  },
  {
    name: "no-version-floor",
    defect: "a version that the artifact may not replace is replaced",
    edits: [
      {
        file: rules,
        find: "if (minimum === undefined) return undefined;",
        replace: "return undefined;",
      },
    ],
    test: byRule("an older version than it may replace"),
  },
  {
    name: "downgrade-unapproved",
    defect: "a downgrade needs nobody's approval",
    edits: [{ file: rules, find: 'if ("by" in cover) return undefined;', replace: "if (told) return undefined;" }],
    test: byRule("a downgrade"),
  },
  {
    name: "names-put-in-order",
    defect: "versions that nobody can order are taken for older and newer all the same",
    edits: [
      {
        file: "src/core/versions.ts",
        find: "return placed && !Number.isNaN(order) ? order : undefined;",
        replace: "return order;",
      },
    ],
    test: byRule("names that nobody orders"),
  },
  {
    name: "builds-taken-for-one",
    defect: "another build of the version that runs, which may be an older one, passes for the same",
    edits: [
      {
        file: "src/core/versions.ts",
        find: "return a === b || isSame(versions, a, b) ? 0 : undefined;",
        replace: "return 0;",
      },
    ],
    test: byRule("another build of the same version"),
  },
  {
    name: "approval-of-any-device",
    defect: "an approval for one device covers all",
    edits: [{ file: rules, find: 'if (!devices.includes(device)) return "it names other devices";', replace: "" }],
    test: byRule("it is for other devices"),
  },
  {
    name: "threshold-ignored",
    defect: "one of the trusted keys is enough, whatever the policy asks for",
    edits: [
      {
        file: vouching,
        find: "if (keys.length >= manifests.threshold && keys.length > 0) {",
        replace: "if (keys.length > 0) {",
      },
    ],
    test: byNobody("signed by one of two"),
  },
  {
    name: "digest-believed",
    defect: "what a store of somebody's own keeps is taken for what it calls it",
    edits: [
      { file: vouching, find: "if (found === artifact.digest) return vouched;", replace: "if (found) return vouched;" },
    ],
    test: byAdmission("goes nowhere where a store of somebody's own calls other bytes by the digest that was signed"),
  },
  {
    name: "hardware-assumed",
    defect: "a device that does not tell its hardware is taken for the right one",
    edits: [{ file: rules, find: 'if (unreportedHardware === "admit") continue;', replace: "continue;" }],
    test: byRule("unreported hardware"),
  },
  {
    name: "sequence-ignored",
    defect: "an old release that is still signed is taken again",
    edits: [
      {
        file: rules,
        find: "if (manifest.sequence >= policy.minimumSequence) return undefined;",
        replace: "return undefined;",
      },
    ],
    test: byNobody("from before the least sequence (rollback)"),
  },
  {
    name: "approval-of-any-release",
    defect: "an approval for one release covers all",
    edits: [{ file: rules, find: "if (manifest !== digest) return", replace: "if (false) return" }],
    test: byDowngrade("an approval for another release"),
  },
  {
    name: "approval-never-expires",
    defect: "an approval is good for ever",
    edits: [{ file: rules, find: "if (isOver(expires, now)) return", replace: "if (false) return" }],
    test: byDowngrade("an approval that is over"),
  },
  {
    name: "approval-by-anybody",
    defect: "an approval need not be signed by those who may approve",
    edits: [{ file: rules, find: "if (signers < approvals.threshold)", replace: "if (false)" }],
    test: byDowngrade("an approval by who may only release"),
  },
  {
    name: "push-unasked",
    defect: "a push goes past admission",
    edits: [
      {
        file: "src/push/client.ts",
        find: "const before = work.admission && (await admitted(work, artifact, options.approvals));",
        replace: "const before = undefined as Awaited<ReturnType<typeof admitted>>;",
      },
    ],
    test: byAdmission("goes nowhere, whichever bit of the signature was flipped"),
  },
  {
    name: "device-unasked",
    defect: "an update goes past the rules about the device",
    edits: [
      {
        file: "src/push/update.ts",
        find: "if (candidate !== undefined && !running) admit(work, candidate, before);",
        replace: "",
      },
    ],
    test: byDevice("is read and sent nothing"),
  },
  {
    name: "hardware-alike",
    defect: "an artifact for r2 is sent to what calls itself r2-b",
    edits: [
      { file: rules, find: "if (!ids.includes(reported))", replace: "if (!ids.some((id) => reported.startsWith(id)))" },
    ],
    test: byRule("hardware that begins alike"),
  },
  {
    name: "approval-alike",
    defect: "an approval for a device covers all whose names begin with its own",
    edits: [
      {
        file: rules,
        find: "if (!devices.includes(device))",
        replace: "if (!devices.some((one) => device.startsWith(one)))",
      },
    ],
    test: byRule("it is for one that begins alike"),
  },
  {
    name: "forced-past-admission",
    defect: "an update that is forced goes past the rules about the device",
    edits: [
      {
        file: "src/push/update.ts",
        find: "if (candidate !== undefined && !running) admit",
        replace: "if (candidate !== undefined && !running && !options.force) admit",
      },
    ],
    test: byDevice("is read and sent nothing"),
  },
  {
    name: "expiry-a-moment-late",
    defect: "a manifest is still good at the moment from which it is not",
    edits: [{ file: rules, find: "now >= Date.parse(expires)", replace: "now > Date.parse(expires)" }],
    test: byRule("refuses by"),
  },
  {
    name: "floor-above-itself",
    defect: "the oldest version that may be replaced may not",
    edits: [
      {
        file: rules,
        find: "=== 0 ? 0 : ageOf(versions, version, minimum);\n  if (age !== undefined && age >= 0)",
        replace: "=== 0 ? 0 : ageOf(versions, version, minimum);\n  if (age !== undefined && age > 0)",
      },
    ],
    test: byRule("the oldest that it may replace"),
  },
  {
    name: "strangers-counted",
    defect: "any signature beside that of one trusted key reaches a threshold of two",
    edits: [
      {
        file: vouching,
        find: "if (keys.length >= manifests.threshold &&",
        replace: "if (signed.signatures.length >= manifests.threshold &&",
      },
    ],
    test: byVouching("is no signature of a manifest by as many strangers as keys are asked for"),
  },
  {
    name: "minisign-instead",
    defect: "a minisign signature lets in what its manifest does not",
    edits: [
      {
        file: vouching,
        find: "if (manifest !== undefined) return",
        replace: "if (manifest !== undefined && (minisign === undefined || policy.minisign.length === 0)) return",
      },
    ],
    test: byVouching("is its manifest alone where it has one, whatever else it has"),
  },
];
