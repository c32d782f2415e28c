import { describe, expect, it } from "vitest";
import { makeFirmware, startDeviceServer, startSwupdate } from "../../../mocks/index.ts";
import { openArtifact, type Profile, Secret } from "../../index.ts";
import { httpProbe } from "../http/index.ts";
import { clientFor, firmware, readable, unread, uploads } from "./stage.suite.ts";

describe("a login", () => {
  const login = { username: "operator", password: "correct horse" };
  it("is shown to the websocket, the upload, the restart and the probe", async () => {
    await using device = await startSwupdate({ login, activation: "on-request" });
    const credentials = () => ({ username: login.username, password: new Secret(login.password) });
    await using client = clientFor({ restart: true }, { credentials });
    await using artifact = await firmware();
    expect(await client.update(readable(device), artifact)).toMatchObject({
      status: "updated",
      evidence: { identity: "credential" },
    });
    expect(uploads(device)).toHaveLength(1);
  });

  it("is not shown to another port of the device, where it is read", async () => {
    await using device = await startSwupdate({ login });
    await using reader = await startDeviceServer({ version: "7.0.0" });
    const credentials = () => ({ username: login.username, password: new Secret(login.password) });
    await using client = clientFor({}, { credentials, probers: [httpProbe()] });
    const port = Number(new URL(reader.url).port);
    const read = (where: Profile) => client.inspect({ ...readable(device), profile: { ...where, options } });
    // Sent unasked, wherever it may go.
    const options = { auth: "basic" };
    expect(await read({ inspect: { port } })).toMatchObject({ version: "7.0.0", identity: "address" });
    await using artifact = await openArtifact(makeFirmware({ version: "7.0.0", length: 9_000 }), { version: "7.0.0" });
    const profile = { inspect: { port }, health: { port }, options };
    await client.verify({ ...readable(device), profile }, artifact);
    const asked = reader.control.requests();
    expect(new Set(asked.map(({ endpoint }) => endpoint))).toEqual(new Set(["version", "health"]));
    expect(asked.filter(({ headers }) => "authorization" in headers)).toEqual([]);
    await expect(read({})).rejects.toMatchObject({ reply: { status: 401 } });
    expect(device.control.requests().map(({ headers }) => "authorization" in headers)).toEqual([true]);
    for (const wrong of [0, 65_536, 1.5, "80"]) {
      const asked = read({ inspect: { port: wrong as number } });
      await expect(asked).rejects.toMatchObject({
        code: "invalid_profile",
        message: expect.stringContaining("inspect.port must be a port"),
      });
    }
  });

  it.each([
    ["wrong", { username: "operator", password: new Secret("wrong") }],
    ["missing", undefined],
  ])("that is %s is told before anything is sent", async (_, given) => {
    await using device = await startSwupdate({ login });
    await using client = clientFor({}, { credentials: () => given });
    await using artifact = await firmware();
    const push = client.push(unread(device), artifact);
    await expect(push).rejects.toMatchObject({ code: "refused", bytesOut: "none", reply: { status: 401 } });
    expect(uploads(device)).toHaveLength(0);
  });
});
