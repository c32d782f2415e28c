import { expect } from "vitest";
import type { PullFault } from "../../mocks/index.ts";
import type { Adapter } from "../adapters.ts";
import {
  type AdapterCell,
  old,
  pushed,
  type Rig,
  receiptOf,
  reply,
  rightBytes,
  summary,
  watchedClient,
} from "./adapter-cell.ts";
import { largeImage } from "./adapter-sends.ts";
import { lawOfCell, resendLaw } from "./laws.ts";
import { matrix, type Place } from "./matrix.ts";
import { aftermaths, type Mark } from "./trace.ts";

// What a fetch meets, on the device's own connection to us, and what its order is answered meanwhile: in its place the
// cell that it is.

interface Fetch {
  readonly place: Place;
  readonly name: string;
  readonly fault: PullFault;
  /** The first attempt's fault; none where the device goes on by itself. */
  readonly seen?: readonly [code: string, bytesOut: "none" | "some", next: "retry" | "read"];
}

const half = largeImage.length / 2;
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

async function play({ fault, seen }: Fetch, adapter: Adapter, { large, bytesOf }: Rig): Promise<void> {
  await using station = await adapter.start();
  station.faultFetch?.(fault);
  const trace: Mark[] = [];
  const stuck = fault.kind === "stop-reading";
  await using client = watchedClient(station, trace, {
    // A fetch is ended by its deadline alone, as long as the device holds its connection.
    timeouts: stuck ? { connect: 500, response: 500, minimumRate: 50_000_000 } : {},
    verification: { deadline: 20_000 },
  });
  const outcome = await pushed(client.push(station.device, large), station.device.id, large);
  const [first] = aftermaths(trace);
  const { code, bytesOut, next } = first?.fault ?? {};
  expect(first === undefined ? [] : [code, bytesOut, next]).toEqual(seen ?? []);
  // A device that is stuck takes no second order: what becomes of that one is no part of this cell.
  if (!stuck) expect(summary(outcome)).toBe("sent");
  if (next === "read") expect(first?.reads.length).toBeGreaterThan(0);
  resendLaw(trace, old);
  rightBytes(station, bytesOf.get(large));
}

/** What an order is answered while its fetch stands still, or once that has come to its end. */
interface Answer {
  readonly place: Place;
  readonly text: string;
  /** Bytes of the large image; all of the small one. */
  readonly at: number | "all";
  readonly seen: readonly [code: string, bytesOut: "some" | "all", next: "read" | "give-up"];
}

const among = [
  ["headers/0 %", 0],
  ["50 %", half],
  ["100 %, no response", "all"],
] as const;

const answered: readonly Answer[] = among.flatMap(([column, at]): readonly Answer[] => {
  const out = at === "all" ? "all" : "some";
  const away = "location: http://127.0.0.1:1/\r\n";
  const final: readonly Answer[] = [
    { place: `early 401/403/404/413/415 × ${column}`, at, text: reply(403), seen: ["refused", out, "give-up"] },
    {
      place: `408/429/503 × ${column}`,
      at,
      text: reply(503, "retry-after: 0\r\n"),
      seen: ["device_busy", out, "read"],
    },
    { place: `other 5xx × ${column}`, at, text: reply(502), seen: ["device_error", out, "read"] },
    { place: `3xx × ${column}`, at, text: reply(307, away), seen: ["redirected", out, "give-up"] },
  ];
  if (at === "all") return final;
  // These leave it to the fetch, which is not gone on with: behind all bytes they are an acknowledgement.
  return [
    ...final,
    { place: `early 2xx, body unfinished × ${column}`, at, text: reply(200), seen: lost },
    { place: `malformed / oversize / drip / 1xx flood × ${column}`, at, text: "SSH-2.0-x\r\n", seen: lost },
  ];
});

async function playAnswer(cell: Answer, adapter: Adapter, { small, large, bytesOf }: Rig): Promise<void> {
  const { place, text, at, seen } = cell;
  await using station = await adapter.start();
  const artifact = at === "all" ? small : large;
  // Behind the last byte the fetch gets the time to end in order.
  const steps = [...(at === "all" ? [{ waitMs: 50 }] : []), { write: text }];
  const fetched = at === "all" ? artifact.length : at;
  station.fault("send", { kind: "raw", steps, ending: "serve", fetched });
  const trace: Mark[] = [];
  await using client = watchedClient(station, trace, { verification: { deadline: 20_000 } });
  const outcome = await pushed(client.push(station.device, artifact), station.device.id, artifact);
  const all = aftermaths(trace);
  expect(all.map(({ fault }) => [fault.code, fault.bytesOut, fault.next])).toEqual([seen]);
  const law = matrix.get(place) ?? "";
  const wire = { dials: 0, heard: 0, arrived: station.arrived() };
  // Of a fetch the first bytes are out before the device can take any: there is no place without one out.
  const fitting = law === "F" ? "F*" : law;
  lawOfCell(fitting, { trace, outcome, receipt: receiptOf(outcome), wire });
  const final = seen[2] === "give-up";
  expect([summary(outcome), station.sends()]).toEqual(final ? [`failed ${seen[0]}`, 1] : ["sent", 2]);
  resendLaw(trace, old);
  rightBytes(station, bytesOf.get(artifact));
}

export const answersMeanwhile: readonly AdapterCell[] = answered.map((cell) => ({
  place: cell.place,
  name: `${cell.text.slice(0, 12).trim()} while it fetches, at ${cell.at}`,
  shows: ({ pulls }) => pulls === true,
  run: (adapter, rig) => playAnswer(cell, adapter, rig),
}));

export const fetches: readonly AdapterCell[] = table.map((fetch) => ({
  place: fetch.place,
  name: fetch.name,
  shows: ({ pulls }) => pulls === true,
  run: (adapter, rig) => play(fetch, adapter, rig),
}));
