// A town of simulated sites on the virtual clock, spoken to through the real client: who was asked when, and by how many.
import type { Clock } from "../../core/clock.ts";
import type { Delivery, SendStep } from "../../core/delivery.ts";
import type { Device } from "../../core/device.ts";
import type { Acknowledgement } from "../../core/outcome.ts";

export interface Asked {
  readonly site: string;
  readonly device: string;
  readonly at: number;
}

export interface Town {
  readonly delivery: Delivery;
  readonly asked: Asked[];
  /** The most attempts that were under way at once, by site. */
  readonly peaks: ReadonlyMap<string, number>;
}

export type Behave = (device: Device, step: SendStep, tries: number) => Promise<Acknowledgement>;

export function town(clock: Clock, behave: Behave): Town {
  const asked: Asked[] = [];
  const peaks = new Map<string, number>();
  const inside = new Map<string, number>();
  const tries = new Map<string, number>();
  const change = (site: string, by: number) => {
    const now = (inside.get(site) ?? 0) + by;
    inside.set(site, now);
    peaks.set(site, Math.max(now, peaks.get(site) ?? 0));
  };
  const delivery: Delivery = {
    kind: "town",
    bind: (device) => ({
      traits: {
        resumable: false,
        repeat: "idempotent",
        refusals: new Set([503]),
        verdict: "reply",
        activates: "itself",
      },
      send: async (_payload, step) => {
        const { id, site = "" } = device;
        asked.push({ site, device: id, at: clock.now() });
        const count = (tries.get(id) ?? 0) + 1;
        tries.set(id, count);
        change(site, 1);
        try {
          return await behave(device, step, count);
        } finally {
          change(site, -1);
        }
      },
    }),
  };
  return { delivery, asked, peaks };
}

/** Devices `site-n` of each site. */
export function inhabitants(sites: readonly string[], each: number): Device[] {
  return sites.flatMap((site) =>
    Array.from({ length: each }, (_, i): Device => ({ id: `${site}-${i}`, site, address: "http://10.0.0.1" })),
  );
}

/** Numbers in [0, 1) that are the same in every run (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
