import type { Mutation, NamedTest } from "./types.ts";

const rules = "src/push/admission/rules.ts";
const byRule = (title: string): NamedTest => ({ file: "src/push/admission/rules.test.ts", title });
const bySignature = (title: string): NamedTest => ({ file: "src/trust/keys.test.ts", title });

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
    name: "name-twice",
    defect: "a manifest may say a thing twice, and parsers differ in what they take",
    edits: [{ file: "src/trust/strict-json.ts", find: "if (names?.has(name)) return", replace: "if (false) return" }],
    test: { file: "src/trust/documents.test.ts", title: "a name twice" },
  },
];
