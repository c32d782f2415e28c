import fc from "fast-check";
import { describe, expect } from "vitest";
import {
  minisignKeys,
  parseApproval,
  parseManifest,
  parseMinisign,
  signersOf,
  trustedKeys,
} from "../../src/trust/index.ts";
import { approvalFor, manifestFor, newSigner, signedBy } from "../../src/trust/kit.suite.ts";
import { readStrictJson } from "../../src/trust/strict-json.ts";
import { bent } from "./bent.ts";
import { fuzzTest, judge } from "./kit.ts";
import { documents } from "./recorded.ts";

const signer = newSigner();
const keys = trustedKeys("keys", [signer.publicKey]);
const firmware = Buffer.from("firmware");
const manifest = Buffer.from(manifestFor(firmware, { hardware: ["r1", "r2"], minimumVersion: "1.0.0" }));
const signed = signedBy(manifest, signer);
const approval = Buffer.from(approvalFor(signed));
const [signature = new Uint8Array()] = signed.signatures;

// minisign's own example, from its documentation.
const minisign = [
  "untrusted comment: signature from minisign secret key",
  "RUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=",
  "trusted comment: timestamp:1633700835\tfile:test\tprehashed",
  "wLMDjy9FLAuxZ3q4NlEvkgtyhrr0gtTu6KC4KBJdITbbOeAi1zBIYo0v4iTgt8jJpIidRJnp94ABQkJAgAooBQ==",
  "",
].join("\n");
const minisignKey = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

describe("documents that somebody signed", () => {
  fuzzTest(
    "are read exactly, or refused: no byte but the signer's own is taken for signed",
    60_000,
    bent([manifest.toString()]),
    (bytes) => {
      const same = bytes.equals(manifest);
      expect(signersOf({ document: bytes, signatures: [signature] }, keys)).toHaveLength(same ? 1 : 0);
      return judge(() => {
        const read = parseManifest(bytes);
        expect(Object.keys(read).every((name) => Object.keys(JSON.parse(manifest.toString())).includes(name))).toBe(
          true,
        );
        expect(read.sha256).toMatch(/^[\da-f]{64}$/);
        expect(Number.isSafeInteger(read.length) && read.length > 0).toBe(true);
        expect(Object.isFrozen(read)).toBe(true);
        return read;
      });
    },
  );

  fuzzTest("as approvals likewise, and never as a manifest", 40_000, bent([approval.toString()]), (bytes) => {
    expect("refused" in judge(() => parseManifest(bytes))).toBe(true);
    return judge(() => parseApproval(bytes));
  });

  fuzzTest(
    "hold no name twice, no inexact number and no prototype",
    60_000,
    bent([...documents, '{"a":1,"b":{"a":[2,{"c":3}]}}']),
    (bytes) => {
      const reading = readStrictJson(bytes);
      if ("problem" in reading) return { refused: reading.problem };
      const text = bytes.toString("utf8");
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(reading.value)));
      return reading;
    },
  );
});

describe("signatures", () => {
  const other = bent([Buffer.from(signature).toString("latin1")]).map((bytes) =>
    Buffer.from(bytes.toString("utf8"), "latin1"),
  );
  fuzzTest("that were changed are nobody's", 20_000, other, (bytes) => {
    const same = bytes.equals(Buffer.from(signature));
    const found = signersOf({ document: manifest, signatures: [bytes] }, keys);
    expect(found).toHaveLength(same ? 1 : 0);
    return found.length > 0 ? { value: found } : { refused: "nobody's" };
  });

  fuzzTest("of minisign are four lines, or none", 40_000, bent([minisign]), (bytes) => {
    const read = parseMinisign(bytes);
    if (read === undefined) return { refused: "none" };
    expect([read.signature.length, read.globalSignature.length]).toEqual([64, 64]);
    return { value: read };
  });

  fuzzTest(
    "have keys in one spelling, or none",
    20_000,
    fc.oneof(bent([minisignKey]), bent([signer.publicKey])).map(String),
    (text) => {
      const [spki, mini] = [judge(() => trustedKeys("keys", [text])), judge(() => minisignKeys("keys", [text]))];
      return "value" in spki ? spki : mini;
    },
  );
});
