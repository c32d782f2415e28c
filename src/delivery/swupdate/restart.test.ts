import { describe, expect, it } from "vitest";
import { startSwupdate } from "../../../mocks/index.ts";
import { clientFor, firmware, readable, restarts, unread } from "./stage.suite.ts";

describe("a restart on request", () => {
  it("comes after the verdict, for a push and for an update", async () => {
    await using device = await startSwupdate({ activation: "on-request" });
    await using client = clientFor({ restart: true });
    await using artifact = await firmware();
    expect(await client.push(unread(device), artifact, { activate: false })).toMatchObject({ activated: false });
    expect(restarts(device)).toHaveLength(0);
    expect(await client.push(unread(device), artifact)).toMatchObject({ activated: true });
    expect(restarts(device)).toHaveLength(1);
    expect(restarts(device)[0]?.headers["content-length"]).toBe("0");
    expect(await client.update(readable(device), artifact)).toMatchObject({ status: "skipped" });
    const forced = await client.update(readable(device), artifact, { force: true });
    expect(forced).toMatchObject({ receipt: { activated: true } });
    expect(restarts(device)).toHaveLength(2);
  });

  it.each(["missed", "failure"] as const)("is withheld without SUCCESS (%s)", async (ends) => {
    await using device = await startSwupdate({ activation: "on-request" });
    device.play({ ends });
    await using client = clientFor({ restart: true });
    await using artifact = await firmware();
    const code = ends === "failure" ? "device_error" : "outcome_unknown";
    await expect(client.push(unread(device), artifact)).rejects.toMatchObject({ code });
    expect(restarts(device)).toHaveLength(0);
  });
});
