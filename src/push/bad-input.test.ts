import { describe, expect, it } from "vitest";
import { createClient } from "./client.ts";
import { device, fakeArtifact, fakeDelivery, rig } from "./fakes/index.ts";

describe("bad input", () => {
  const artifact = fakeArtifact();
  it.each([
    ["options", () => createClient(null as never, [fakeDelivery()]), "invalid_option"],
    ["attempts", () => createClient({ retry: { attempts: 0 } }, [fakeDelivery()]), "invalid_option"],
    ["a delay", () => createClient({ retry: { base: -1 } }, [fakeDelivery()]), "invalid_option"],
    ["a rate", () => createClient({ limits: { bytesPerSecond: 0 } }, [fakeDelivery()]), "invalid_option"],
    ["a flag", () => createClient({ verification: { newBoot: "yes" as never } }, [fakeDelivery()]), "invalid_option"],
    ["no deliveries", () => createClient({ deliveries: [] }, []), "invalid_option"],
    [
      "two deliveries of a kind",
      () => createClient({ deliveries: [fakeDelivery(), fakeDelivery()] }, []),
      "invalid_option",
    ],
  ] as const)("refuses %s at once", (_what, make, code) => {
    expect(make).toThrow(expect.objectContaining({ code, phase: "prepare" }));
  });

  it.each([
    ["no device", null, "invalid_option"],
    ["an id with a line break", { id: "a\nb", address: "http://10.0.0.1" }, "invalid_option"],
    ["an empty id", { id: "", address: "http://10.0.0.1" }, "invalid_option"],
    ["no address", { id: "a" }, "invalid_option"],
    ["a loopback address", { id: "a", address: "http://127.0.0.1" }, "address_denied"],
    ["an unknown delivery", { ...device, delivery: "carrier-pigeon" }, "unknown_delivery"],
    ["an unknown probe", { ...device, probe: "crystal-ball" }, "unknown_delivery"],
  ] as const)("refuses %s before anything is sent", async (_what, bad, code) => {
    const { client, fake } = rig();
    await expect(client.push(bad as never, artifact)).rejects.toMatchObject({ code });
    expect(fake.calls).toEqual([]);
  });
});
