import { describe, expect, it } from "vitest";
import { makeFirmware, startDeviceServer, startFleet } from "../mocks/index.ts";
import { type ClientRegistry, isFlashwaveError, openArtifact } from "../src/index.ts";
import { createMemoryRegistry, type ProfileInput } from "../src/registry/memory/index.ts";
import { collect, failure, fastClient, settled, tally } from "./kit.ts";

const version = "2.0.0";
const bytes = makeFirmware({ version, length: 100_000 });

/** How the tills are spoken to, and what the ones in group "odd" and one of them do differently. */
const profiles: readonly ProfileInput[] = [
  {
    id: "till",
    name: "Tills",
    requests: {
      send: { method: "PUT", path: "/fw" },
      inspect: { path: "/about", also: { digest: "/digest", deviceId: "/id" } },
    },
    items: [
      { purpose: "send", kind: "header", name: "x-fleet", value: "tills" },
      { purpose: "send", kind: "query", name: "slot", value: "b" },
    ],
  },
  {
    id: "till-odd",
    name: "Odd tills",
    parent: "till",
    scope: "group",
    group: "odd",
    items: [{ purpose: "send", kind: "header", name: "x-fleet", value: "odd" }],
  },
  {
    id: "till-3",
    name: "The third till",
    parent: "till-odd",
    scope: "device",
    device: "pos-3",
    requests: { health: false },
    items: [{ purpose: "send", kind: "query", name: "slot", enabled: false }],
  },
];

describe("devices named by id", () => {
  it("are found, spoken to by their resolved profile, and what was seen of them is kept", async () => {
    const paths = { update: "/fw", version: "/about" } as const;
    await using fleet = await startFleet({ count: 3, prefix: "pos-", paths });
    await using registry = createMemoryRegistry();
    // The profile of one device can only be put once the device is there, and the device only once its base is.
    const [base, ...overrides] = profiles;
    expect(await registry.profiles.put(base ? [base] : [])).toMatchObject([{ result: "created" }]);
    const rows = fleet.devices.map((device) => ({
      ...device,
      profileId: "till",
      ...(device.id === "pos-2" ? {} : { group: "odd" }),
    }));
    expect((await registry.devices.put(rows)).map(({ result }) => result)).toEqual(Array(3).fill("created"));
    expect((await registry.profiles.put(overrides)).map(({ result }) => result)).toEqual(["created", "created"]);
    await using client = fastClient({ registry });
    await using artifact = await openArtifact(bytes, { version });
    const began = Date.now();

    const outcomes = await collect(client.pushMany(["pos-1", "pos-2", "pos-3"], artifact));

    expect(tally(outcomes)).toEqual({ updated: 3 });
    const sends = [...fleet.all()].map(({ received: [one] }) => [one?.method, one?.path, one?.headers["x-fleet"]]);
    expect(sends).toEqual([
      ["PUT", "/fw?slot=b", "odd"],
      ["PUT", "/fw?slot=b", "tills"],
      ["PUT", "/fw", "odd"],
    ]);
    expect([...fleet.all()].map(({ counters }) => counters.requests.health)).toEqual([1, 1, 0]);
    const kept = await registry.devices.getMany(["pos-1", "pos-2", "pos-3"]);
    for (const outcome of outcomes) {
      if (outcome.status !== "updated") throw new Error("updated");
      const device = kept.get(outcome.device);
      expect(device).toMatchObject({
        status: "online",
        firmware: version,
        evidence: outcome.evidence,
        revision: expect.any(Number),
      });
      expect(device?.evidence).toMatchObject({ proved: "digest", digest: artifact.digest, identity: "reported-id" });
      expect(device?.lastSeen).toBeGreaterThanOrEqual(began);
    }
    // An observation is no change to the fleet.
    const rowsAfter = [...kept.values()].map(({ createdAt, updatedAt }) => updatedAt - createdAt);
    expect(rowsAfter).toEqual([0, 0, 0]);
    const updated = await registry.devices.page({ firmware: { min: version } });
    expect(updated.items.map(({ id }) => id)).toEqual(["pos-1", "pos-2", "pos-3"]);
  });

  it("that fail leave what was seen of them, and no evidence", async () => {
    await using server = await startDeviceServer({ id: "pos-1" });
    server.alwaysFail(403);
    await using registry = createMemoryRegistry({ devices: [{ id: "pos-1", address: server.url }] });
    await using client = fastClient({ registry });
    await using artifact = await openArtifact(bytes, { version });
    expect(await client.update("pos-1", artifact)).toMatchObject({ status: "failed", error: { code: "refused" } });
    const device = (await registry.devices.getMany(["pos-1"])).get("pos-1");
    expect(device).toMatchObject({ status: "online", firmware: "1.0.0" });
    expect(device?.evidence).toBeUndefined();
  });

  it("that nobody registered are refused before anything is sent, one by one", async () => {
    await using server = await startDeviceServer({ id: "pos-1" });
    await using registry = createMemoryRegistry({ devices: [{ id: "pos-1", address: server.url }] });
    await using client = fastClient({ registry });
    await using artifact = await openArtifact(bytes, { version });
    expect(await failure(() => client.push("pos-9", artifact))).toMatchObject({
      code: "unknown_device",
      device: "pos-9",
    });
    const outcomes = await collect(client.pushMany(["pos-9", "pos-1"], artifact));
    expect(tally(outcomes)).toEqual({ "failed unknown_device": 1, updated: 1 });
  });

  it("that are handed in, registered or not, are taken as they are", async () => {
    await using server = await startDeviceServer({ id: "pos-1" });
    await using registry = createMemoryRegistry();
    await using client = fastClient({ registry });
    await using artifact = await openArtifact(bytes, { version });
    const outcome = await client.update({ id: "pos-1", address: server.url }, artifact);
    expect(outcome).toMatchObject({ status: "updated" });
    expect((await registry.devices.page()).items).toEqual([]);
  });

  it("read when they were removed in between, and after the registry was closed", async () => {
    await using server = await startDeviceServer({ id: "pos-1" });
    const registry = createMemoryRegistry({ devices: [{ id: "pos-1", address: server.url }] });
    await using client = fastClient({ registry });
    await using artifact = await openArtifact(bytes, { version });
    server.device.once("received", () => void registry.devices.remove(["pos-1"]));
    expect(await client.update("pos-1", artifact)).toMatchObject({ status: "updated" });
    expect(await failure(() => client.update("pos-1", artifact))).toMatchObject({ code: "unknown_device" });
    await registry[Symbol.asyncDispose]();
    expect(await failure(() => client.update("pos-1", artifact))).toMatchObject({ code: "registry_failed" });
    expect(server.device.counters.requests.update).toBe(1);
  });
});

describe("a registry that fails", () => {
  it("to be read: nothing is sent; to be written: the update is not called known", async () => {
    await using server = await startDeviceServer({ id: "pos-1" });
    const events: string[] = [];
    const broken: ClientRegistry = {
      devices: {
        getMany: () => Promise.reject(new Error("disk on fire")),
        observe: () => Promise.reject(new Error("disk on fire")),
      },
    };
    await using client = fastClient({ registry: broken, onEvent: ({ type }) => events.push(type) });
    await using artifact = await openArtifact(bytes, { version });
    const error = await failure(() => client.update("pos-1", artifact));
    expect(error).toMatchObject({ code: "registry_failed", cause: { message: "disk on fire" } });
    expect(server.device.requests).toEqual([]);

    const outcome = await client.update({ id: "pos-1", address: server.url }, artifact);
    expect(outcome).toMatchObject({ status: "unknown", error: { code: "registry_failed" }, receipt: { status: 200 } });
    expect("error" in outcome && isFlashwaveError(outcome.error)).toBe(true);
    expect(server.device.version).toBe(version);
    expect(events).toContain("verified");
    await settled(() => client.statistics().inFlight, 0);
  });
});
