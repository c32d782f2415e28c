import { describe, expect, it } from "vitest";
import type { DeviceOutcome } from "../core/outcome.ts";
import { fault, newState, rig } from "./fakes/index.ts";

describe("pushMany", () => {
  const fleet = Array.from({ length: 20 }, (_, n) => ({ id: `d${n}`, address: "http://10.0.0.1" }));
  const collect = async (outcomes: AsyncIterable<DeviceOutcome>) => {
    const all: DeviceOutcome[] = [];
    for await (const outcome of outcomes) all.push(outcome);
    return all;
  };

  it("yields one outcome per device, and claims no more than was seen", async () => {
    const { client, artifact } = rig({ reads: [{ ...newState, digest: "a".repeat(64) }] });
    const sent = await collect(client.pushMany(fleet, artifact, { verify: false }));
    expect(sent.map((outcome) => outcome.status)).toEqual(fleet.map(() => "sent"));
    expect(new Set(sent.map((outcome) => outcome.device)).size).toBe(20);
    const updated = await collect(client.pushMany(fleet, artifact, { force: true }));
    expect(updated.map((outcome) => outcome.status)).toEqual(fleet.map(() => "updated"));
  });

  it("lets each device have its own artifact and profile, and fail on its own", async () => {
    const { client, artifact } = rig();
    const profiles: unknown[] = [];
    const choose = (chosen: { id: string; profile?: unknown }) => {
      profiles.push(chosen.profile);
      if (chosen.id === "d3") throw new Error("no image for this one");
      if (chosen.id === "d4") throw fault("artifact_unreadable", { phase: "artifact" });
      return artifact;
    };
    const outcomes = await collect(
      client.pushMany([...fleet.slice(0, 5), "ghost"], choose, { verify: false, profile: () => ({ health: false }) }),
    );
    const byDevice = new Map(outcomes.map((outcome) => [outcome.device, outcome]));
    expect(byDevice.get("d3")).toMatchObject({ status: "failed", error: { code: "invalid_option", device: "d3" } });
    expect(byDevice.get("d4")).toMatchObject({
      status: "failed",
      error: { code: "artifact_unreadable", device: "d4" },
    });
    expect(byDevice.get("ghost")).toMatchObject({ status: "failed", error: { code: "no_registry" } });
    expect(outcomes.filter((outcome) => outcome.status === "sent")).toHaveLength(3);
    expect(profiles).toEqual(Array(5).fill({ health: false }));
  });

  it("aborts what is under way when the loop is left", async () => {
    const { client, artifact, fake } = rig(
      {
        sends: [
          { status: 200, bytes: 4 },
          (step) =>
            new Promise((_, reject) =>
              step.signal?.addEventListener("abort", () => reject(fault("aborted")), { once: true }),
            ),
        ],
      },
      { limits: { inFlight: 4 } },
    );
    for await (const outcome of client.pushMany(fleet, artifact, { verify: false })) {
      expect(outcome.status).toBe("sent");
      break;
    }
    expect(fake.calls.filter((call) => call === "send").length).toBe(
      fake.calls.filter((call) => call === "close").length,
    );
    expect(fake.steps.length).toBeLessThanOrEqual(5);
  });
});
