import { describe, expect, it } from "vitest";
import { FlashwaveError, type FlashwaveErrorCode } from "../../core/errors.ts";
import type { Payload } from "../../core/payload.ts";
import type { Publication } from "../../core/publication.ts";
import { createVirtualClock } from "../../testing/virtual-clock.ts";
import { announce, type Ordered } from "./announce.ts";
import type { Bound } from "./exchange.ts";

const length = 100;
const payload = { artifact: { length } } as Payload;

/** A device that has fetched so much by the time its order ends as it is told here. */
async function announced(covered: number, order: (signal: AbortSignal) => Promise<Ordered>, signal?: AbortSignal) {
  const clock = createVirtualClock();
  const publication: Publication = {
    ...{ url: "http://127.0.0.1:1/secret", origin: "http://127.0.0.1:1" },
    fetched: covered === length ? Promise.resolve() : new Promise(() => {}),
    progress: () => ({ requests: 1, open: 0, bytes: covered, covered, held: 0 }),
    [Symbol.asyncDispose]: async () => {},
  };
  const bound = { device: { id: "d" }, context: { clock } } as unknown as Bound;
  const ended = announce({
    ...{ bound, payload, patience: 1_000, publisher: { publish: async () => publication } },
    step: { deadline: clock.now() + 60_000, pushId: "p", attemptId: "a", signal },
    order: (_, step) => order(step.signal as AbortSignal),
  });
  ended.catch(() => undefined);
  // What is awaited is asleep by then.
  await clock.advance(0);
  return { clock, ended };
}

const failing = (code: FlashwaveErrorCode, phase: "connect" | "send") => () =>
  Promise.reject(new FlashwaveError(code, "It failed.", { phase, retryable: true }));
const aborts = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    const reason = () => reject(new FlashwaveError("aborted", "Aborted.", { phase: "send" }));
    signal.addEventListener("abort", reason, { once: true });
  });

describe("an order whose connection could not be made", () => {
  it.each(["connect_failed", "connect_timeout"] as const)(
    "%s: is not given where nothing was fetched",
    async (code) => {
      const { ended } = await announced(0, failing(code, "connect"));
      await expect(ended).rejects.toMatchObject({ code, phase: "connect", bytesOut: "none" });
    },
  );

  it.each(["connect_failed", "connect_timeout"] as const)(
    "%s: was followed where something was fetched, and that must not pass for nothing sent",
    async (code) => {
      expect(await (await announced(length, failing(code, "connect"))).ended).toEqual({ status: 0, bytes: length });
      const { clock, ended } = await announced(length / 2, failing(code, "connect"));
      await clock.advance(2_000);
      await expect(ended).rejects.toMatchObject({ code: "connection_lost", bytesOut: "some" });
    },
  );

  it.each(["tls_failed", "pin_mismatch"] as const)("%s: is told, whatever was fetched", async (code) => {
    await expect((await announced(length, failing(code, "connect"))).ended).rejects.toMatchObject({
      code,
      bytesOut: "all",
    });
  });
});

describe("an answer that is awaited once all was fetched", () => {
  it("is waited for two seconds", async () => {
    const { clock, ended } = await announced(length, aborts);
    let settled = false;
    void ended.then(() => {
      settled = true;
    });
    await clock.advance(1_999);
    expect(settled).toBe(false);
    await clock.advance(1);
    expect(await ended).toEqual({ status: 0, bytes: length });
  });

  it("is no acknowledgement to a caller who leaves meanwhile", async () => {
    const caller = new AbortController();
    const { clock, ended } = await announced(length, aborts, caller.signal);
    await clock.advance(1_000);
    caller.abort();
    await expect(ended).rejects.toMatchObject({ code: "aborted", bytesOut: "all" });
  });
});
