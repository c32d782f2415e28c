import { describe, expect, it } from "vitest";
import { type AxisOptions, sha256, startAxis, startMongooseOs, startTasmota } from "../mocks/index.ts";
import { axis } from "../src/delivery/web-upload/index.ts";
import { openArtifact } from "../src/index.ts";
import { fastClient } from "./kit.ts";
import { firmware, id, sends, soon, update, version } from "./web-upload-kit.ts";

describe("a device that had only just been switched on", () => {
  it.each([0, 300])("is not said not to have restarted, which its uptime cannot tell (%d ms)", async (rebootMs) => {
    await using server = await startMongooseOs({ rebootMs });
    const outcome = await update(server, "mongoose-os", { verification: { stableFor: 20, deadline: 3_000 } });
    expect(outcome).toMatchObject({
      status: "updated",
      evidence: { newBoot: expect.stringMatching(/^(seen|unclear)$/) },
    });
    expect(server.device).toMatchObject({ version, digest: sha256(firmware), onTrial: false });
  });
});

describe("axis refuses", () => {
  const start = (options: AxisOptions) => startAxis(options);
  it.each([
    [409, /downgrade/],
    [412, /still on trial/],
    [415, /no firmware image/],
    [421, /another product/],
    [422, /signature/],
  ])("with %d, and is told what to do about it", async (refuses, advice) => {
    for (const refusals of ["body", "status"] as const) {
      await using server = await start({ refuses, refusals });
      expect(await update(server, "axis")).toMatchObject({
        status: "failed",
        attempts: 1,
        error: { code: "refused", reply: { status: refuses }, message: expect.stringMatching(advice) },
      });
      expect([server.device.version, sends(server)]).toEqual(["1.0.0", 1]);
    }
  });

  it("a second upgrade while the first is on trial", async () => {
    await using server = await start({});
    await using client = fastClient({ deliveries: [axis()] });
    await using artifact = await openArtifact(firmware, { version });
    const device = { id, address: server.url };
    await client.push(device, artifact);
    await expect(client.push(device, artifact)).rejects.toMatchObject({ code: "refused", reply: { status: 412 } });
  });
});

describe("tasmota", () => {
  it("is made ready before every upload", async () => {
    await using server = await startTasmota({ accepts: "firmware" });
    expect(await update(server, "tasmota", { ...soon, bytes: Buffer.alloc(1_000, 1) })).toMatchObject({
      status: "failed",
    });
    expect(await update(server, "tasmota")).toMatchObject({ status: "updated" });
    const uploads = server.device.requests.map(({ path }) => path.split("?")[0]).filter((path) => path !== "/cm");
    expect(uploads).toEqual(["/up", "/u2", "/up", "/u2"]);
  });

  it("is sent no artifact when it cannot be made ready", async () => {
    await using server = await startTasmota();
    server.script({ on: "any", skip: 1, times: 9, fault: { kind: "status", status: 404 } });
    const outcome = await update(server, "tasmota");
    expect(outcome).toMatchObject({ status: "failed", error: { code: "refused", bytesOut: "none" } });
    expect(sends(server)).toBe(0);
  });
});
