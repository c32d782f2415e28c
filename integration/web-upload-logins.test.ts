import { describe, expect, it } from "vitest";
import { type DeviceServer, startAxis, startTasmota } from "../mocks/index.ts";
import { type DeviceOutcome, type Profile, Secret } from "../src/index.ts";
import { type Given, type Name, sends, update } from "./web-upload-kit.ts";

describe("a device that wants a login", () => {
  const login = { username: "root", password: "canary-p4ss" };
  const credentials = () => ({ username: login.username, password: new Secret(login.password) });

  /** Everything that could be logged of an update. */
  async function told(
    server: DeviceServer,
    name: Name,
    given: Given,
  ): Promise<{ outcome: DeviceOutcome; log: string }> {
    const events: unknown[] = [];
    const outcome = await update(server, name, { ...given, onEvent: (event) => events.push(event) });
    const error = "error" in outcome ? `${outcome.error.stack} ${String(outcome.error.cause)}` : "";
    return { outcome, log: JSON.stringify([events, outcome]) + error };
  }

  it("axis: by Digest, before the artifact leaves", async () => {
    await using server = await startAxis({ login });
    const { outcome, log } = await told(server, "axis", { credentials });
    expect(outcome).toMatchObject({ status: "updated", attempts: 1, evidence: { identity: "credential" } });
    expect(sends(server)).toBe(1);
    expect(log).not.toContain(login.password);
  });

  it("axis: nothing is sent with a wrong one, or with none", async () => {
    await using server = await startAxis({ login: { ...login, password: "another" } });
    const { outcome, log } = await told(server, "axis", { credentials });
    expect(outcome).toMatchObject({
      status: "failed",
      attempts: 0,
      error: { code: "refused", reply: { status: 401 } },
    });
    expect(await update(server, "axis")).toMatchObject({ status: "failed", attempts: 0, error: { code: "refused" } });
    expect(sends(server)).toBe(0);
    expect(log).not.toContain(login.password);
  });

  it("tasmota: with every request, and never in a query unless it is told to", async () => {
    await using server = await startTasmota({ password: login.password });
    const admin = () => ({ ...credentials(), username: "admin" });
    const { outcome, log } = await told(server, "tasmota", { credentials: admin });
    expect(outcome).toMatchObject({ status: "updated", attempts: 1 });
    expect(server.device.requests.map(({ path }) => path).join()).not.toContain(login.password);
    expect(log).not.toContain(login.password);
    expect(await update(server, "tasmota", { profile: { options: { loginInQuery: true } } })).toMatchObject({
      status: "failed",
      attempts: 0,
      error: { code: "refused" },
    });
  });

  it("tasmota: an old one in the query, which is told to nobody else", async () => {
    await using server = await startTasmota({ password: login.password, loginInQueryOnly: true });
    const admin = () => ({ ...credentials(), username: "admin" });
    const refused = await told(server, "tasmota", { credentials: admin });
    expect(refused.outcome).toMatchObject({ status: "failed", attempts: 0, error: { code: "refused" } });
    const profile: Profile = { options: { loginInQuery: true } };
    const { outcome, log } = await told(server, "tasmota", { credentials: admin, profile });
    expect(outcome).toMatchObject({ status: "updated" });
    expect(refused.log + log).not.toContain(login.password);
    // The upload and what goes before it take the header in every release.
    const paths = server.device.requests.filter(({ path }) => path.includes(login.password)).map(({ path }) => path);
    expect(paths.every((path) => path.startsWith("/cm?"))).toBe(true);
    expect(paths.length).toBeGreaterThan(0);
  });
});
