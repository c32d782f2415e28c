import { expect } from "vitest";
import type { PullFault } from "../../mocks/index.ts";
import { createClient } from "../../src/index.ts";
import type { Adapter } from "../adapters.ts";
import { type AdapterCell, old, permit, pushed, type Rig, retry, summary } from "./adapter-cell.ts";
import { largeBytes } from "./adapter-sends.ts";
import { resendLaw } from "./laws.ts";
import type { Place } from "./matrix.ts";
import { aftermaths, type Mark, markOf } from "./trace.ts";

// What a fetch meets, on the device's own connection to us: in its place the cell that it is.

interface Fetch {
  readonly place: Place;
  readonly name: string;
  readonly fault: PullFault;
  /** The first attempt's fault; none where the device goes on by itself. */
  readonly seen?: readonly [code: string, bytesOut: "none" | "some", next: "retry" | "read"];
}

const half = largeBytes / 2;
const lost = ["connection_lost", "some", "read"] as const;
const late = ["deadline_exceeded", "some", "read"] as const;

const table: readonly Fetch[] = [
  {
    place: "refused / DNS / unreachable × connect",
    name: "it cannot reach us",
    fault: { kind: "never" },
    seen: ["not_fetched", "none", "retry"],
  },
  {
    place: "RST / FIN × headers/0 %",
    name: "it goes away at once",
    fault: { kind: "cut", at: 0, resume: false },
    seen: lost,
  },
  { place: "RST / FIN × 50 %", name: "it goes away", fault: { kind: "cut", at: half, resume: false }, seen: lost },
  { place: "RST / FIN × 50 %", name: "it comes back for the rest", fault: { kind: "cut", at: half, resume: true } },
  {
    place: "timeout / blackhole × headers/0 %",
    name: "it reads nothing",
    fault: { kind: "stop-reading", at: 0 },
    seen: late,
  },
  {
    place: "timeout / blackhole × 50 %",
    name: "it reads no more",
    fault: { kind: "stop-reading", at: half },
    seen: late,
  },
];

async function play({ fault, seen }: Fetch, adapter: Adapter, { large }: Rig): Promise<void> {
  await using station = await adapter.start();
  station.faultFetch?.(fault);
  const trace: Mark[] = [];
  const stuck = fault.kind === "stop-reading";
  await using client = createClient({
    ...station.client,
    ...permit,
    retry,
    // A fetch is ended by its deadline alone, as long as the device holds its connection.
    timeouts: stuck ? { connect: 500, response: 500, minimumRate: 50_000_000 } : {},
    verification: { deadline: 20_000 },
    onEvent: (event) => trace.push(...markOf(event)),
  });
  const outcome = await pushed(client.push(station.device, large), station.device.id, large);
  const [first] = aftermaths(trace);
  const { code, bytesOut, next } = first?.fault ?? {};
  expect(first === undefined ? [] : [code, bytesOut, next]).toEqual(seen ?? []);
  // A device that is stuck takes no second order: what becomes of that one is no part of this cell.
  if (!stuck) expect(summary(outcome)).toBe("sent");
  if (next === "read") expect(first?.reads.length).toBeGreaterThan(0);
  resendLaw(trace, old);
}

export const fetches: readonly AdapterCell[] = table.map((fetch) => ({
  place: fetch.place,
  name: fetch.name,
  shows: ({ pulls }) => pulls === true,
  run: (adapter, rig) => play(fetch, adapter, rig),
}));
