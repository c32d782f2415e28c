import { describe, expect, it } from "vitest";
import { FlashwaveError } from "../../core/errors.ts";
import type { Receipt } from "../../core/outcome.ts";
import type { ExchangeReply, ExchangeRequest, ReplyHeaders, Transport } from "../../core/transport.ts";
import { createVirtualClock, type VirtualClock } from "../../testing/virtual-clock.ts";
import { type RedfishOptions, redfish } from "./index.ts";

interface Scripted {
  readonly status: number;
  readonly json?: object;
  readonly headers?: Readonly<Record<string, string>>;
}
type Play = Scripted | FlashwaveError;

const origin = "http://10.0.0.1";
const running: Scripted = { status: 202, json: { TaskState: "Running" } };
const receipt: Receipt = {
  ...{ device: "bmc", origin, delivery: "redfish", attemptId: "a", attempts: 1, bytes: 5, status: 202 },
  ...{ artifact: { name: "fw", version: "2", length: 5, digest: "" }, acknowledgedBy: "reply", early: false },
  ...{ activated: true, startedAt: 0, endedAt: 0, remoteId: "/monitor" },
};

function replyOf({ status, json, headers = {} }: Scripted): ExchangeReply {
  const entries = Object.entries(headers);
  const told: ReplyHeaders = {
    get: (name) => headers[name],
    [Symbol.iterator]: () => entries[Symbol.iterator](),
  };
  const body = json === undefined ? new Uint8Array() : Buffer.from(JSON.stringify(json));
  return { status, headers: told, body, sent: "all", peer: "none" };
}

/** A session whose device plays a list by path; the last entry repeats. */
function rig(plays: Readonly<Record<string, readonly Play[]>>, options?: RedfishOptions) {
  const clock: VirtualClock = createVirtualClock({ auto: true });
  const asked: { readonly path: string; readonly at: number }[] = [];
  const exchange = async (
    _origin: string,
    request: ExchangeRequest,
    read = (reply: ExchangeReply): unknown => reply,
  ) => {
    const { path } = request;
    const list = plays[path] ?? [];
    const play = list[Math.min(asked.filter((one) => one.path === path).length, list.length - 1)] ?? { status: 404 };
    asked.push({ path, at: clock.now() });
    if (play instanceof FlashwaveError) throw play;
    return read(replyOf(play));
  };
  const transport = { exchange, origin: () => origin } as unknown as Transport;
  const session = redfish(options).bind({ id: "bmc", address: origin }, { transport, origin, clock });
  const settle = (
    changes: { readonly deadline?: number; readonly signal?: AbortSignal; readonly receipt?: Receipt } = {},
  ) => session.settle?.(changes.receipt ?? receipt, { deadline: changes.deadline ?? 600_000, signal: changes.signal });
  return { clock, asked, settle };
}

const fault = (code: "connect_failed" | "pin_mismatch" | "deadline_exceeded") =>
  new FlashwaveError(code, `It was ${code}.`, { phase: "settle" });

describe("following a task by its receipt alone", () => {
  it("looks at once, and then until it ends", async () => {
    const { settle, asked } = rig({ "/monitor": [running, running, { status: 204 }] });
    expect(await settle()).toBe("installed");
    expect(asked.map(({ at }) => at)).toEqual([0, 250, 750]);
  });

  it("knows by the profile that it was to wait", async () => {
    expect(await rig({ "/monitor": [{ status: 204 }] }, { applyTime: "OnReset" }).settle()).toBe("staged");
    expect(await rig({ "/monitor": [{ status: 204 }] }, { applyTime: "Immediate" }).settle()).toBe("installed");
  });

  it("has nothing to follow without a monitor, and follows none that leads elsewhere", async () => {
    const { remoteId: _, ...none } = receipt;
    for (const other of [
      none,
      { ...none, remoteId: "http://evil.example/monitor" },
      { ...none, remoteId: "//evil/" },
    ]) {
      const { settle, asked } = rig({});
      expect(await settle({ receipt: other })).toBe("lost");
      expect(asked).toEqual([]);
    }
  });

  it("waits as long as the device asks, and a minute at most", async () => {
    const busy = (after: string): Scripted => ({ ...running, headers: { "retry-after": after } });
    const { settle, asked } = rig({ "/monitor": [busy("7"), busy("3600"), busy("0"), { status: 204 }] });
    expect(await settle()).toBe("installed");
    expect(asked.map(({ at }) => at)).toEqual([0, 7_000, 67_000, 68_000]);
  });

  it("looks less and less often, and a task that never ends no further than to the deadline", async () => {
    const { settle, asked, clock } = rig({ "/monitor": [running] });
    const late = { code: "deadline_exceeded", phase: "settle", bytesOut: "all" };
    await expect(settle({ deadline: 100_000 })).rejects.toMatchObject(late);
    expect(clock.now()).toBe(100_000);
    expect(asked.length).toBeLessThan(20);
    expect(asked.every(({ at }) => at < 100_000)).toBe(true);
  });

  it("ends with the caller's signal, at once", async () => {
    const { settle, clock } = rig({ "/monitor": [{ ...running, headers: { "retry-after": "50" } }] });
    const controller = new AbortController();
    const settling = settle({ signal: controller.signal });
    clock.sleep(10).then(() => controller.abort(new Error("enough")));
    await expect(settling).rejects.toMatchObject({ code: "aborted", phase: "settle", bytesOut: "all" });
    expect(clock.now()).toBe(10);
  });

  it("is lost when nobody answers, but not when somebody else does", async () => {
    expect(await rig({ "/monitor": [running, fault("connect_failed")] }).settle()).toBe("lost");
    await expect(rig({ "/monitor": [fault("pin_mismatch")] }).settle()).rejects.toMatchObject({ code: "pin_mismatch" });
    const late = rig({ "/monitor": [fault("deadline_exceeded")] });
    await expect(late.settle()).rejects.toMatchObject({ code: "deadline_exceeded", phase: "settle" });
  });

  it("tells a failure by ids, and never in the device's own words", async () => {
    const Messages = [{ MessageId: "Update.1.0.ApplyFailed", Message: "call 555-1234" }, { MessageId: "no id at all" }];
    const task = { TaskState: "Exception", TaskStatus: "Critical", Messages };
    const error = await rig({ "/monitor": [{ status: 200, json: task }] })
      .settle()
      ?.catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "device_error", phase: "settle", bytesOut: "all", retryable: false });
    expect((error as Error).message).toContain("as Exception (Update.1.0.ApplyFailed)");
    expect((error as Error).message).not.toMatch(/555|no id/);
  });
});
