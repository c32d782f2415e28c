import { describe, expect, it } from "vitest";
import type { FlashwaveErrorCode } from "../core/errors.ts";
import type { DeviceState } from "../core/outcome.ts";
import { device, type FakeDeliveryOptions, fault, newState, oldState, type Rig, rig } from "./fakes/index.ts";

type Reads = FakeDeliveryOptions["reads"];
const sick = [fault("unhealthy", { phase: "verify" })];
const before: DeviceState = { ...oldState, digest: "0".repeat(64) };
const deadline = { verification: { deadline: 60_000 } };

/** A device with a trial, and the orders about it that it was given. */
function onTrial(
  reads: Reads,
  over: Partial<FakeDeliveryOptions> & { commit?: Error; rollback?: Error } = {},
): Rig & { orders: string[] } {
  const orders: string[] = [];
  const order = (name: string, error?: Error) => async () => {
    orders.push(name);
    if (error !== undefined) throw error;
  };
  const session = { commit: order("commit", over.commit), rollback: order("rollback", over.rollback) };
  const { commit: _, rollback: __, ...others } = over;
  return { ...rig({ ...others, ...(reads && { reads }), session }, deadline), orders };
}

describe("a device that runs the artifact already", () => {
  it("is proven and committed where there is a commit, and sent nothing", async () => {
    const { client, artifact, orders, fake, events } = onTrial([newState]);
    expect(await client.update(device, artifact)).toMatchObject({
      status: "skipped",
      attempts: 0,
      state: { version: "2.0.0" },
    });
    expect([orders, fake.steps, fake.calls.at(-1)]).toEqual([["commit"], [], "close"]);
    const types = events.map(({ type }) => type);
    expect(types.slice(types.indexOf("verified"))).toEqual(["verified", "read", "outcome"]);
  });

  it("is left alone where there is none: one read", async () => {
    const { client, artifact, fake } = rig({ reads: [newState] });
    expect(await client.update(device, artifact)).toMatchObject({ status: "skipped" });
    expect(fake.calls).toEqual(["inspect", "close"]);
  });

  it.each<[what: string, ended: object, reads: Reads, over?: Partial<FakeDeliveryOptions>]>([
    ["is not well", { status: "failed", error: { code: "unhealthy", bytesOut: "none" } }, [newState], { health: sick }],
    [
      "goes back meanwhile",
      {
        status: "failed",
        error: {
          code: "not_updated",
          message: expect.stringMatching(/a trial of it may have ended\. Nothing was sent/),
        },
      },
      [newState, oldState],
    ],
    ["falls silent", { status: "unknown", error: { code: "unverified" } }, [newState, fault("connect_failed")]],
  ])("is neither committed nor rolled back where it %s", async (_, ended, reads, over) => {
    const { client, artifact, orders, fake } = onTrial(reads, over);
    expect(await client.update(device, artifact)).toMatchObject(ended);
    expect([orders, fake.steps]).toEqual([[], []]);
  });

  it("is unknown where it refuses to be committed, which may be for want of a trial", async () => {
    const { client, artifact } = onTrial([newState], { commit: fault("refused", { phase: "commit" }) });
    expect(await client.update(device, artifact)).toMatchObject({
      status: "unknown",
      attempts: 0,
      error: {
        code: "outcome_unknown",
        phase: "commit",
        bytesOut: "none",
        cause: { code: "refused" },
        message: expect.stringContaining("there may have been no trial to end"),
      },
    });
  });

  it("is told as gone back where its trial had ended before the commit", async () => {
    const back: Rig & { orders: string[] } = onTrial([() => (back.orders.length > 0 ? oldState : newState)]);
    expect(await back.client.update(device, back.artifact)).toMatchObject({
      status: "failed",
      error: { code: "not_updated", phase: "commit", bytesOut: "none" },
    });
  });

  it.each(["verify", "commit"] as const)("is unknown where the caller left during %s", async (phase) => {
    const aborter = new AbortController();
    const leave = () => {
      aborter.abort();
      throw fault("aborted", { phase: "inspect" });
    };
    const left: Rig & { orders: string[] } = onTrial([
      newState,
      () => (phase === "verify" || left.orders.length > 0 ? leave() : newState),
    ]);
    expect(await left.client.update(device, left.artifact, { signal: aborter.signal })).toMatchObject({
      status: "unknown",
      error: { code: "aborted" },
    });
    expect(left.orders).toEqual(phase === "verify" ? [] : ["commit"]);
  });
});

describe("a trial", () => {
  it("ends with a commit once the version was proven, and not before", async () => {
    const { client, artifact, orders, fake } = onTrial([oldState, newState]);
    expect(await client.update(device, artifact)).toMatchObject({ status: "updated", evidence: { version: "2.0.0" } });
    expect(orders).toEqual(["commit"]);
    // One read more than a device without a trial: it must still run the version afterwards.
    const plain = rig({ reads: [oldState, newState] });
    await plain.client.update(device, plain.artifact);
    expect(fake.calls.filter((call) => call === "inspect")).toHaveLength(
      plain.fake.calls.filter((call) => call === "inspect").length + 1,
    );
  });

  const other = { ...newState, digest: "f".repeat(64) };
  it.each<[what: string, code: FlashwaveErrorCode, reads: Reads, over?: Partial<FakeDeliveryOptions>]>([
    ["is not well", "unhealthy", [oldState, newState], { health: sick }],
    ["runs another image of that version", "wrong_digest", [before, other]],
  ])("is taken back where the device runs the version but %s", async (_, code, reads, over) => {
    const { client, artifact, orders } = onTrial(reads, over);
    const outcome = await client.update(device, artifact);
    expect(outcome).toMatchObject({ error: { code, message: expect.stringMatching(/ It was told to go back\.$/) } });
    expect(outcome.status).not.toBe("updated");
    expect(orders).toEqual(["rollback"]);
  });

  const flapping = [
    oldState,
    ...Array.from({ length: 200 }, (_, at) => (at % 2 === 0 ? newState : fault("connect_failed"))),
    newState,
  ];
  it.each<[what: string, code: FlashwaveErrorCode, reads: Reads]>([
    ["still runs the old version", "not_updated", [oldState]],
    ["stably runs a third one", "wrong_version", [oldState, { ...newState, version: "3.0.0" }]],
    ["is another device", "wrong_device", [oldState, { ...newState, deviceId: "d9" }]],
    ["tells nothing to know the new image by", "unverified", [newState]],
    ["does not stay up", "unverified", flapping],
    ["is silent", "unverified", [oldState, fault("connect_failed")]],
    ["wants a login all at once", "refused", [oldState, fault("refused")]],
  ])("is left to the device where it %s", async (_, code, reads) => {
    const { client, artifact, orders } = onTrial(reads);
    expect(await client.update(device, artifact, { force: true })).toMatchObject({ error: { code } });
    expect(orders).toEqual([]);
  });

  it("is left to the device where it had gone back by itself meanwhile", async () => {
    let gone = false;
    const { client, artifact, orders, clock } = onTrial([oldState, () => (gone ? oldState : newState)], {
      health: [
        () => {
          // The last that verification asks: what comes after is the read before a rollback.
          gone = clock.now() >= 60_000;
          throw sick[0];
        },
      ],
    });
    expect(await client.update(device, artifact)).toMatchObject({ status: "failed", error: { code: "unhealthy" } });
    expect([gone, orders]).toEqual([true, []]);
  });

  it("is left to the device where the caller left", async () => {
    const aborter = new AbortController();
    const leave = () => {
      aborter.abort();
      throw fault("aborted");
    };
    const { client, artifact, orders } = onTrial([oldState, leave]);
    expect(await client.update(device, artifact, { signal: aborter.signal })).toMatchObject({
      status: "unknown",
      error: { code: "aborted" },
    });
    expect(orders).toEqual([]);
  });

  it("says so where the device could not be told to go back", async () => {
    const { client, artifact } = onTrial([oldState, newState], { health: sick, rollback: fault("connection_lost") });
    expect(await client.update(device, artifact)).toMatchObject({
      status: "failed",
      error: {
        code: "unhealthy",
        message: expect.stringContaining("It could not be told to go back (connection_lost)."),
      },
    });
  });

  it.each([undefined, fault("refused", { phase: "commit" }), fault("connection_lost", { phase: "commit" })])(
    "that ended before the commit is told as what it is, however that was answered (%s)",
    async (answer) => {
      const back: Rig & { orders: string[] } = onTrial(
        [oldState, newState, () => (back.orders.length > 0 ? oldState : newState)],
        answer && { commit: answer },
      );
      expect(await back.client.update(device, back.artifact)).toMatchObject({
        status: "failed",
        error: { code: "not_updated", phase: "commit", message: expect.stringContaining('back at "1.0.0"') },
      });
      expect(back.orders).toEqual(["commit"]);
    },
  );

  it("is unknown where the commit was not acknowledged, or the device could not be read after it", async () => {
    const refused = onTrial([oldState, newState], { commit: fault("refused", { phase: "commit" }) });
    expect(await refused.client.update(device, refused.artifact)).toMatchObject({
      status: "unknown",
      error: { code: "outcome_unknown", phase: "commit", cause: { code: "refused" } },
    });
    const dark: Rig & { orders: string[] } = onTrial([
      oldState,
      newState,
      () => {
        if (dark.orders.length > 0) throw fault("connect_failed");
        return newState;
      },
    ]);
    expect(await dark.client.update(device, dark.artifact)).toMatchObject({
      status: "unknown",
      error: { code: "outcome_unknown", phase: "commit", cause: { code: "connect_failed" } },
    });
  });
});
