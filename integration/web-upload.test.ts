import { describe, expect, it } from "vitest";
import { sha256 } from "../mocks/index.ts";
import type { ClientEvent } from "../src/index.ts";
import { families, firmware, type Name, sends, soon, update, version } from "./web-upload-kit.ts";

const names = Object.keys(families) as Name[];
const always = Number.POSITIVE_INFINITY;

describe.each(names)("%s", (name) => {
  const { start } = families[name];

  it("is updated over a restart, and proven", async () => {
    await using server = await start({ rebootMs: 50 });
    const outcome = await update(server, name);
    expect(outcome).toMatchObject({ status: "updated", attempts: 1, evidence: { proved: "version", version } });
    expect(server.device.received).toMatchObject([{ complete: true, sha256: sha256(firmware), outcome: "installed" }]);
    expect([server.device.version, server.device.digest]).toEqual([version, sha256(firmware)]);
    expect(server.device.onTrial).toBe(false);
  });

  it("is read, not sent to again, when its answer is lost in the restart", async () => {
    await using server = await start({ rebootMs: 50 });
    server.script({ on: "update", fault: { kind: "cut", at: "installed" } });
    expect(await update(server, name)).toMatchObject({ status: "updated", receipt: { acknowledgedBy: "readback" } });
    expect(sends(server)).toBe(1);
  });

  it("is not believed when it answers as ever and installs nothing", async () => {
    await using server = await start({});
    server.script({ on: "update", fault: { kind: "lying-200" } });
    expect(await update(server, name, soon)).toMatchObject({ status: "failed", error: { code: "not_updated" } });
    expect(sends(server)).toBe(1);
  });

  it("is sent nothing while its version cannot be read", async () => {
    await using server = await start({});
    server.script({ on: "version", times: always, fault: { kind: "body", body: "<h1>It works!</h1>" } });
    expect(await update(server, name)).toMatchObject({ status: "failed", error: { code: "unreadable_state" } });
    server.device.faults.clear();
    server.script({ on: "version", times: always, fault: { kind: "oversize-body", bytes: 8_388_608 } });
    expect(await update(server, name)).toMatchObject({ status: "failed", error: { code: "reply_too_large" } });
    expect(sends(server)).toBe(0);
  });

  it("is read after an answer to the upload that is too long", async () => {
    await using server = await start({});
    server.script({ on: "update", fault: { kind: "oversize-body", bytes: 8_388_608 } });
    expect(await update(server, name)).toMatchObject({ status: "updated" });
    expect(sends(server)).toBe(1);
  });

  it("is told from every other family before a byte is sent", async () => {
    for (const other of names.filter((candidate) => candidate !== name)) {
      await using server = await families[other].start({});
      expect(await update(server, name)).toMatchObject({ status: "failed", attempts: 0, error: { phase: "inspect" } });
      expect(server.device.received).toEqual([]);
      expect(server.device.requests.filter(({ method }) => method === "POST" && name !== "axis")).toEqual([]);
    }
  });
});

describe("an image that the device does not like", () => {
  const bytes = Buffer.alloc(100_000, 7);
  it.each([
    // Says so, and may mean a bad moment: read, found as it was, and sent to again, in all as often as retries go.
    ["esphome", { code: "device_error" }, 3],
    // Says so in words of its own language, which are not read.
    ["tasmota", { code: "not_updated" }, 1],
    ["mongoose-os", { code: "refused", reply: { status: 400 } }, 1],
    ["axis", { code: "refused", reply: { status: 415 } }, 1],
    ["elegant-ota", { code: "refused", reply: { status: 400 } }, 1],
  ] as const)("on %s", async (name, error, times) => {
    await using server = await families[name].start({ accepts: "firmware" });
    expect(await update(server, name, { ...soon, bytes })).toMatchObject({ status: "failed", error });
    expect([server.device.version, sends(server)]).toEqual(["1.0.0", times]);
  });
});

describe("a busy device", () => {
  const busy = '{"apiVersion":"1.0","method":"upgrade","error":{"code":423,"message":"busy"}}';
  it.each([
    ["mongoose-os", { status: 409, body: "Another update is in progress." }],
    ["axis", { status: 423 }],
    ["axis", { status: 200, body: busy }],
  ] as const)("is waited for: %s, %o", async (name, answer) => {
    await using server = await families[name].start({});
    server.script({ on: "update", fault: { kind: "status", ...answer } });
    const codes: string[] = [];
    const onEvent = (event: ClientEvent) => event.type === "attempt-failed" && codes.push(event.error.code);
    expect(await update(server, name, { onEvent })).toMatchObject({ status: "updated", attempts: 2 });
    expect(codes).toEqual(["device_busy"]);
  });
});
