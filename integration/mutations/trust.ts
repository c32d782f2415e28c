import type { Mutation, NamedTest } from "./types.ts";

const byDocument = (title: string): NamedTest => ({ file: "src/trust/documents.test.ts", title });
const bySignature = (title: string): NamedTest => ({ file: "src/trust/keys.test.ts", title });
const byMinisign = (title: string): NamedTest => ({ file: "src/trust/minisign.test.ts", title });

/** What would take for signed what nobody signed, or not so. */
export const trustMutations: readonly Mutation[] = [
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
    name: "key-trusted-twice",
    defect: "the same key in two spellings counts as two",
    edits: [{ file: "src/trust/keys.ts", find: "if (twice >= 0) throw", replace: "if (twice > keys.length) throw" }],
    test: bySignature("are each counted once"),
  },
  {
    name: "comment-unsigned",
    defect: "a minisign signature's trusted comment may say anything",
    edits: [{ file: "src/trust/minisign.ts", find: " && verify(null, all, key, globalSignature)", replace: "" }],
    test: byMinisign("holds for its trusted comment as well"),
  },
  {
    name: "name-twice",
    defect: "a manifest may say a thing twice, and parsers differ in what they take",
    edits: [{ file: "src/trust/strict-json.ts", find: "if (names?.has(name)) return", replace: "if (false) return" }],
    test: byDocument("a name twice"),
  },
  {
    name: "name-twice-escaped",
    defect: "a manifest may say a thing twice, the second time in other letters",
    edits: [
      {
        file: "src/trust/strict-json.ts",
        find: "const name: string = JSON.parse(token);",
        replace: "const name: string = token.slice(1, -1);",
      },
    ],
    test: byDocument("a name twice, spelt otherwise"),
  },
  {
    name: "approval-without-end",
    defect: "an approval that names no end is one, and never ends",
    edits: [{ file: "src/trust/approval.ts", find: "expires: time,", replace: "expires: optional(time)," }],
    test: byDocument("needs its"),
  },
  {
    name: "minisign-of-nothing",
    defect: "a minisign signature is held against its own comment alone, not against the bytes",
    edits: [{ file: "src/trust/minisign.ts", find: "verify(null, signed, key, signature) && ", replace: "" }],
    test: { file: "integration/admission.test.ts", title: "goes nowhere by a minisign signature of other bytes" },
  },
  {
    name: "base64-lax",
    defect: "one minisign signature can be written in many ways",
    edits: [{ file: "src/trust/minisign.ts", find: ' && raw.toString("base64") === text ?', replace: " ?" }],
    test: byMinisign("text that is not written as it would be"),
  },
];
