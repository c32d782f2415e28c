import { describe, expect, it } from "vitest";
import { readLocation } from "./location.ts";
import { endOfPart, isMetadataKey, metadataOf, readServer, readSize } from "./protocol.ts";

const headers = (fields: Readonly<Record<string, string>>) => {
  const map = new Map(Object.entries(fields));
  return { get: (name: string) => map.get(name), [Symbol.iterator]: () => map.entries() };
};

describe("what a server says of itself", () => {
  it("is read whole", () => {
    const server = readServer(
      headers({
        "tus-version": "1.0.0,0.2.2",
        "tus-extension": "creation, creation-with-upload,checksum,termination,expiration",
        "tus-checksum-algorithm": "md5,SHA1,crc32",
        "tus-max-size": "1073741824",
      }),
    );
    expect(server).toEqual({
      creation: true,
      creationWithUpload: true,
      termination: true,
      checksum: "sha1",
      maxSize: 1_073_741_824,
    });
  });

  it("names nothing that it does not name", () => {
    expect(readServer(headers({ "tus-version": "1.0.0" }))).toEqual({
      creation: false,
      creationWithUpload: false,
      termination: false,
      checksum: undefined,
      maxSize: undefined,
    });
    // Algorithms without the extension are none.
    const fields = { "tus-version": "1.0.0", "tus-extension": "creation", "tus-checksum-algorithm": "sha1" };
    expect(readServer(headers(fields))?.checksum).toBeUndefined();
  });

  it.each([{}, { "tus-version": "" }, { "tus-version": "0.2.2" }, { "tus-version": "11.0.0" }])(
    "is no tus 1.0.0 with %j",
    (fields) => expect(readServer(headers(fields))).toBeUndefined(),
  );
});

it.each([
  ["0", 0],
  ["104857600", 104_857_600],
  [" 7 ", 7],
  [undefined, undefined],
  ["", undefined],
  ["-1", undefined],
  ["+1", undefined],
  ["1.5", undefined],
  ["0x10", undefined],
  ["1e3", undefined],
  ["1, 2", undefined],
  ["9999999999999999", undefined],
  ["99999999999999999999", undefined],
  ["NaN", undefined],
] as const)("reads the size %j as %s", (text, size) => expect(readSize(text)).toBe(size));

it("encodes metadata", () => {
  const pairs = new Map([
    ["filename", "Küche 3.bin"],
    ["empty", ""],
    ["lone", "\ud800"],
  ]);
  expect(metadataOf(pairs)).toBe("filename S8O8Y2hlIDMuYmlu,empty,lone 77+9");
  expect(["a", "x-y_z", "a b", "a,b", "", "ä", "a\n", "a".repeat(129)].map(isMetadataKey)).toEqual([
    ...[true, true],
    ...[false, false, false, false, false, false],
  ]);
});

describe("the end of a part", () => {
  const block = 4;
  it.each([
    [0, 100, 0, 100],
    [37, 100, 0, 100],
    [0, 100, 8, 8],
    [8, 100, 8, 16],
    [5, 100, 8, 12],
    [7, 100, 4, 8],
    [96, 100, 8, 100],
    [99, 100, 4, 100],
    [0, 8, 8, 8],
  ])("from %d of %d, at most %d, is %d", (offset, length, most, end) => {
    expect(endOfPart(offset, length, most, block)).toBe(end);
  });

  it("always gets further, stays within the limit, and ends on a block", () => {
    for (let offset = 0; offset < 60; offset++) {
      for (const most of [4, 8, 20]) {
        const end = endOfPart(offset, 60, most, block);
        expect(end).toBeGreaterThan(offset);
        expect(end - offset).toBeLessThanOrEqual(most);
        expect(end === 60 || end % block === 0).toBe(true);
      }
    }
  });
});

describe("where an upload is", () => {
  const origin = "http://10.0.0.12:8080";
  const read = (location: string) => readLocation(location, origin, "/api/files?tenant=1");

  it.each([
    ["http://10.0.0.12:8080/files/24e533e0", "/files/24e533e0"],
    ["HTTP://10.0.0.12:8080/files/a+b?sig=1", "/files/a+b?sig=1"],
    ["/files/24e533e0", "/files/24e533e0"],
    ["24e533e0", "/api/24e533e0"],
    ["files/24e533e0", "/api/files/24e533e0"],
    ["?upload=7", "/api/files?upload=7"],
    ["/files/a%2Fb", "/files/a%2Fb"],
  ])("%s is %s", (location, path) => expect(read(location)).toEqual({ path }));

  it("knows the default port", () => {
    expect(readLocation("http://10.0.0.12:80/f/1", "http://10.0.0.12", "/f")).toEqual({ path: "/f/1" });
    expect(readLocation("https://10.0.0.12/f/1", "https://10.0.0.12", "/f")).toEqual({ path: "/f/1" });
  });

  it.each([
    "http://10.0.0.13:8080/files/1",
    "https://10.0.0.12:8080/files/1",
    "http://10.0.0.12/files/1",
    "http://10.0.0.12:8080@evil.example/files/1",
    "http://user:secret@10.0.0.12:8080/files/1",
    "http://10.0.0.12:8080.evil.example/files/1",
    "http://10.0.0.12:8080\\@evil.example/files/1",
    "http:///files/1",
    "ftp://10.0.0.12:8080/files/1",
    "//evil.example/files/1",
    "//10.0.0.12:8080/files/1",
  ])("%s is elsewhere", (location) => expect(read(location)).toEqual({ foreign: true }));

  it.each([
    "",
    "http://10.0.0.12:8080",
    "http://10.0.0.12:8080?upload=1",
    "http://10.0.0.12:8080//evil.example/1",
    "/files/../admin",
    "/files/%2e%2e/admin",
    "/files/.%2E/admin",
    "/files/..%2fadmin",
    "/files/..%5cadmin",
    "/files/x%2f..%2f..%2fadmin",
    "../admin",
    "./1",
    "/files/1#fragment",
    "/files/a b",
    "/files/a\r\nx-evil: 1",
    "/files/\u0000",
    "/files/%",
    "/files/%ff",
    "/files\\..\\admin",
    "javascript:alert(1)",
    "mailto:a",
    `/${"a".repeat(5_000)}`,
  ])("%j cannot be sent", (location) => expect(read(location)).toEqual({ problem: expect.any(String) }));
});
