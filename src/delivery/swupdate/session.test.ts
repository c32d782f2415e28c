import { describe, expect, it } from "vitest";
import {
  createCertificateAuthority,
  makeFirmware,
  type SwupdateDevice,
  type SwupdatePlay,
  startSwupdate,
} from "../../../mocks/index.ts";
import { openArtifact } from "../../bytes/index.ts";
import { type Clock, systemClock } from "../../core/clock.ts";
import type { SendStep } from "../../core/delivery.ts";
import type { Receipt } from "../../core/outcome.ts";
import { createTransport } from "../../http/index.ts";
import { createVirtualClock } from "../../testing/virtual-clock.ts";
import { swupdate } from "./index.ts";

const image = makeFirmware({ version: "2.0.0", length: 100_000 });
/** The verdict of this adapter is the session's own: no receipt is looked at. */
const receipt = {} as Receipt;
const step = (changes: Partial<SendStep> = {}): SendStep => ({
  ...{ deadline: systemClock.now() + 20_000, pushId: "p", attemptId: "a" },
  ...changes,
});

/** One session with one device, for what a client does not show. */
async function rig(ends: SwupdatePlay["ends"], clock: Clock = systemClock) {
  await using stack = new AsyncDisposableStack();
  const device = stack.use(await startSwupdate());
  device.play({ ends });
  const transport = stack.use(createTransport({ addressPolicy: { permit: ["127.0.0.0/8"] } }));
  const artifact = stack.use(await openArtifact(image, { version: "2.0.0" }));
  const origin = transport.origin(device.url);
  const session = swupdate().bind({ id: "b1", address: device.url }, { transport, origin, clock });
  stack.defer(() => session.close?.());
  const kept = stack.move();
  return { device, session, artifact, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

const uploads = ({ control }: SwupdateDevice) =>
  control.requests().filter(({ endpoint }) => endpoint === "update").length;

describe("a session settles", () => {
  it("as installed by SUCCESS alone", async () => {
    await using trial = await rig("success");
    await trial.session.send(trial.artifact.payload, step());
    expect(await trial.session.settle?.(receipt, step())).toBe("installed");
  });

  it("as lost where the verdict was missed", async () => {
    await using trial = await rig("missed");
    await trial.session.send(trial.artifact.payload, step());
    expect(await trial.session.settle?.(receipt, step())).toBe("lost");
  });

  it("as lost where the websocket broke before it", async () => {
    await using trial = await rig("hang");
    await trial.session.send(trial.artifact.payload, step());
    trial.device.dropListeners();
    expect(await trial.session.settle?.(receipt, step())).toBe("lost");
  });
});

describe("how far the install is", () => {
  it("is told as it goes forward, of this upload alone, and only what can be so", async () => {
    await using trial = await rig("hang");
    const { device, session, artifact } = trial;
    const told: string[] = [];
    const onInstalling = (at: object) => told.push(Object.values(at).join(" "));
    const say = (number: unknown, step: unknown, percent: unknown) =>
      device.say({ type: "step", number, step, name: "rootfs", percent });
    const strange = [
      [1, 1, 101],
      [1, 2, 5],
      [1, 0, 5],
      ["1", "1", "-1"],
      ["1001", "1", "1"],
      ["x", 1, 1],
      [1, 1, {}],
    ];
    device.device.on("received", () => {
      for (const numbers of strange) say(numbers[0], numbers[1], numbers[2]);
      say("2", "1", "30");
      say("2", "1", "30");
      say("2", "1", "10");
    });
    await session.send(artifact.payload, step({ onInstalling }));
    const settled = session.settle?.(receipt, { ...step(), onInstalling });
    say("2", "2", "0");
    device.say({ type: "status", status: "SUCCESS" });
    say("2", "2", "70");
    expect(await settled).toBe("installed");
    expect(told).toEqual(["1 2 30", "2 2 0"]);
  });
});

describe("a session that is told to send again", () => {
  it("does not, where the device has meanwhile installed what it was given up on", async () => {
    await using trial = await rig("hang");
    const { device, session, artifact } = trial;
    device.script({ on: "update", fault: { kind: "cut", at: "installed" } });
    const soon = step({ deadline: systemClock.now() + 400 });
    await expect(session.send(artifact.payload, soon)).rejects.toMatchObject({ code: "outcome_unknown" });
    const again = session.send(artifact.payload, step());
    device.say({ type: "status", status: "SUCCESS" });
    expect(await again).toEqual({ status: 0, bytes: image.length });
    expect(uploads(device)).toBe(1);
  });

  it("hears the device out first, and then does where that failed", async () => {
    await using trial = await rig("hang");
    const { device, session, artifact } = trial;
    device.script({ on: "update", fault: { kind: "cut", at: "installed" } });
    const soon = step({ deadline: systemClock.now() + 400 });
    await expect(session.send(artifact.payload, soon)).rejects.toMatchObject({ code: "outcome_unknown" });
    const again = session.send(artifact.payload, step());
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(uploads(device)).toBe(1);
    device.say({ type: "message", level: "3", text: "no" });
    device.say({ type: "status", status: "FAILURE" });
    expect(await again).toMatchObject({ status: 200, bytes: image.length });
    expect(uploads(device)).toBe(2);
  });
});

describe("a session whose payload throws what is no FlashwaveError", () => {
  it("lets it through, and waits for nothing any more", async () => {
    const clock = createVirtualClock();
    await using trial = await rig("success", clock);
    const { artifact } = trial.artifact.payload;
    const slice = () => {
      throw new TypeError("no bytes");
    };
    const hash = () => Promise.reject(new TypeError("no hash"));
    await expect(trial.session.send({ artifact, slice, hash }, step())).rejects.toThrow(new TypeError("no bytes"));
    await new Promise(setImmediate);
    expect(clock.sleeping).toBe(0);
    expect(uploads(trial.device)).toBe(0);
  });
});

describe("the websocket of a device that is known by its pin", () => {
  const authority = createCertificateAuthority();
  const [own, another] = [authority.issue(), authority.issue()];

  /** A send to it, after which nothing is left open. */
  async function send(pin: string) {
    await using device = await startSwupdate({ tls: own });
    await using transport = createTransport({
      addressPolicy: { permit: ["127.0.0.0/8"] },
      tls: { ca: authority.cert },
    });
    await using artifact = await openArtifact(image, { version: "2.0.0" });
    const context = { transport, origin: transport.origin(device.url), clock: systemClock };
    const session = swupdate().bind({ id: "b1", address: device.url, pins: [pin] }, context);
    const ended = await session.send(artifact.payload, step()).catch((error: unknown) => error);
    await session.close?.();
    return { ended, asked: device.control.requests().map(({ path }) => path) };
  }

  it("is asked for over a connection that showed it", async () => {
    expect(await send(own.pin)).toMatchObject({ ended: { status: 200 }, asked: ["/ws", "/upload"] });
  });

  it("is not asked for, nor anything else, where it shows another key", async () => {
    const refused = { code: "pin_mismatch", phase: "connect", bytesOut: "none" };
    expect(await send(another.pin)).toMatchObject({ ended: refused, asked: [] });
  });
});
