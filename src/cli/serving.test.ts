import { expect, it } from "vitest";
import { type Shelly, startShellyGen1, startShellyGen2 } from "../../mocks/index.ts";
import { openArtifact } from "../bytes/index.ts";
import { documentsOf, hasty, Rig, run } from "./run.suite.ts";
import { servingOnDemand } from "./serving.ts";

const device = { id: "dev-1", address: "http://127.0.0.1:1" };

it("listens while something is to be fetched, and anew for the next", async () => {
  await using artifact = await openArtifact(Buffer.alloc(1_000), { version: "2" });
  const publisher = servingOnDemand({});
  for (let round = 0; round < 2; round++) {
    const first = await publisher.publish(artifact.payload, device);
    const second = await publisher.publish(artifact.payload, device);
    expect(new URL(second.url).port).toBe(new URL(first.url).port);
    await first[Symbol.asyncDispose]();
    await first[Symbol.asyncDispose]();
    expect((await fetch(second.url)).status).toBe(200);
    await second[Symbol.asyncDispose]();
    await expect(fetch(second.url)).rejects.toThrow();
  }
});

it("tells why it cannot listen, each time", async () => {
  await using artifact = await openArtifact(Buffer.alloc(1_000), { version: "2" });
  const publisher = servingOnDemand({ host: "0.0.0.0" });
  for (let round = 0; round < 2; round++) {
    await expect(publisher.publish(artifact.payload, device)).rejects.toMatchObject({ code: "invalid_option" });
  }
});

it.each([
  ["shelly-gen1", startShellyGen1],
  ["shelly-gen2", startShellyGen2],
] as const)("updates a device via %s", async (kind, start) => {
  await using rig = new Rig();
  await using shelly: Shelly = await start({});
  const image = await rig.image();
  const flags = ["--to", shelly.url, "--firmware-version", "2.0.0", "--via", kind, "--serve-host", "127.0.0.1"];
  const ended = await run(["update", image, ...flags, ...hasty, "--json"]);
  expect([ended.code, documentsOf(ended)]).toMatchObject([0, [{ status: "updated" }]]);
  expect(shelly.device.version).toBe("2.0.0");
});

it.each([
  [["--serve-port", "http"], "--serve-port takes a port"],
  [["--serve-port", "70000"], "--serve-port takes a port"],
])("%j is refused", async (flags, message) => {
  await using rig = new Rig();
  const image = await rig.image();
  const to = ["--to", "http://127.0.0.1:1", "--firmware-version", "2", "--via", "shelly-gen2"];
  const ended = await run(["update", image, ...to, ...flags]);
  expect(ended.code).toBe(2);
  expect(ended.err).toContain(message);
});
