import type { Mutation, NamedTest } from "./types.ts";

const rules = "src/push/admission/rules.ts";
const vouching = "src/push/admission/vouching.ts";
const byRule = (title: string): NamedTest => ({ file: "src/push/admission/rules.test.ts", title });
const bySignature = (title: string): NamedTest => ({ file: "src/trust/keys.test.ts", title });

const byAdmission = (title: string): NamedTest => ({ file: "integration/admission.test.ts", title });

/** What would let an artifact in that nobody, or the wrong one, vouched for. */
export const trustMutations: readonly Mutation[] = [
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
        find: "if (minimum !== undefined && versions.compare(state.version, minimum) < 0) {",
        replace: "if (false) {",
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
    name: "approval-of-any-device",
    defect: "an approval for one device covers all",
    edits: [{ file: rules, find: 'if (!devices.includes(device)) return "it names other devices";', replace: "" }],
    test: byRule("it is for other devices"),
  },
  {
    name: "key-counted-twice",
    defect: "one key that signs twice reaches a threshold of two",
    edits: [
      {
        file: "src/trust/signatures.ts",
        find: "return keys.filter(({ key }) => whole.some((one) => verify(null, document, key, one))).map(({ id }) => id);",
        replace:
          "return whole.flatMap((one) => keys.filter(({ key }) => verify(null, document, key, one)).map(({ id }) => id));",
      },
    ],
    test: bySignature("count different trusted keys, in any order, among any others"),
  },
  {
    name: "signature-not-checked",
    defect: "a signature is counted by its length",
    edits: [
      {
        file: "src/trust/signatures.ts",
        find: "whole.some((one) => verify(null, document, key, one))",
        replace: "whole.some((one) => one.length === 64 && key !== undefined)",
      },
    ],
    test: bySignature("are over the exact bytes"),
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
    test: byAdmission("signed by one of two"),
  },
  {
    name: "key-trusted-twice",
    defect: "the same key in two spellings counts as two",
    edits: [{ file: "src/trust/keys.ts", find: "if (twice >= 0) throw", replace: "if (twice > keys.length) throw" }],
    test: bySignature("are each counted once"),
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
    name: "comment-unsigned",
    defect: "a minisign signature's trusted comment may say anything",
    edits: [{ file: "src/trust/minisign.ts", find: " && verify(null, all, key, globalSignature)", replace: "" }],
    test: { file: "src/trust/minisign.test.ts", title: "holds for its trusted comment as well" },
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
    test: byAdmission("from before the least sequence (rollback)"),
  },
  {
    name: "approval-of-any-release",
    defect: "an approval for one release covers all",
    edits: [{ file: rules, find: "if (manifest !== digest) return", replace: "if (false) return" }],
    test: byAdmission("an approval for another release"),
  },
  {
    name: "approval-never-expires",
    defect: "an approval is good for ever",
    edits: [{ file: rules, find: "if (isOver(expires, now)) return", replace: "if (false) return" }],
    test: byAdmission("an approval that is over"),
  },
  {
    name: "approval-by-anybody",
    defect: "an approval need not be signed by those who may approve",
    edits: [{ file: rules, find: "if (signers < approvals.threshold)", replace: "if (false)" }],
    test: byAdmission("an approval by who may only release"),
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
    test: byAdmission("is read and sent nothing"),
  },
  {
    name: "name-twice",
    defect: "a manifest may say a thing twice, and parsers differ in what they take",
    edits: [{ file: "src/trust/strict-json.ts", find: "if (names?.has(name)) return", replace: "if (false) return" }],
    test: { file: "src/trust/documents.test.ts", title: "a name twice" },
  },
];
