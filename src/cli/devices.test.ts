import { describe, expect, it } from "vitest";
import { type DeviceDefaults, devicesOf, entriesOf, linesOf } from "./devices.ts";

const named = (entries: readonly string[], defaults?: DeviceDefaults) =>
  devicesOf(entriesOf("--to", entries), defaults);

describe("devices of the command line", () => {
  it.each([
    ["http://10.0.0.12", { id: "10.0.0.12", address: "http://10.0.0.12" }],
    ["10.0.0.12", { id: "10.0.0.12", address: "http://10.0.0.12" }],
    ["https://pos.local:8443/", { id: "pos.local:8443", address: "https://pos.local:8443/" }],
    ["pos-1=https://10.0.0.12", { id: "pos-1", address: "https://10.0.0.12" }],
    ["shelf=3=http://[fd00::1]:80", { id: "shelf=3", address: "http://[fd00::1]:80" }],
  ])("%s", (entry, device) => expect(named([entry])).toEqual([device]));

  it.each([
    ["pos-1=10.0.0.12 via=tus", { id: "pos-1", address: "http://10.0.0.12", delivery: "tus", probe: "json" }],
    ["10.0.0.12  probe=http via=swupdate ", { delivery: "swupdate", probe: "http" }],
    ["via=10.0.0.12", { id: "via", address: "http://10.0.0.12", delivery: "usual" }],
    ["10.0.0.12 via=", { delivery: "" }],
  ])("%s, where others are spoken to via usual and read via json", (entry, device) =>
    expect(named([entry], { via: "usual", probe: "json" })).toMatchObject([device]),
  );

  it("does not make an id of credentials", () =>
    expect(named(["http://user:s3cret@10.0.0.1"])[0]?.id).toBe("10.0.0.1"));

  it("takes --id for a single device", () =>
    expect(named(["http://10.0.0.1"], { id: "pos-1" })).toEqual([{ id: "pos-1", address: "http://10.0.0.1" }]));

  it.each([
    [[], undefined, "No device is named"],
    [["http://10.0.0.1", "http://10.0.0.2"], "pos-1", "--id names a single device"],
    [["pos-2=http://10.0.0.1"], "pos-1", "two ids"],
    [["http://10.0.0.1", "10.0.0.1"], undefined, '--to: the device "10.0.0.1" is named twice.'],
    [["=http://10.0.0.1"], undefined, "1 to 256 printable characters"],
    [["a\u202eb=http://10.0.0.1"], undefined, "1 to 256 printable characters"],
    [[`${"a".repeat(257)}=http://10.0.0.1`], undefined, "1 to 256 printable characters"],
  ])("refuses %j with id %j", (entries, id, message) => expect(() => named(entries, { id })).toThrow(message));

  it.each([
    ["a=http://10.0.0.1 foo=bar", '--to: unknown word "foo"; an address is followed by via=<kind>, probe=<kind>.'],
    ["pos 1=http://10.0.0.1", 'unknown word "1"'],
    ["10.0.0.1 via", 'unknown word "via"'],
    ["10.0.0.1 s3cr:et", 'unknown word "…"'],
    ["10.0.0.1 via=http via=tus", "via is given twice"],
    ["10.0.0.1 probe=gopher", 'there is no kind "gopher" for probe; there are http, tus'],
    ["http://", "there is no address"],
    ["", "there is no address"],
  ])("%s is refused", (entry, message) => expect(() => named([entry], { kinds: ["http", "tus"] })).toThrow(message));

  it("reads a file line by line, comments and blank lines left out, and knows where it is", () => {
    const file = "# shelf\r\nhttp://10.0.0.1\r\n\n  b=10.0.0.2  # the second\n\t# none\nc=10.0.0.3 vai=http";
    const entries = linesOf("--to-file", file);
    expect(entries.map(({ text }) => text)).toEqual(["http://10.0.0.1", "b=10.0.0.2", "c=10.0.0.3 vai=http"]);
    expect(() => devicesOf(entries)).toThrow('--to-file, line 6: unknown word "vai"');
  });
});
