import { describe, expect, it } from "vitest";
import { FlashwaveError, type FlashwaveErrorCode } from "../../core/errors.ts";
import { createVirtualClock } from "../../testing/virtual-clock.ts";
import { isTimeout, reachOf } from "./reach.ts";
import { Site } from "./site.ts";
import { Sites } from "./sites.ts";

const error = (code: FlashwaveErrorCode) => new FlashwaveError(code, code, { phase: "send" });
const away = () => Promise.reject(error("connect_failed"));

function made(cap = 4) {
  const clock = createVirtualClock({ auto: true });
  const options = { clock, cap, base: 5_000, longest: 60_000, random: () => 1 };
  return { clock, options, site: new Site("shop", options) };
}

/** Opens the breaker. */
async function down(site: Site): Promise<void> {
  for (let i = 0; i < 20; i++) await site.run(away, false, "d").catch(() => {});
}

describe("reach", () => {
  it.each([
    ["connect_failed", "unreachable"],
    ["connect_timeout", "unreachable"],
    ["stall_timeout", "reached"],
    ["refused", "reached"],
    ["device_busy", "reached"],
    ["tls_failed", "reached"],
    ["aborted", "nothing"],
    ["client_closed", "nothing"],
    ["artifact_changed", "nothing"],
  ] as const)("%s: %s", (code, reach) => expect(reachOf(error(code))).toBe(reach));

  it("of something that is no error of ours is nothing", () => expect(reachOf(new Error("x"))).toBe("nothing"));

  it("tells timeouts from faults that came at once", () => {
    const codes = [
      "connect_timeout",
      "stall_timeout",
      "response_timeout",
      "deadline_exceeded",
      "connect_failed",
    ] as const;
    expect(codes.map((code) => isTimeout({ code }))).toEqual([true, true, true, true, false]);
  });
});

describe("a site", () => {
  it("lets everybody through while it is well", async () => {
    const { site, clock } = made();
    const all = Array.from({ length: 50 }, (_, i) => site.run(() => clock.sleep(1).then(() => i), true, "d"));
    expect((await Promise.all(all)).length).toBe(50);
    expect(clock.now()).toBe(1);
  });

  it("that is down is asked by one, while the others wait; back, it is asked by more and more", async () => {
    const { site, clock } = made(8);
    await down(site);
    const begun: number[] = [];
    let back = false;
    const attempt = async () => {
      begun.push(clock.now());
      await clock.sleep(10);
      if (!back) throw error("connect_failed");
    };
    const waiting = Array.from({ length: 20 }, () => site.run(attempt, false, "d").catch(({ code }) => code));
    await clock.sleep(6_000);
    expect(begun).toEqual([5_000]);
    back = true;
    await Promise.all(waiting);
    expect(begun.filter((at) => at === 15_010)).toHaveLength(1);
    expect(begun.filter((at) => at === 15_020)).toHaveLength(2);
    expect(begun.filter((at) => at === 15_030)).toHaveLength(4);
    expect(begun).toHaveLength(21 - 1);
  });

  it("that stays down sends away who waits a minute after it was lost, and at once who comes later, but for a probe", async () => {
    const { site, clock } = made();
    await down(site);
    let probes = 0;
    const probe = () => {
      probes++;
      return away();
    };
    const ends = await Promise.all(
      Array.from({ length: 10 }, () => site.run(probe, false, "d").catch(({ code }) => [code, clock.now()])),
    );
    const lost = ends.filter(([code]) => code === "site_unavailable");
    expect(new Set(lost.map(([, at]) => at))).toEqual(new Set([60_000]));
    expect([lost.length + probes, probes]).toEqual([10, 5]);
    await clock.advance(60_000);
    const later = [1, 2, 3].map(() =>
      site.run(probe, false, "d2").catch(({ code, device, message }) => [code, device, message]),
    );
    expect(await Promise.all(later)).toEqual([
      ["connect_failed", undefined, "connect_failed"],
      ["site_unavailable", "d2", expect.stringContaining('Site "shop" cannot be reached')],
      ["site_unavailable", "d2", expect.anything()],
    ]);
    expect(probes).toBe(6);
  });

  it("lets the next one probe where a probe never asked", async () => {
    const { site, clock } = made();
    await down(site);
    await clock.advance(5_000);
    const first = site.run(() => Promise.reject(error("aborted")), false, "d");
    const second = site.run(async () => "here", false, "d");
    await expect(first).rejects.toMatchObject({ code: "aborted" });
    expect(await second).toBe("here");
  });

  it("keeps nobody who aborts, and nobody once it is closed", async () => {
    const { site, clock } = made();
    await down(site);
    const abort = new AbortController();
    const left = site.run(away, false, "d", abort.signal);
    const stays = site.run(away, false, "d");
    abort.abort(new Error("enough"));
    await expect(left).rejects.toMatchObject({ code: "aborted" });
    site.close(error("client_closed"));
    await expect(stays).rejects.toMatchObject({ code: "client_closed" });
    await expect(site.run(away, false, "d")).rejects.toMatchObject({ code: "client_closed" });
    expect(clock.sleeping).toBe(0);
  });

  it("sleeps only while somebody waits", async () => {
    const { site, clock } = made();
    await down(site);
    expect(clock.sleeping).toBe(0);
  });

  it("pays for faults out of one budget, which first tries that work fill", async () => {
    const { site } = made();
    while (site.pays(error("device_error")));
    for (let i = 0; i < 4; i++) await site.run(async () => {}, true, "d");
    await site.run(async () => {}, false, "d");
    expect(site.pays(error("device_error"))).toBe(false);
    await site.run(async () => {}, true, "d");
    expect(site.pays(error("device_error"))).toBe(true);
  });
});

describe("the sites of a client", () => {
  it("are one for each name, and none for no name", () => {
    const sites = new Sites(made().options);
    expect(sites.of("a")).toBe(sites.of("a"));
    expect(sites.of("b")).not.toBe(sites.of("a"));
    expect([sites.of(undefined), sites.of("")]).toEqual([undefined, undefined]);
  });

  it("are forgotten when there are very many, but for those that have something to remember", () => {
    const sites = new Sites(made().options);
    const busy = sites.of("busy");
    const tired = sites.of("tired");
    busy?.enter("d", undefined);
    tired?.pays(error("refused"));
    for (let i = 0; i < 10_000; i++) sites.of(`s${i}`);
    expect(sites.size).toBeLessThanOrEqual(4_097);
    expect([sites.of("busy"), sites.of("tired")]).toEqual([busy, tired]);
  });
});
