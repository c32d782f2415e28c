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
