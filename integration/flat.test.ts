import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, it } from "vitest";
import { figure, scale } from "./long.ts";

/** Of the long run, 100,000 and more meet a fault. */
const pushes = scale(2_800, 108_000);

interface Told {
  /** How often the pushes that met a fault ended as they did. */
  readonly ended: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Bytes after a collection: warmed up, after the first half, after the second. */
  readonly heaps: readonly [number, number, number];
  readonly connections: number;
  readonly inFlight: number;
  readonly listeners: number;
  readonly leased: number;
  readonly before: Open;
  readonly after: Open;
  readonly devices: number;
}

interface Open {
  readonly sockets: number;
  readonly files: number;
  readonly kinds: Readonly<Record<string, number>>;
}

const sum = (counts: readonly number[]) => counts.reduce((a, b) => a + b, 0);
const countOf = ({ sockets, files, kinds }: Open) => sum([sockets, files, ...Object.values(kinds)]);

/** What a push that meets a fault may end with: a reset can overtake what was sent before it. */
const ends: Readonly<Record<string, RegExp>> = {
  none: /^acknowledged$/,
  "a reset at the headers": /^connection_lost$/,
  "an end half-way": /^connection_lost$/,
  "a reset behind the body": /^connection_lost$/,
  "half an answer": /^connection_lost$/,
  "403": /^refused$/,
  "an early 503 and a reset": /^(device_busy|connection_lost)$/,
  "500": /^device_error$/,
  "an early 200 and a reset": /^(early_reply|acknowledged|connection_lost)$/,
  "a redirect": /^redirected$/,
  "no HTTP": /^malformed_reply$/,
  "a cut body": /^connection_lost$/,
  "headers of 40 KB": /^reply_too_large$/,
  "interim answers": /^malformed_reply$/,
};

/** How much more a half may leave than was there before it: what a warm heap breathes. */
const breath = 1.1;

it(
  `${pushes} faulty pushes of one client leave nothing behind`,
  async () => {
    const child = fork(join(import.meta.dirname, "flat-child.ts"), [String(pushes)], { execArgv: ["--expose-gc"] });
    const exited = once(child, "exit");
    const [told] = (await Promise.race([
      once(child, "message"),
      exited.then(([code]) => Promise.reject(new Error(`exit ${code}`))),
    ])) as [Told];
    expect(await exited).toEqual([0, null]);
    const { ended, heaps, connections, devices, before, after } = told;
    expect(Object.keys(ended).sort()).toEqual(Object.keys(ends).sort());
    for (const [fault, codes] of Object.entries(ends)) {
      const seen = Object.keys(ended[fault] ?? {});
      expect(seen.length, fault).toBeGreaterThan(0);
      for (const code of seen) expect(code, fault).toMatch(codes);
    }
    expect(told).toMatchObject({ inFlight: 0, listeners: 0, leased: 0 });
    expect(connections).toBeLessThanOrEqual(devices);
    expect(after).toEqual(before);
    const [warm, half, whole] = heaps;
    expect(half / warm).toBeLessThan(breath);
    expect(whole / half).toBeLessThan(breath);
    const halfOf = pushes / 2;
    figure("flat", {
      "faulty pushes": sum(
        Object.entries(ended).flatMap(([fault, codes]) => (fault === "none" ? [] : Object.values(codes))),
      ),
      "handles and sockets left": countOf(after) - countOf(before),
      "heap bytes per push in the first half": (half - warm) / halfOf,
      "heap bytes per push in the second half": (whole - half) / halfOf,
    });
  },
  scale(120_000, 3_600_000),
);
