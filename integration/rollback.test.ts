import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { type DeviceServer, makeFirmware, startDeviceServer } from "../mocks/index.ts";
import { type ClientEvent, openArtifact, type Registry } from "../src/index.ts";
import { createMemoryRegistry } from "../src/registry/memory/index.ts";
import { openSqliteRegistry } from "../src/registry/sqlite/index.ts";
import { asDevice, failure, fastClient } from "./kit.ts";

const version = "2.0.0";
const bytes = makeFirmware({ version, length: 50_000 });

async function sqlite(): Promise<Registry> {
  const folder = await mkdtemp(join(tmpdir(), "flashwave-rollback-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  return openSqliteRegistry(join(folder, "fleet.db"));
}

/** The ways in which a device goes back after it was proven. */
const ways: readonly (readonly [string, () => Promise<DeviceServer>, (server: DeviceServer) => void])[] = [
  ["by itself", () => startDeviceServer({ id: "till-1" }), ({ device }) => device.rollback()],
  ["when nobody ends its trial", () => startDeviceServer({ id: "till-1", trial: true, trialMs: 400 }), () => {}],
];

describe.each([
  ["memory", async (): Promise<Registry> => createMemoryRegistry()],
  ["sqlite", sqlite],
] as const)("a device that goes back after it was proven, with the %s registry,", (_driver, open) => {
  describe.each(ways)("%s", (_way, start, fall) => {
    async function rolledBack() {
      const server = await start();
      const registry = await open();
      const events: ClientEvent[] = [];
      const client = fastClient({ registry, onEvent: (event) => events.push(event), verification: { deadline: 300 } });
      const artifact = await openArtifact(bytes, { version });
      onTestFinished(async () => {
        for (const opened of [client, artifact, registry, server]) await opened[Symbol.asyncDispose]();
      });
      await registry.devices.put([asDevice({ id: "till-1", url: server.url })]);
      const outcome = await client.update("till-1", artifact);
      if (outcome.status !== "updated") throw new Error(JSON.stringify(outcome));
      const row = async () => (await registry.devices.getMany(["till-1"])).get("till-1");
      expect((await row())?.evidence).toEqual(outcome.evidence);
      const back = server.device.version === "1.0.0" ? undefined : once(server.device, "booted");
      fall(server);
      await back;
      expect(server.device.version).toBe("1.0.0");
      const told = () => events.filter(({ type }) => type === "retracted");
      return { client, artifact, outcome, row, told };
    }

    it("has its success taken back by the next inspect", async () => {
      const { client, outcome, row, told } = await rolledBack();
      const state = await client.inspect("till-1");
      const { evidence } = outcome;
      expect(told()).toEqual([{ type: "retracted", device: "till-1", evidence, state }]);
      expect(await row()).toMatchObject({ firmware: "1.0.0", status: "online" });
      expect(await row()).not.toHaveProperty("evidence");
    });

    it("has its success taken back by the next verification", async () => {
      const { client, artifact, outcome, row, told } = await rolledBack();
      const call = () => client.verify("till-1", artifact, { since: outcome.receipt });
      expect(await failure(call)).toMatchObject({ code: "not_updated" });
      expect(told()).toMatchObject([{ evidence: outcome.evidence, state: { version: "1.0.0" } }]);
      expect(await row()).not.toHaveProperty("evidence");
    });

    it("is not skipped by the next update, but sent to again", async () => {
      const { client, artifact, told, row } = await rolledBack();
      expect(await client.update("till-1", artifact)).toMatchObject({ status: "updated", attempts: 1 });
      expect(told()).toHaveLength(1);
      expect(await row()).toMatchObject({ firmware: version, evidence: { version } });
    });
  });
});
