import { describe, expect, it } from "vitest";
import type { FlashwaveErrorContext } from "../core/errors.ts";
import { device, fault, newState, oldState, rig } from "./fakes/index.ts";

/** As the wire tells of a read: its own request had left, and there was no body to wait for. */
const ofRead = { phase: "inspect", bytesOut: "all" } satisfies Partial<FlashwaveErrorContext>;
const refused = fault("refused", { ...ofRead, reply: { status: 403 } });
const lost = fault("connection_lost", ofRead);

describe("what had left of the artifact", () => {
  it.each([
    ["is refused", refused],
    ["is lost, again and again", lost],
    ["is aborted", fault("aborted", ofRead)],
  ])("is nothing where a read %s, whoever reads", async (_, error) => {
    const { client, artifact, fake } = rig({ reads: [error] });
    const expected = { code: error.code, bytesOut: "none", device: "d1" };
    await expect(client.inspect(device)).rejects.toMatchObject(expected);
    expect(await client.update(device, artifact)).toMatchObject({ status: "failed", error: expected });
    expect(fake.steps).toHaveLength(0);
  });

  it("is nothing where a site's retry budget is spent on reads", async () => {
    const { client, artifact } = rig({ reads: [lost] }, { retry: { attempts: 100 } });
    await client.update({ ...device, id: "d0", site: "s" }, artifact);
    const outcome = await client.update({ ...device, site: "s" }, artifact);
    expect(outcome).toMatchObject({ error: { code: "retry_budget_spent", bytesOut: "none", device: "d1" } });
  });

  it("is nothing where it ran before, and its trial is broken off", async () => {
    const { client, artifact } = rig({
      reads: [newState, fault("aborted", ofRead)],
      session: { commit: async () => {} },
    });
    expect(await client.update(device, artifact)).toMatchObject({
      status: "unknown",
      error: { code: "aborted", phase: "verify", bytesOut: "none" },
    });
  });

  it("is all of it once it was sent, whatever fails then", async () => {
    const reading = rig({ reads: [oldState, refused] });
    expect(await reading.client.update(device, reading.artifact)).toMatchObject({
      status: "failed",
      error: { code: "refused", bytesOut: "all" },
    });
    const session = { activate: () => Promise.reject(fault("refused", { phase: "activate", bytesOut: "none" })) };
    const ordering = rig({ reads: [oldState], traits: { activates: "on-request" }, session });
    const expected = { code: "refused", phase: "activate", bytesOut: "all", device: "d1" };
    expect(await ordering.client.update(device, ordering.artifact)).toMatchObject({ error: expected });
    await expect(ordering.client.push(device, ordering.artifact)).rejects.toMatchObject(expected);
  });
});
