import { describe, expect, it } from "vitest";
import { devicesOf, entriesOf } from "./devices.ts";

describe("devices of the command line", () => {
  it.each([
    ["http://10.0.0.12", { id: "10.0.0.12", address: "http://10.0.0.12" }],
    ["10.0.0.12", { id: "10.0.0.12", address: "http://10.0.0.12" }],
    ["https://pos.local:8443/", { id: "pos.local:8443", address: "https://pos.local:8443/" }],
    ["pos-1=https://10.0.0.12", { id: "pos-1", address: "https://10.0.0.12" }],
    ["shelf=3=http://[fd00::1]:80", { id: "shelf=3", address: "http://[fd00::1]:80" }],
  ])("%s", (entry, device) => expect(devicesOf([entry])).toEqual([device]));

  it.each([
    ["pos 1=10.0.0.12 via=tus", { id: "pos 1", address: "http://10.0.0.12", delivery: "tus", probe: "json" }],
    ["10.0.0.12  probe=http via=swupdate ", { delivery: "swupdate", probe: "http" }],
    ["via=10.0.0.12", { id: "via", address: "http://10.0.0.12", delivery: "usual" }],
    ["10.0.0.12 via=", { delivery: "" }],
    ["10.0.0.12 site=x", { address: "http://x", id: "10.0.0.12 site" }],
  ])("%s, where others are spoken to via usual and read via json", (entry, device) =>
    expect(devicesOf([entry], { via: "usual", probe: "json" })).toMatchObject([device]),
  );

  it("does not make an id of credentials", () =>
    expect(devicesOf(["http://user:s3cret@10.0.0.1"])[0]?.id).toBe("10.0.0.1"));

  it("takes --id for a single device", () =>
    expect(devicesOf(["http://10.0.0.1"], { id: "pos-1" })).toEqual([{ id: "pos-1", address: "http://10.0.0.1" }]));

  it.each([
    [[], undefined, "No device is named"],
    [["http://10.0.0.1", "http://10.0.0.2"], "pos-1", "--id names a single device"],
    [["pos-2=http://10.0.0.1"], "pos-1", "two ids"],
    [["http://10.0.0.1", "10.0.0.1"], undefined, 'The device "10.0.0.1" is named twice.'],
    [["=http://10.0.0.1"], undefined, "1 to 256 printable characters"],
    [["a\u202eb=http://10.0.0.1"], undefined, "1 to 256 printable characters"],
    [[`${"a".repeat(257)}=http://10.0.0.1`], undefined, "1 to 256 printable characters"],
  ])("refuses %j with id %j", (entries, id, message) => expect(() => devicesOf(entries, { id })).toThrow(message));

  it("reads a file line by line, comments and blank lines left out", () =>
    expect(entriesOf("# shelf\r\nhttp://10.0.0.1\r\n\n  b=10.0.0.2  ")).toEqual(["http://10.0.0.1", "b=10.0.0.2"]));
});
