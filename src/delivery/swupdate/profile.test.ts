import { describe, expect, it } from "vitest";
import { startSwupdate } from "../../../mocks/index.ts";
import { type SwupdateOptions, swupdate } from "./index.ts";
import { clientFor, firmware, readable, restarts, unread, uploads } from "./stage.suite.ts";

describe("a profile", () => {
  it.each<readonly [object, RegExp]>([
    [{ channel: "ws" }, /^channel must be an absolute path/],
    [{ channel: "http://evil/ws" }, /^channel must be/],
    [{ restart: "yes" }, /^restart must be true or false/],
    [{ auth: "kerberos" }, /^auth must be one of/],
    [{ field: "file" }, /^the profile knows no "field"/],
    [{ commit: { path: "/c" } }, /^the profile knows no "commit"/],
    [{ options: { restart: 1 } }, /^options.restart must be true or false/],
    [{ options: { field: "file" } }, /^options knows no "field"/],
    [{ send: { method: "PUT" } }, /^send.method must be one of POST/],
    [{ send: { path: "/a b" } }, /^send.path cannot be sent/],
    [{ send: { form: { a: "b" } } }, /^send knows no "form"/],
    [{ activate: { checks: {} } }, /^activate knows no "checks"/],
  ])("%j is refused", (options, message) => {
    expect(() => swupdate(options as SwupdateOptions)).toThrow(
      expect.objectContaining({ code: "invalid_profile", message: expect.stringMatching(message) }),
    );
  });

  it("is taken whole by swupdate() too: its options hold, its reading is the probe's", async () => {
    await using device = await startSwupdate({ activation: "on-request" });
    await using client = clientFor({ options: { restart: true }, inspect: { path: "/nowhere" }, health: false });
    await using artifact = await firmware();
    const outcome = await client.update(readable(device), artifact);
    expect(outcome).toMatchObject({ status: "updated", receipt: { activated: true } });
    expect(restarts(device)).toHaveLength(1);
  });

  it("of a device changes the options field by field, and leaves reading to the probe", async () => {
    await using device = await startSwupdate({ activation: "on-request" });
    await using client = clientFor({ send: { headers: { "x-site": "a" } } });
    await using artifact = await firmware();
    const profile = { options: { restart: true }, inspect: { path: "/version" }, activate: { query: { now: "1" } } };
    const outcome = await client.update({ ...readable(device), profile }, artifact);
    expect(outcome).toMatchObject({ status: "updated", receipt: { activated: true } });
    expect(uploads(device)[0]?.headers).toMatchObject({ "x-site": "a" });
    expect(restarts(device)[0]?.path).toBe("/restart?now=1");
    const bad = { ...unread(device), profile: { options: { restarts: true } } };
    await expect(client.push(bad, artifact)).rejects.toMatchObject({ code: "invalid_profile" });
  });
});
