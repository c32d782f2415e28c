import { describe, expect, it } from "vitest";
import { parseOrigin } from "./address.ts";
import { AddressPolicy } from "./address-policy.ts";
import { embeddedIPv4 } from "./ipv6.ts";

const open = new AddressPolicy({ permit: ["0.0.0.0/0", "::/0"] });

describe("parseOrigin", () => {
  it.each([
    ["http://10.0.0.1", "http://10.0.0.1"],
    ["http://10.0.0.1/", "http://10.0.0.1"],
    ["HTTP://10.0.0.1:80", "http://10.0.0.1"],
    ["https://Device.Local:443", "https://device.local"],
    ["https://device:8443", "https://device:8443"],
    ["http://my_device-1.lan:8080", "http://my_device-1.lan:8080"],
    ["http://[FD00:0:0::1]", "http://[fd00::1]"],
    ["http://[::ffff:10.0.0.1]:81", "http://[::ffff:a00:1]:81"],
    ["http://xn--bcher-kva.example", "http://xn--bcher-kva.example"],
    ["http://1.example", "http://1.example"],
  ])("reads %s as %s", (address, origin) => {
    expect(parseOrigin(address, open).text).toBe(origin);
    expect(parseOrigin(origin, open).text).toBe(origin);
  });

  it("takes an origin apart", () => {
    expect(parseOrigin("https://[FD00::1]:8443", open)).toEqual({
      text: "https://[fd00::1]:8443",
      secure: true,
      host: "fd00::1",
      literal: true,
    });
    expect(parseOrigin("http://Pos-1", open)).toMatchObject({ host: "pos-1", literal: false, secure: false });
  });

  it.each([
    ["another scheme", "ftp://10.0.0.1"],
    ["no scheme", "10.0.0.1"],
    ["no slashes", "http:10.0.0.1"],
    ["one slash", "http:/10.0.0.1"],
    ["three slashes", "http:///10.0.0.1"],
    ["backslashes", "http:\\\\10.0.0.1"],
    ["a backslash after the host", "http://10.0.0.1\\@evil"],
    ["credentials", "http://user:secret@10.0.0.1"],
    ["a user", "http://user@10.0.0.1"],
    ["an empty user", "http://@10.0.0.1"],
    ["a path", "http://10.0.0.1/update"],
    ["two slashes at the end", "http://10.0.0.1//"],
    ["a query", "http://10.0.0.1?x"],
    ["an empty query", "http://10.0.0.1?"],
    ["a fragment", "http://10.0.0.1#x"],
    ["leading space", " http://10.0.0.1"],
    ["trailing space", "http://10.0.0.1 "],
    ["a tab inside", "http://10.0.\t0.1"],
    ["a line break inside", "http://10.0.0.1\n"],
    ["NUL", "http://10.0.0.1\0"],
    ["decimal IPv4", "http://2130706433"],
    ["octal IPv4", "http://0177.0.0.1"],
    ["hexadecimal IPv4", "http://0x7f.0.0.1"],
    ["one hexadecimal number", "http://0x7f000001"],
    ["short IPv4", "http://127.1"],
    ["IPv4 with a fifth part", "http://10.0.0.0.1"],
    ["IPv4 out of range", "http://10.0.0.256"],
    ["a trailing dot", "http://device.local."],
    ["a dot alone", "http://."],
    ["an empty label", "http://a..b"],
    ["a leading hyphen", "http://-a.local"],
    ["a trailing hyphen", "http://a-.local"],
    ["a long label", `http://${"a".repeat(64)}.local`],
    ["a long name", `http://${"a.".repeat(127)}aa`],
    ["full-width digits", "http://１２７.0.0.1"],
    ["an ideographic full stop", "http://127。0。0。1"],
    ["a circled letter", "http://ⓔxample.com"],
    ["an escaped host", "http://%31%32%37.0.0.1"],
    ["a soft hyphen", "http://exam\u00adple.com"],
    ["a zone id", "http://[fe80::1%25eth0]"],
    ["a bare zone id", "http://[fe80::1%eth0]"],
    ["IPv6 without brackets", "http://::1"],
    ["bad IPv6", "http://[1::2::3]"],
    ["IPvFuture", "http://[v1.fe80::a]"],
    ["IPv4 in brackets", "http://[127.0.0.1]"],
    ["an empty host", "http://"],
    ["an empty host with a port", "http://:80"],
    ["port 0", "http://10.0.0.1:0"],
    ["a large port", "http://10.0.0.1:65536"],
    ["a padded port", "http://10.0.0.1:080"],
    ["an empty port", "http://10.0.0.1:"],
    ["a port with a sign", "http://10.0.0.1:+80"],
    ["nothing", undefined],
    ["a URL object", new URL("http://10.0.0.1")],
  ])("refuses %s", (_, address) => {
    expect(() => parseOrigin(address as string, open)).toThrow(
      expect.objectContaining({ code: "invalid_address", phase: "prepare" }),
    );
  });

  it.each([
    "http://user:can/ary@10.0.0.1",
    "user:can/ary@10.0.0.1",
    "https://user:can#ary@10.0.0.1",
    "http://10.0.0.1/fw?token=canary",
    "http://10.0.0.1/#can/ary",
  ])("repeats nothing secret of %s", (address) => {
    expect(() => parseOrigin(address, open)).toThrow(/^(?!.*(?:can|ary))/);
  });

  it("never repeats credentials, and says where they belong", () => {
    expect(() => parseOrigin("http://user:canary@10.0.0.1", open)).toThrow(/^(?!.*canary).*credentials/);
    expect(() => parseOrigin("http://us/er:canary@10.0.0.1", open)).toThrow(/^(?!.*canary)/);
  });

  it("says what is wrong otherwise", () => {
    expect(() => parseOrigin("10.0.0.1", open)).toThrow(/must start with http/);
    expect(() => parseOrigin("http://10.0.0.1/update", open)).toThrow(/profile/);
    expect(() => parseOrigin("http://127.1", open)).toThrow(/four decimal parts/);
  });

  it("asks the policy about an address, not about a name", () => {
    const strict = new AddressPolicy();
    expect(() => parseOrigin("http://127.0.0.1", strict)).toThrow(
      expect.objectContaining({ code: "address_denied", bytesOut: "none", retryable: false }),
    );
    expect(() => parseOrigin("http://[::1]", strict)).toThrow(expect.objectContaining({ code: "address_denied" }));
    expect(parseOrigin("http://localhost", strict).literal).toBe(false);
  });
});

describe("embeddedIPv4", () => {
  it.each([
    ["::ffff:127.0.0.1", "127.0.0.1"],
    ["::ffff:7f00:1", "127.0.0.1"],
    ["0:0:0:0:0:FFFF:7F00:0001", "127.0.0.1"],
    ["::127.0.0.1", "127.0.0.1"],
    ["::2:0", "0.2.0.0"],
    ["::ffff:0:127.0.0.1", "127.0.0.1"],
    ["64:ff9b::127.0.0.1", "127.0.0.1"],
    ["64:ff9b:1::7f00:1", "127.0.0.1"],
    ["64:ff9b:1:2:3:4:7f00:1", "127.0.0.1"],
    ["2002:7f00:1::", "127.0.0.1"],
    ["2002:a9fe:a9fe::1", "169.254.169.254"],
  ])("finds in %s the address %s", (ip, v4) => {
    expect(embeddedIPv4(ip)).toBe(v4);
  });

  it.each([
    "::",
    "::1",
    "fd00::1",
    "fe80::7f00:1",
    "64:ff9b:2::1",
    "64:ff9b:0:1::1",
    "1:2:3:4:5:6:7:8",
    "10.0.0.1",
    "fe80::1%1",
    "x",
  ])("finds none in %s", (ip) => {
    expect(embeddedIPv4(ip)).toBeUndefined();
  });
});
