import { describe, expect, it } from "vitest";
import type { Device } from "../../core/device.ts";
import type { DeviceOutcome } from "../../core/outcome.ts";
import { createVirtualClock } from "../../testing/virtual-clock.ts";
import { createClient } from "../client.ts";
import { fakeArtifact, fault } from "../fakes/index.ts";
import { type Behave, inhabitants, seeded, type Town, town } from "../fakes/town.ts";
import type { ClientOptions } from "../options.ts";

const answer = { status: 200, bytes: 4 };

/** Pushes to all of them, and says what became of each and when, on the virtual clock. */
async function push(
  devices: Iterable<Device> | ((rig: Rig) => AsyncIterable<Device>),
  behave: (rig: Rig) => Behave,
  options: ClientOptions = {},
) {
  const clock = createVirtualClock({ auto: true });
  const random = seeded(7);
  const rig = { clock, random };
  const place = town(clock, behave(rig));
  await using client = createClient({ clock, random, ...options }, [place.delivery]);
  const ends: { readonly outcome: DeviceOutcome; readonly at: number }[] = [];
  for await (const outcome of client.pushMany(typeof devices === "function" ? devices(rig) : devices, fakeArtifact(), {
    verify: false,
  }))
    ends.push({ outcome, at: clock.now() });
  return { ...place, ends, tally: tallied(ends.map(({ outcome }) => outcome)) };
}

interface Rig {
  readonly clock: ReturnType<typeof createVirtualClock>;
  readonly random: () => number;
}

function tallied(outcomes: readonly DeviceOutcome[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const outcome of outcomes) {
    const name = "error" in outcome ? outcome.error.code : outcome.status;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

/** How many attempts began in the fullest `width` milliseconds, as a multiple of what an even spread would have. */
function crowding(asked: Town["asked"], width: number): number {
  const buckets = new Map<number, number>();
  for (const { at } of asked) buckets.set(Math.floor(at / width), (buckets.get(Math.floor(at / width)) ?? 0) + 1);
  const times = [...buckets.keys()];
  const even = asked.length / (Math.max(...times) - Math.min(...times) + 1);
  return Math.max(...buckets.values()) / even;
}

describe("a site of 1,000 devices", () => {
  const devices = inhabitants(["shop"], 1_000);
  const outage =
    (length: number) =>
    ({ clock, random }: Rig): Behave =>
    async () => {
      const lost = clock.now() < length;
      await clock.sleep(lost ? 1_000 + 2_000 * random() : 100 + 200 * random());
      if (lost) throw fault("connect_failed", { phase: "connect", retryable: true });
      return answer;
    };

  it("that returns after 40 s loses none, is asked by no more at once than its cap, and by all in turn", async () => {
    const { asked, peaks, tally } = await push(devices, outage(40_000));
    expect(tally).toEqual({ sent: 1_000 });
    expect(peaks.get("shop")).toBe(32);
    const back = asked.filter(({ at }) => at >= 40_000);
    expect(back).toHaveLength(1_000);
    expect(crowding(back, 250)).toBeLessThan(1.6);
    // While it was away: who had begun before the breaker opened, and then a handful of probes.
    expect(asked.length - back.length).toBeLessThan(64);
  });

  it("that returns is not run over either where its cap is 1,000 and all of them wait", async () => {
    const limits = { inFlight: 2_000, inFlightPerSite: 1_000 };
    // The first ones find the site lost, and all others come while it is.
    const coming = async function* ({ clock }: Rig) {
      yield* devices.slice(0, 30);
      await clock.sleep(5_000);
      yield* devices.slice(30);
    };
    const { asked, tally } = await push(coming, outage(40_000), { limits });
    expect(tally).toEqual({ sent: 1_000 });
    const first = Math.min(...asked.filter(({ at }) => at >= 40_000).map(({ at }) => at));
    const soon = asked.filter(({ at }) => at >= first && at < first + 300);
    // One probe, then those that its answer lets in: never all at once.
    expect(soon.length).toBeLessThan(20);
  });

  it("that stays away costs a handful of attempts, and every device is told so, retryable and with nothing sent", async () => {
    const { asked, tally, ends } = await push(devices, outage(Number.POSITIVE_INFINITY));
    expect(asked.length).toBeLessThan(64);
    expect(Object.values(tally).reduce((a, b) => a + b)).toBe(1_000);
    expect(tally["site_unavailable"]).toBeGreaterThan(950);
    for (const { outcome } of ends)
      expect(outcome).toMatchObject({ status: "failed", error: { retryable: true, bytesOut: "none" } });
    expect(Math.max(...ends.map(({ at }) => at))).toBeLessThan(70_000);
  });

  it("whose one server names one time to all of them is not asked again by all at that time", async () => {
    const busy: Behave = async (_device, _step, tries) => {
      if (tries > 1) return answer;
      throw fault("device_busy", { reply: { status: 503, retryAfter: 30_000 } });
    };
    const limits = { inFlight: 2_000, inFlightPerSite: 1_000 };
    const { asked, tally } = await push(devices.slice(0, 90), () => busy, { limits });
    expect(tally).toEqual({ sent: 90 });
    const again = asked.filter(({ at }) => at > 0);
    expect(Math.min(...again.map(({ at }) => at))).toBeGreaterThanOrEqual(30_000);
    expect(Math.max(...again.map(({ at }) => at))).toBeGreaterThan(34_000);
    expect(crowding(again, 500)).toBeLessThan(2.5);
  });

  it("that times out is tried again until its budget is spent, and every device says which it was", async () => {
    const { asked, tally, ends } = await push(devices.slice(0, 200), ({ clock }) => async () => {
      await clock.sleep(100);
      throw fault("stall_timeout", { phase: "connect", retryable: true });
    });
    // 500 tokens at 10 each: fifty attempts beyond the 200 first ones.
    expect(asked).toHaveLength(250);
    expect(tally["retry_budget_spent"]).toBeGreaterThan(150);
    const spent = ends.flatMap(({ outcome }) =>
      "error" in outcome && outcome.error.code === "retry_budget_spent" ? [outcome.error] : [],
    );
    for (const error of spent)
      expect(error).toMatchObject({ bytesOut: "none", retryable: true, cause: { code: "stall_timeout" } });
  });

  it("that fails now and then is tried again all along, since what works pays for it", async () => {
    const { tally } = await push(devices, ({ clock, random }) => async (_device, _step, tries) => {
      await clock.sleep(50 + 100 * random());
      if (tries === 1 && random() < 0.15) throw fault("connection_lost", { bytesOut: "some", retryable: true });
      return answer;
    });
    expect(tally).toEqual({ sent: 1_000 });
  });
});

describe("devices without a site", () => {
  it("share neither cap, breaker nor budget", async () => {
    const devices = inhabitants([""], 300);
    const { peaks, tally, asked } = await push(devices, ({ clock }) => async () => {
      await clock.sleep(10);
      throw fault("connect_failed", { phase: "connect", retryable: true });
    });
    expect([peaks.get(""), asked.length, tally]).toEqual([64, 900, { connect_failed: 300 }]);
  });
});

describe("30 % tarpits", () => {
  const sites = Array.from({ length: 10 }, (_, i) => `s${i}`);
  const limits = { inFlight: 60, inFlightPerSite: 6 };
  /** Devices that are none of the slow ones served per virtual second, while those swallow whatever is sent until its deadline. */
  async function throughput(
    devices: readonly Device[],
    options: ClientOptions,
    isSlow = ({ site = "" }: Device) => Number(site.slice(1)) < 3,
  ): Promise<number> {
    const { ends, tally } = await push(
      devices,
      ({ clock, random }) =>
        async (device, step) => {
          if (isSlow(device)) {
            await clock.sleep(step.deadline - clock.now());
            throw fault("deadline_exceeded", { bytesOut: "some", retryable: true });
          }
          await clock.sleep(100 + 200 * random());
          return answer;
        },
      options,
    );
    const good = ends.filter(({ outcome }) => outcome.status === "sent");
    expect(good).toHaveLength(280);
    expect(tally["sent"]).toBe(280);
    return 280 / (Math.max(...good.map(({ at }) => at)) / 1_000);
  }
  const all = inhabitants(sites, 40);
  const shuffled = [...all].sort((a, b) => order(a) - order(b));
  const healthy = all.filter(({ site = "" }) => Number(site.slice(1)) >= 3);

  it.each([
    ["come first", all],
    ["stand among the others", shuffled],
  ])("that %s leave the others at least 90 %% of their throughput", async (_where, devices) => {
    const alone = await throughput(healthy, { limits });
    expect((await throughput(devices, { limits })) / alone).toBeGreaterThan(0.9);
    // What a cap is for: without one the tarpits take nearly all places.
    expect((await throughput(devices, { limits: { inFlight: 60, inFlightPerSite: 60 } })) / alone).toBeLessThan(0.5);
  });

  /** Twelve of the forty at every site. */
  const isSlow = ({ id }: Device) => Number(id.split("-")[1]) < 12;
  const mixed = [...all].sort((a, b) => order(a) - order(b));
  const others = mixed.filter((device) => !isSlow(device));

  it("that stand within every site take its places from the others, which a cap cannot part", async () => {
    const kept = (await throughput(mixed, { limits }, isSlow)) / (await throughput(others, { limits }, isSlow));
    expect(kept).toBeLessThan(0.01);
  });

  it("that stand within every site leave the others their throughput where its cap has places for both", async () => {
    const roomy = { inFlight: 180, inFlightPerSite: 18 };
    const kept = (await throughput(mixed, { limits: roomy }, isSlow)) / (await throughput(others, { limits }, isSlow));
    expect(kept).toBeGreaterThan(0.9);
  });
});

/** A stable shuffle. */
const orders = new Map<string, number>();
const draw = seeded(3);
function order({ id }: Device): number {
  const known = orders.get(id) ?? draw();
  orders.set(id, known);
  return known;
}
