import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, it } from "vitest";
import { figure, isLong, scale } from "./long.ts";

/** Of the long run, 100,000 and more meet a fault. */
const faulty = scale(1_600, 108_000);
/** Pushes that go well, and cost so little that there can be enough of them to see what each one left. */
const well = scale(8_000, 240_000);

interface Told {
  /** How often the pushes that met a fault ended as they did. */
  readonly ended: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Bytes after a collection: warmed up, after the first half, after the second. */
  readonly heaps: Heaps;
  /** The same of pushes that went well. */
  readonly wellHeaps: Heaps;
  readonly connections: number;
  readonly inFlight: number;
  readonly listeners: number;
  readonly leased: number;
  readonly before: Open;
  readonly after: Open;
  readonly devices: number;
}

type Heaps = readonly [warm: number, half: number, whole: number];

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
/** Bytes that each push may leave, as far as so many pushes can tell it from that: half of what a small object takes. */
const crumb = 50;

/** What each push of a half left. */
const left = ([warm, half, whole]: Heaps, pushes: number): readonly [number, number] => [
  (half - warm) / (pushes / 2),
  (whole - half) / (pushes / 2),
];

it(
  `${faulty} faulty pushes of one client, and ${well} good ones, leave nothing behind`,
  async () => {
    const child = fork(join(import.meta.dirname, "flat-child.ts"), [String(faulty), String(well)], {
      execArgv: ["--expose-gc"],
    });
    const exited = once(child, "exit");
    const [told] = (await Promise.race([
      once(child, "message"),
      exited.then(([code]) => Promise.reject(new Error(code === 3 ? "no push ended in 10 s" : `exit ${code}`))),
    ])) as [Told];
    expect(await exited).toEqual([0, null]);
    const { ended, heaps, wellHeaps, connections, devices, before, after } = told;
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
    const [first, second] = left(heaps, faulty);
    const [good, better] = left(wellHeaps, well);
    expect(Math.min(good, better), `${good} and ${better} bytes per push that went well`).toBeLessThan(crumb);
    if (isLong) expect(second, "bytes per faulty push").toBeLessThan(crumb);
    figure("flat", {
      "faulty pushes": sum(
        Object.entries(ended).flatMap(([fault, codes]) => (fault === "none" ? [] : Object.values(codes))),
      ),
      "handles and sockets left": countOf(after) - countOf(before),
      "heap bytes per faulty push in the first half": first,
      "heap bytes per faulty push in the second half": second,
      "good pushes": well,
      "heap bytes per good push in the second half": better,
    });
  },
  scale(120_000, 3_600_000),
);
