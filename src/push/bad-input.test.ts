import { describe, expect, it } from "vitest";
import { createClient } from "./client.ts";
import { device, fakeArtifact, fakeDelivery, rig } from "./fakes/index.ts";

describe("bad input", () => {
  const artifact = fakeArtifact();
  it.each([
    ["options", () => createClient(null as never, [fakeDelivery()]), "invalid_option"],
    ["attempts", () => createClient({ retry: { attempts: 0 } }, [fakeDelivery()]), "invalid_option"],
    [
      "a timeout that no transport takes",
      () => createClient({ timeouts: { connect: 90_000_000 } }, [fakeDelivery()]),
      "invalid_option",
    ],
    ["a delay", () => createClient({ retry: { base: -1 } }, [fakeDelivery()]), "invalid_option"],
    ["a rate", () => createClient({ limits: { bytesPerSecond: 0 } }, [fakeDelivery()]), "invalid_option"],
    ["a flag", () => createClient({ verification: { newBoot: "yes" as never } }, [fakeDelivery()]), "invalid_option"],
    ["a group that is none", () => createClient({ retry: 5 as never }, [fakeDelivery()]), "invalid_option"],
    ["a misspelt group", () => createClient({ retries: {} } as never, [fakeDelivery()]), "invalid_option"],
    [
      "a misspelt rule",
      () => createClient({ addressPolicy: { onyl: ["10.0.0.0/8"] } as never }, [fakeDelivery()]),
      "invalid_option",
    ],
    ["an observer that is none", () => createClient({ onEvent: "x" as never }, [fakeDelivery()]), "invalid_option"],
    ["a delivery that is none", () => createClient({ deliveries: [null as never] }, []), "invalid_option"],
    ["a registry that is none", () => createClient({ registry: {} as never }, [fakeDelivery()]), "invalid_option"],
    [
      "a registry that cannot resolve profiles",
      () =>
        createClient(
          { registry: { devices: { getMany: async () => new Map(), observe: () => {} }, profiles: {} } as never },
          [fakeDelivery()],
        ),
      "invalid_option",
    ],
    ["a clock that stands still", () => createClient({ clock: {} as never }, [fakeDelivery()]), "invalid_option"],
    ["versions without order", () => createClient({ versions: {} as never }, [fakeDelivery()]), "invalid_option"],
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
    ["a name that is none", { ...device, name: 7 }, "invalid_option"],
    ["a loopback address", { id: "a", address: "http://127.0.0.1" }, "address_denied"],
    ["an unknown delivery", { ...device, delivery: "carrier-pigeon" }, "unknown_delivery"],
    ["an unknown probe", { ...device, probe: "crystal-ball" }, "unknown_delivery"],
  ] as const)("refuses %s before anything is sent", async (_what, bad, code) => {
    const { client, fake } = rig();
    await expect(client.push(bad as never, artifact)).rejects.toMatchObject({ code });
    expect(fake.calls).toEqual([]);
  });

  it.each([
    ["an artifact that is a path", "fw.bin", {}],
    ["an artifact that is a promise", Promise.resolve(artifact), {}],
    ["no options", artifact, null],
    ["headers that are a list", artifact, { headers: [["a", "b"]] }],
    ["a signal that is none", artifact, { signal: {} }],
    ["a callback that is none", artifact, { onProgress: 7 }],
    ["a flag that is text", artifact, { activate: "no" }],
    ["a misspelt option", artifact, { sginal: AbortSignal.abort() }],
  ])("refuses %s for every kind of call", async (_what, opened, options) => {
    const { client, fake } = rig();
    const refused = expect.objectContaining({ code: "invalid_option", phase: "prepare" });
    await expect(client.push(device, opened as never, options as never)).rejects.toEqual(refused);
    await expect(client.update(device, opened as never, options as never)).rejects.toEqual(refused);
    await expect(client.verify(device, opened as never, options as never)).rejects.toEqual(refused);
    expect(() => client.pushMany([device], opened as never, options as never)).toThrow(refused);
    expect(fake.calls).toEqual([]);
  });

  it("refuses an option of another call, which would do nothing", async () => {
    const { client, fake } = rig();
    const refused = { code: "invalid_option", message: expect.stringMatching(/^There is no option .*; there are /) };
    await expect(client.push(device, artifact, { force: true } as never)).rejects.toMatchObject(refused);
    await expect(client.inspect(device, { deadline: 5 } as never)).rejects.toMatchObject(refused);
    await expect(client.verify(device, artifact, { force: true } as never)).rejects.toMatchObject(refused);
    await expect(client.update(device, artifact, { verify: false } as never)).rejects.toMatchObject(refused);
    const misspelt = { verification: { newBot: false } } as never;
    await expect(client.update(device, artifact, misspelt)).rejects.toMatchObject(refused);
    await expect(client.update(device, artifact, { verification: 5 } as never)).rejects.toMatchObject({
      code: "invalid_option",
    });
    expect(fake.calls).toEqual([]);
  });

  it.each([
    ["text", "d1"],
    ["a number", 7],
    ["nothing", null],
    ["an object", {}],
  ])("refuses %s in place of devices", (_what, devices) => {
    const { client } = rig();
    expect(() => client.pushMany(devices as never, artifact)).toThrow(
      expect.objectContaining({ code: "invalid_option" }),
    );
  });
});
