import { describe, expect, it } from "vitest";
import type { Device } from "../core/index.ts";
import { adaptersOf, permitTyped } from "./wire.ts";

describe("kinds → adapters", () => {
  const kindsOf = async (...devices: Partial<Device>[]) => {
    const { deliveries, probers } = await adaptersOf(
      devices.map((device, index) => ({ id: `${index}`, address: "http://10.0.0.1", ...device })),
      { options: { versionHeader: true }, inspect: { path: "/v" } },
    );
    return [deliveries.map(({ kind }) => kind), probers.map(({ kind }) => kind)];
  };

  it("makes each once, and a probe only where it differs", async () => {
    expect(await kindsOf({}, { delivery: "http" }, { probe: "http" })).toEqual([["http"], []]);
  });

  it("names the kinds that there are", async () => {
    await expect(kindsOf({ delivery: "gopher" })).rejects.toThrow(
      'There is no kind "gopher" for --via; there are http',
    );
    await expect(kindsOf({ probe: "toString" })).rejects.toThrow(
      'There is no kind "toString" for --probe; there are http',
    );
  });
});

describe("what was typed is permitted", () => {
  const at = (address: string): Device => ({ id: address, address });
  const permitOf = async (...addresses: string[]) =>
    (await permitTyped({ addressPolicy: { permit: ["169.254.0.0/16"] } }, addresses.map(at))).addressPolicy?.permit;

  it.each([
    [["http://127.0.0.1:8080"], ["127.0.0.1"]],
    [["http://[::1]:8080"], ["::1"]],
    [["http://localhost:8080"], ["127.0.0.0/8", "::1"]],
    [["http://10.0.0.1", "http://device.example"], []],
    [["http://127.0.0.1:1", "http://127.0.0.1:2"], ["127.0.0.1"]],
  ])("%j", async (addresses, typed) => expect(await permitOf(...addresses)).toEqual(["169.254.0.0/16", ...typed]));

  it.each(["ftp://10.0.0.1", "http://10.0.0", "http://10.0.0.1/path", "http://u:p@10.0.0.1"])(
    "%s is refused before anything is sent",
    async (address) => {
      await expect(permitOf(address)).rejects.toMatchObject({ code: "invalid_address" });
    },
  );
});
