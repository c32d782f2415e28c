import { describe, expect, it } from "vitest";
import { AddressPolicy } from "./address-policy.ts";

const denies = (policy: AddressPolicy, ip: string) => policy.objection(ip) !== undefined;

describe("the address policy by default", () => {
  const policy = new AddressPolicy();

  it.each([
    ["loopback", ["127.0.0.1", "127.255.255.254", "::1", "0:0:0:0:0:0:0:1"]],
    ["link-local", ["169.254.169.254", "fe80::1", "febf::1"]],
    ["unspecified", ["0.0.0.0", "0.1.2.3", "::"]],
    ["multicast", ["224.0.0.1", "239.255.255.250", "ff02::1"]],
    ["broadcast", ["255.255.255.255"]],
  ])("denies %s addresses", (kind, addresses) => {
    for (const ip of addresses) expect(policy.objection(ip), ip).toContain(kind);
  });

  it.each([
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::127.0.0.1",
    "::ffff:0:127.0.0.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::7f00:1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "::ffff:0.0.0.0",
    "::ffff:224.0.0.1",
  ])("sees through %s", (ip) => {
    expect(denies(policy, ip)).toBe(true);
  });

  it.each(["10.0.0.1", "192.168.1.1", "172.16.0.1", "8.8.8.8", "fd00::1", "2001:db8::1", "64:ff9b::10.0.0.1"])(
    "lets %s pass",
    (ip) => {
      expect(policy.objection(ip)).toBeUndefined();
    },
  );

  it("says how to allow what it denies", () => {
    expect(() => policy.check("127.0.0.1", "127.0.0.1")).toThrow(
      expect.objectContaining({
        code: "address_denied",
        phase: "connect",
        retryable: false,
        message: expect.stringContaining('addressPolicy: { permit: ["127.0.0.0/8", "::1/128"] }'),
      }),
    );
    expect(() => policy.check("169.254.1.1", "meta.internal")).toThrow(
      /meta\.internal \(169\.254\.1\.1\).*169\.254\.0\.0/,
    );
  });
});

describe("the three lists", () => {
  it("permit lifts the default denial, in every spelling, and nothing more", () => {
    const policy = new AddressPolicy({ permit: ["127.0.0.0/8"] });
    for (const ip of ["127.0.0.1", "::ffff:127.0.0.1", "2002:7f00:1::", "10.0.0.1"])
      expect(denies(policy, ip), ip).toBe(false);
    for (const ip of ["::1", "169.254.0.1", "0.0.0.0"]) expect(denies(policy, ip), ip).toBe(true);
  });

  it("takes single addresses and IPv6 blocks", () => {
    const policy = new AddressPolicy({ permit: ["::1", "127.0.0.1", "fe80::/10"] });
    for (const ip of ["::1", "127.0.0.1", "fe80::2"]) expect(denies(policy, ip), ip).toBe(false);
    for (const ip of ["127.0.0.2", "ff02::1"]) expect(denies(policy, ip), ip).toBe(true);
  });

  it("only narrows, and does not lift", () => {
    const policy = new AddressPolicy({ only: ["10.0.0.0/8", "127.0.0.0/8"] });
    expect(denies(policy, "10.1.2.3")).toBe(false);
    expect(denies(policy, "::ffff:10.1.2.3")).toBe(false);
    expect(policy.objection("11.0.0.1")).toContain('"only"');
    expect(policy.objection("127.0.0.1")).toContain("loopback");
    expect(denies(new AddressPolicy({ only: [] }), "10.0.0.1")).toBe(true);
  });

  it("deny wins over both", () => {
    const policy = new AddressPolicy({
      permit: ["127.0.0.0/8"],
      only: ["0.0.0.0/0"],
      deny: ["10.0.0.0/24", "127.0.0.2"],
    });
    expect(denies(policy, "10.0.1.1")).toBe(false);
    for (const ip of ["10.0.0.1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "127.0.0.2"]) {
      expect(policy.objection(ip), ip).toContain("deny list");
    }
  });

  it.each([["10.0.0.0/33"], ["::/129"], ["10.0.0"], ["example.org"], ["10.0.0.0/"], [""], ["fe80::1%1"], [7]])(
    "refuses %j as a block",
    (cidr) => {
      for (const list of ["permit", "only", "deny"]) {
        expect(() => new AddressPolicy({ [list]: [cidr] })).toThrow(
          expect.objectContaining({
            code: "invalid_option",
            message: expect.stringContaining(`addressPolicy.${list}`),
          }),
        );
      }
    },
  );

  it("refuses a list that is none", () => {
    expect(() => new AddressPolicy({ deny: "10.0.0.1" as unknown as string[] })).toThrow(
      expect.objectContaining({ code: "invalid_option" }),
    );
  });
});
