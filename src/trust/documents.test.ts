import { describe, expect, it } from "vitest";
import { isFlashwaveError } from "../core/errors.ts";
import { parseApproval, writeApproval } from "./approval.ts";
import { parseManifest, writeManifest } from "./manifest.ts";
import { maxDocumentBytes, readStrictJson } from "./strict-json.ts";

const good = {
  schema: "flashwave.manifest/1",
  name: "till",
  version: "2.4.0",
  sequence: 12,
  length: 300_000,
  sha256: "ab".repeat(32),
  hardware: ["r2", "r3"],
  minimumVersion: "2.0.0",
  expires: "2027-01-31T00:00:00Z",
};
const bytesOf = (value: unknown) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value));

function refusal(read: () => unknown): { code: string; message: string } {
  try {
    read();
  } catch (error) {
    if (isFlashwaveError(error)) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error("it was taken");
}

describe("strict JSON", () => {
  it.each([
    ["nothing", "", /is not JSON/],
    ["a mark before it", "\ufeff{}", /is not JSON/],
    ["something after it", "{} {}", /is not JSON/],
    ["a comment", "{}//", /is not JSON/],
    ["a string that does not end", '{"a":"', /is not JSON/],
    ["a string that ends in a backslash", '"\\', /is not JSON/],
    ["bytes that are not UTF-8", Buffer.from([0x22, 0xff, 0x22]), /is not JSON/],
    ["a name twice", '{"a":1,"a":2}', /"a" twice/],
    ["a name twice, spelt otherwise", '{"a":1,"\\u0061":2}', /"a" twice/],
    ["a name twice, further down", '[{"b":[{"a":1 , "a" :2}]}]', /"a" twice/],
    ["__proto__ twice", '{"__proto__":1,"__proto__":2}', /"__proto__" twice/],
    ["too deep", "[[[[[[[[[]]]]]]]]]", /nested more than 8/],
    ["too long", " ".repeat(maxDocumentBytes + 1), /longer than 65536/],
    ["a fraction", "1.5", /not whole/],
    ["a whole number as a fraction", "1.0", /not whole/],
    ["an exponent", "1e2", /not whole/],
    ["a negative number", "-1", /not whole/],
    ["negative zero", "-0", /not whole/],
    ["a number that a double does not hold", "9007199254740993", /not whole/],
  ])("refuses %s", (_, document, problem) => {
    expect(readStrictJson(Buffer.from(document))).toEqual({ problem: expect.stringMatching(problem) });
  });

  it("reads the rest as JSON.parse does, without prototypes", () => {
    const text = '{"a":[1,0,9007199254740991,"x,\\"{",true,null],"b":{"a":{}},"c":{"a":"a"}}\n';
    const reading = readStrictJson(Buffer.from(text));
    expect(JSON.stringify(reading)).toBe(JSON.stringify({ value: JSON.parse(text) }));
    const { value } = readStrictJson(Buffer.from('{"__proto__":{"polluted":true}}')) as { value: object };
    expect(Object.getPrototypeOf(value)).toBe(null);
    expect(Object.keys(value)).toEqual(["__proto__"]);
    expect(({} as { polluted?: true }).polluted).toBeUndefined();
  });

  it("takes the 8th level", () => {
    expect(readStrictJson(Buffer.from("[[[[[[[[]]]]]]]]"))).toHaveProperty("value");
  });

  it("takes no more steps than the text has characters, whatever is in it", () => {
    // Quadratic, this would be 10^9 steps: more than the watchdog of the test allows.
    const text = `"${'\\"'.repeat(maxDocumentBytes / 2 - 1)}`;
    for (let times = 0; times < 20; times++) expect(readStrictJson(Buffer.from(text))).toHaveProperty("problem");
  });
});

describe("a manifest", () => {
  it("is read as it was written", () => {
    const document = writeManifest(good);
    expect({ ...parseManifest(document) }).toEqual(good);
    expect(Object.isFrozen(parseManifest(document))).toBe(true);
    expect(Object.isFrozen(parseManifest(document).hardware)).toBe(true);
    expect(document.toString().split("\n")[1]).toBe('  "schema": "flashwave.manifest/1",');
  });

  it.each(["hardware", "minimumVersion"] as const)("may leave %s out", (name) => {
    const { [name]: _, ...rest } = good;
    expect({ ...parseManifest(writeManifest(rest)) }).toEqual(rest);
  });

  it.each([
    ["a list", [good], /is not an object/],
    ["null", null, /is not an object/],
    ["an unknown field", { ...good, Version: "2" }, /a field "Version", which it does not know/],
    ["__proto__", `{"__proto__":{},${JSON.stringify(good).slice(1)}`, /a field "__proto__"/],
    [
      "another schema",
      { ...good, schema: "flashwave.downgrade-approval/1" },
      /as schema what is not "flashwave.manifest\/1"/,
    ],
    ["a later schema", { ...good, schema: "flashwave.manifest/12" }, /as schema what is not/],
    ["no schema", { ...good, schema: undefined }, /has no schema/],
    ["no name", { ...good, name: undefined }, /has no name/],
    ["an empty version", { ...good, version: "" }, /as version what is not text/],
    ["a version that turns the line round", { ...good, version: "2\u202e0" }, /as version what is not text/],
    [
      "half a character",
      `{"name":"\\ud800",${JSON.stringify({ ...good, name: undefined }).slice(1)}`,
      /as name what is not text/,
    ],
    ["a version too long", { ...good, version: "1".repeat(257) }, /as version what is not text/],
    ["a sequence that is text", { ...good, sequence: "12" }, /as sequence what is not a whole number, 0/],
    ["no bytes", { ...good, length: 0 }, /as length what is not a whole number, 1/],
    ["upper-case digits", { ...good, sha256: "AB".repeat(32) }, /as sha256 what is not/],
    ["a short digest", { ...good, sha256: "ab" }, /as sha256 what is not/],
    ["a long digest", { ...good, sha256: "ab".repeat(33) }, /as sha256 what is not/],
    ["a digest and a line break", { ...good, sha256: `${good.sha256}\n` }, /as sha256 what is not/],
    [
      "more hardware than fits",
      { ...good, hardware: Array.from({ length: 65 }, (_, at) => `r${at}`) },
      /as hardware what is not a list of 1 to 64/,
    ],
    ["no hardware in the list", { ...good, hardware: [] }, /as hardware what is not a list/],
    ["hardware twice", { ...good, hardware: ["r2", "r2"] }, /as hardware what is not a list/],
    ["hardware that is no text", { ...good, hardware: [2] }, /as hardware what is not a list/],
    ["hardware that is null", { ...good, hardware: null }, /as hardware what is not a list/],
    ["no expiry", { ...good, expires: undefined }, /has no expires/],
    ["a day that is none", { ...good, expires: "2027-02-30T00:00:00Z" }, /as expires what is not a time/],
    ["another zone", { ...good, expires: "2027-01-31T00:00:00+00:00" }, /as expires what is not a time/],
    ["a day alone", { ...good, expires: "2027-01-31" }, /as expires what is not a time/],
    ["a leap second", { ...good, expires: "2016-12-31T23:59:60Z" }, /as expires what is not a time/],
  ])("is refused with %s", (_, value, problem) => {
    const { code, message } = refusal(() => parseManifest(bytesOf(value)));
    expect([code, message]).toEqual(["invalid_manifest", expect.stringMatching(problem)]);
    expect(message).toMatch(/^The manifest .*Get it anew/);
  });

  it.each(["schema", "name", "version", "sequence", "length", "sha256", "expires"] as const)("needs its %s", (name) => {
    const { [name]: _, ...rest } = good;
    expect(refusal(() => parseManifest(bytesOf(rest))).message).toBe(
      `The manifest has no ${name}. Get it anew from whoever signed it.`,
    );
  });

  it("is not written either where it could not be read", () => {
    expect(refusal(() => writeManifest({ ...good, sequence: 1.5 })).code).toBe("invalid_manifest");
    expect(refusal(() => writeManifest({ ...good, extra: 1 } as typeof good)).code).toBe("invalid_manifest");
  });
});

describe("an approval", () => {
  const leave = { manifest: "cd".repeat(32), devices: ["pos-001"], expires: "2027-01-31T00:00:00Z" };

  it("is read as it was written", () => {
    expect({ ...parseApproval(writeApproval(leave)) }).toEqual({ schema: "flashwave.downgrade-approval/1", ...leave });
    expect(parseApproval(writeApproval({ ...leave, reason: "the till prints blanks" })).reason).toMatch(/blanks/);
  });

  it.each([
    ["no devices", { ...leave, devices: [] }],
    ["no manifest", { ...leave, manifest: "" }],
    ["no end", { ...leave, expires: "" }],
    [
      "more devices than fit",
      { ...leave, devices: Array.from({ length: 4_000 }, (_, at) => `pos-${"0".repeat(20)}${at}`) },
    ],
  ])("is refused with %s", (_, value) => {
    expect(refusal(() => writeApproval(value)).code).toBe("invalid_approval");
  });

  it.each(["schema", "manifest", "devices", "expires"] as const)("needs its %s", (name) => {
    const { [name]: _, ...rest } = { schema: "flashwave.downgrade-approval/1", ...leave };
    expect(refusal(() => parseApproval(bytesOf(rest))).message).toMatch(`has no ${name}`);
  });

  it("is no manifest, nor is a manifest an approval", () => {
    expect(refusal(() => parseManifest(writeApproval(leave))).code).toBe("invalid_manifest");
    expect(refusal(() => parseApproval(writeManifest(good))).code).toBe("invalid_approval");
  });
});
