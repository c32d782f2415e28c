import { describe, expect, it } from "vitest";
import type { ResumeToken, SendStep } from "../core/delivery.ts";
import type { FlashwaveError } from "../core/errors.ts";
import type { Acknowledgement } from "../core/outcome.ts";
import { device, fault, lost, newState, oldState, type Play, rig, tokenAt } from "./fakes/index.ts";

type Send = Play<Acknowledgement, SendStep>;
const whole: Acknowledgement = { status: 204, bytes: 4 };
const cut: FlashwaveError = fault("connection_lost", { bytesOut: "some" });
const gone: FlashwaveError = fault("upload_gone");
const resumable = { resumable: true } as const;

/** One send: the device tells these offsets, and then it ends so. */
function telling(offsets: readonly number[], end: Acknowledgement | Error): Send {
  return async (step) => {
    for (const offset of offsets) await step.onResumable?.(tokenAt(offset));
    if (end instanceof Error) throw end;
    return end;
  };
}

describe("the count of attempts", () => {
  it("starts again when the device got further", async () => {
    const sends = [telling([0], cut), telling([1], cut), telling([2], cut), telling([3], cut), telling([3], whole)];
    const { client, artifact, fake } = rig({ sends, traits: resumable }, { retry: { attempts: 2 } });
    expect(await client.push(device, artifact)).toMatchObject({ attempts: 5, bytes: 4 });
    expect(fake.steps.map((step) => step.resume?.offset)).toEqual([undefined, 0, 1, 2, 3]);
  });

  it("starts again when parts of one attempt were confirmed before it broke", async () => {
    const sends = [telling([0, 1, 2], cut), telling([2], cut), telling([2], whole)];
    const { client, artifact } = rig({ sends, traits: resumable }, { retry: { attempts: 2 } });
    expect(await client.push(device, artifact)).toMatchObject({ attempts: 3 });
  });

  it("ends with the last attempt's fault when the device, asked once more, got no further", async () => {
    const sends = [telling([0], cut), telling([0], cut), telling([0], whole)];
    const { client, artifact, fake, events } = rig(
      { sends, reads: [oldState], traits: resumable },
      { retry: { attempts: 2 } },
    );
    await expect(client.push(device, artifact)).rejects.toMatchObject({ code: "connection_lost", attempt: 2 });
    expect(fake.steps).toHaveLength(3);
    // It told its offset: nothing is unknown, so nothing is read.
    expect(fake.calls).not.toContain("inspect");
    expect(events.filter(({ type }) => type === "attempt-failed")).toHaveLength(2);
  });

  it("does not start again for a device that goes back, or creeps", async () => {
    const back = [telling([0], cut), telling([3], cut), telling([1], cut), telling([2], cut), telling([3], cut)];
    const { client, artifact, fake } = rig({ sends: back, traits: resumable }, { retry: { attempts: 2 } });
    await expect(client.push(device, artifact)).rejects.toMatchObject({ code: "connection_lost" });
    expect(fake.steps).toHaveLength(4);
    const large = { ...tokenAt(0), length: 10_000_000 };
    let offset = 0;
    const creeping: Send = async (step) => {
      await step.onResumable?.({ ...large, offset: offset++ });
      throw cut;
    };
    const slow = rig({ sends: [creeping], traits: resumable }, { retry: { attempts: 3 } });
    const long = { ...slow.artifact, length: 10_000_000 };
    await expect(slow.client.push(device, long)).rejects.toMatchObject({ code: "connection_lost", attempt: 3 });
  });

  it("does not begin again after a device that cannot do what it is asked", async () => {
    const unable = fault("device_error", { bytesOut: "some", reply: { status: 501 } });
    const sends = [telling([0], unable), telling([3], whole)];
    const { client, artifact, fake } = rig({ sends, reads: [oldState], traits: resumable });
    await expect(client.push(device, artifact)).rejects.toMatchObject({ code: "device_error", attempt: 1 });
    expect(fake.steps).toHaveLength(1);
  });

  it("is as before for a delivery that cannot resume", async () => {
    const { client, artifact, fake } = rig({ sends: [fault("connect_failed")] });
    await expect(client.push(device, artifact)).rejects.toMatchObject({ code: "connect_failed", attempt: 3 });
    expect(fake.steps.map(({ onResumable }) => onResumable)).toEqual([undefined, undefined, undefined]);
  });

  it("sends again, unread, when no byte of the artifact had left", async () => {
    const sends = [fault("connection_lost"), telling([0], whole)];
    const { client, artifact, fake } = rig({ sends, reads: [oldState], traits: resumable });
    expect(await client.push(device, artifact)).toMatchObject({ attempts: 2 });
    expect(fake.calls).toEqual(["send", "send", "close"]);
  });
});

describe("an answer that was lost after all bytes", () => {
  it("is made up for when the device is asked, also after the last attempt", async () => {
    const { client, artifact, fake } = rig(
      { sends: [telling([0], lost), whole], reads: [oldState], traits: resumable },
      { retry: { attempts: 1 } },
    );
    expect(await client.push(device, artifact)).toMatchObject({ acknowledgedBy: "reply", attempts: 2 });
    expect(fake.calls).not.toContain("inspect");
  });

  it("has the device read when it no longer knows the upload", async () => {
    const arrived = rig({ sends: [telling([0], lost), gone], reads: [newState], traits: resumable });
    expect(await arrived.client.push(device, arrived.artifact)).toMatchObject({ acknowledgedBy: "readback" });
    const blind = rig({ sends: [telling([0], lost), gone], traits: resumable });
    await expect(blind.client.push(device, blind.artifact)).rejects.toMatchObject({
      code: "outcome_unknown",
      cause: { code: "upload_gone" },
    });
  });

  it("begins anew when a read shows the old version, idle", async () => {
    const sends = [telling([0], lost), gone, telling([0], whole)];
    const { client, artifact, fake } = rig({ sends, reads: [oldState], traits: resumable });
    expect(await client.push(device, artifact)).toMatchObject({ attempts: 3 });
    expect(fake.steps.map((step) => step.resume?.offset)).toEqual([undefined, 0, undefined]);
  });

  it.each(["refused", "unreadable_state", "unsupported"] as const)(
    "is not closed by %s: the device is read",
    async (code) => {
      const sends = [telling([0], lost), fault(code)];
      const { client, artifact } = rig({ sends, reads: [newState], traits: resumable });
      expect(await client.push(device, artifact)).toMatchObject({ acknowledgedBy: "readback", attempts: 2 });
      const idle = rig({ sends, reads: [oldState], traits: resumable });
      await expect(idle.client.push(device, idle.artifact)).rejects.toMatchObject({ code });
      expect(idle.fake.steps).toHaveLength(2);
      const blind = rig({ sends, traits: resumable });
      await expect(blind.client.push(device, blind.artifact)).rejects.toMatchObject({ code: "outcome_unknown" });
    },
  );

  it("is closed by an offset below the end", async () => {
    const sends = [telling([0], lost), telling([2], fault("refused", { bytesOut: "none" }))];
    const { client, artifact, fake } = rig({ sends, reads: [newState], traits: resumable });
    await expect(client.push(device, artifact)).rejects.toMatchObject({ code: "refused" });
    expect(fake.calls).not.toContain("inspect");
  });
});

describe("an upload that the device forgot", () => {
  it("is begun anew, and the event says so", async () => {
    const sends = [telling([0], cut), gone, telling([0], whole)];
    const { client, artifact, fake, events } = rig({ sends, reads: [oldState], traits: resumable });
    expect(await client.push(device, artifact)).toMatchObject({ attempts: 3 });
    expect(fake.calls).not.toContain("inspect");
    expect(events).toContainEqual(
      expect.objectContaining({
        type: "attempt-failed",
        error: expect.objectContaining({ code: "upload_gone" }),
        next: "retry",
      }),
    );
  });
});

describe("a token that the caller kept", () => {
  it("goes to the first attempt, and each new one to the caller before the next byte", async () => {
    const order: string[] = [];
    const sends: Send[] = [
      async (step) => {
        await step.onResumable?.(tokenAt(3));
        order.push("bytes");
        return whole;
      },
    ];
    const { client, artifact, fake } = rig({ sends, traits: resumable });
    const onResumable = async (token: ResumeToken) => {
      await Promise.resolve();
      order.push(`durable ${token.offset}`);
    };
    await client.push(device, artifact, { resume: tokenAt(2), onResumable });
    expect(fake.steps[0]?.resume).toEqual(tokenAt(2));
    expect(order).toEqual(["durable 3", "bytes"]);
  });

  it("breaks the send off when it cannot be made durable", async () => {
    const { client, artifact, fake } = rig({ sends: [telling([0], whole)], reads: [oldState], traits: resumable });
    const onResumable = () => {
      throw new Error("disk full");
    };
    await expect(client.push(device, artifact, { onResumable })).rejects.toMatchObject({
      code: "outcome_unknown",
      cause: expect.objectContaining({ message: "disk full" }),
    });
    expect(fake.steps).toHaveLength(1);
  });

  it("may stand for bytes that were all sent: a forgotten upload is read first", async () => {
    const blind = rig({ sends: [gone], traits: resumable });
    await expect(blind.client.push(device, blind.artifact, { resume: tokenAt(2) })).rejects.toMatchObject({
      code: "outcome_unknown",
    });
    const idle = rig({ sends: [gone, telling([0], whole)], reads: [oldState], traits: resumable });
    expect(await idle.client.update(device, idle.artifact, { resume: tokenAt(2) })).toMatchObject({
      attempts: 2,
    });
    const arrived = rig({ sends: [gone], reads: [oldState, newState], traits: resumable });
    expect(await arrived.client.update(device, arrived.artifact, { resume: tokenAt(2) })).toMatchObject({
      status: "updated",
      receipt: { acknowledgedBy: "readback" },
    });
  });

  it.each([
    ["another device's", { ...tokenAt(1), device: "d2" }],
    ["another address's", { ...tokenAt(1), origin: "http://10.0.0.2" }],
    ["another delivery's", { ...tokenAt(1), delivery: "http" }],
    ["another artifact's", { ...tokenAt(1), digest: "b".repeat(64) }],
    ["one of another length", { ...tokenAt(1), length: 5 }],
    ["one beyond the end", { ...tokenAt(5) }],
    ["one with a negative offset", { ...tokenAt(-1) }],
    ["one whose offset is text", { ...tokenAt(1), offset: "1" }],
    ["one without state", { ...tokenAt(1), state: undefined }],
    ["one whose state is no text", { ...tokenAt(1), state: { upload: 7 } }],
    ["text", "token"],
    ["nothing", null],
  ])("is refused before any I/O when it is %s", async (_what, resume) => {
    const { client, artifact, fake } = rig({ reads: [oldState], traits: resumable });
    const refused = { code: "invalid_option", phase: "prepare" };
    await expect(client.push(device, artifact, { resume: resume as never })).rejects.toMatchObject(refused);
    await expect(client.update(device, artifact, { resume: resume as never })).rejects.toMatchObject(refused);
    expect(fake.calls).toEqual([]);
    await expect(client.push(device, artifact)).resolves.toMatchObject({ bytes: 4 });
  });

  it("is refused where the delivery cannot resume, and so is a callback that is none", async () => {
    const { client, artifact, fake } = rig();
    await expect(client.push(device, artifact, { resume: tokenAt(1) })).rejects.toMatchObject({
      code: "invalid_option",
    });
    await expect(client.push(device, artifact, { onResumable: 7 as never })).rejects.toMatchObject({
      code: "invalid_option",
    });
    expect(fake.calls).not.toContain("send");
  });

  it("is found by a function where there are many devices", async () => {
    const { client, artifact, fake } = rig({ sends: [telling([1], whole)], traits: resumable });
    const other = { id: "d2", address: "http://10.0.0.2" };
    const seen: string[] = [];
    const resume = ({ id }: { readonly id: string }) => (id === "d1" ? tokenAt(1) : undefined);
    const options = {
      resume,
      verify: false,
      concurrency: 1,
      onResumable: ({ device: id }: ResumeToken) => void seen.push(id),
    };
    for await (const outcome of client.pushMany([device, other], artifact, options))
      expect(outcome.status).toBe("sent");
    expect(fake.steps.map((step) => step.resume?.offset)).toEqual([1, undefined]);
    expect(seen).toHaveLength(2);
    expect(() => client.pushMany([device], artifact, { resume: tokenAt(1) as never })).toThrow(
      expect.objectContaining({ code: "invalid_option" }),
    );
  });
});
