import { expect } from "vitest";
import { makeFirmware, type RawEnding, type RawStep } from "../../mocks/index.ts";
import type { Artifact, ClientOptions } from "../../src/index.ts";
import type { Adapter, Station } from "../adapters.ts";
import {
  type AdapterCell,
  old,
  pushed,
  type Rig,
  receiptOf,
  reply,
  rightBytes,
  summary,
  version,
  watchedClient,
} from "./adapter-cell.ts";
import { resendLaw } from "./laws.ts";
import { matrix, type Place } from "./matrix.ts";
import { type Aftermath, aftermaths, type Mark } from "./trace.ts";

// What a device of any protocol does on the connection over which it is sent to, or given its order.

/** No two of its blocks are alike, so that one out of place shows. */
export const largeImage: Buffer = makeFirmware({ version, length: 16_000_000 });
const half = largeImage.length / 2;
const away = "location: http://127.0.0.1:1/\r\n";
const soon = "retry-after: 0\r\n";

interface Spoilt {
  readonly name: string;
  readonly place: Place;
  readonly text: string;
  readonly at?: number;
  readonly ending: RawEnding;
  /** Codes that the fault may have; of a device's own verdict, what it comes to. */
  readonly code: RegExp;
  /** Milliseconds that it asks to be left alone for. */
  readonly delay?: number;
}

const lost = /^connection_lost$/;
const late = /^(stall_timeout|response_timeout|deadline_exceeded)$/;
const spoilt = (place: Place, code: RegExp, text = "", ending: RawEnding = "mute", at?: number): Spoilt => ({
  ...{ place, code, text, ending, name: `${text.slice(0, 12).trim()} ${ending}` },
  ...(at !== undefined && { at }),
});
const places = [
  ["headers/0 %", 0],
  ["50 %", half],
  ["100 %, no response", undefined],
] as const;

/** One way for each cell that a device of any protocol can show on its own connection. */
const table: readonly Spoilt[] = [
  ...places.flatMap(([column, at]) => {
    // Whoever answered the whole request serves the next one, too: what a held connection does is another cell.
    const answers = at === undefined ? "serve" : "mute";
    return [
      spoilt(`timeout / blackhole × ${column}`, late, "", at === undefined ? "mute" : "hold", at),
      spoilt(`RST / FIN × ${column}`, lost, "", "rst", at),
      spoilt(`RST / FIN × ${column}`, lost, "", "fin", at),
      spoilt(`early 401/403/404/413/415 × ${column}`, /^refused$/, reply(403), answers, at),
      { ...spoilt(`408/429/503 × ${column}`, /^device_busy$/, reply(503, soon), answers, at), delay: 0 },
      spoilt(`other 5xx × ${column}`, /^device_error$/, reply(502), answers, at),
      spoilt(`3xx × ${column}`, /^redirected$/, reply(307, away), answers, at),
      spoilt(`malformed / oversize / drip / 1xx flood × ${column}`, /^malformed_reply$/, "SSH-2.0-x\r\n", "mute", at),
      ...(at === undefined
        ? []
        : [spoilt(`early 2xx, body unfinished × ${column}`, /^early_reply$/, reply(200), "mute", at)]),
    ];
  }),
  {
    ...spoilt("408/429/503 × 100 %, no response", /^device_busy$/, reply(429, "retry-after: 1\r\n"), "serve"),
    ...{ delay: 1_000, name: "429, to be asked a second later" },
  },
  spoilt("timeout / blackhole × during response", late, "HTTP/1.1 20"),
  spoilt("RST / FIN × during response", lost, "HTTP/1.1 20", "rst"),
  spoilt("RST / FIN × during response", lost, "HTTP/1.1 20", "fin"),
  spoilt(
    "malformed / oversize / drip / 1xx flood × during response",
    /^reply_too_large$/,
    `HTTP/1.1 200 OK\r\nx: ${"a".repeat(40_000)}`,
  ),
];

/** A device that fetches is given up before its answer is; its URL is void then, so that nothing was sent. */
const unfetched = /^(not_fetched|stall_timeout|response_timeout|deadline_exceeded)$/;

/** What the client says to have let out, held against what the device has got. */
function outLaw({ bytesOut }: Aftermath["fault"], arrived: number, artifact: Artifact, { at }: Spoilt, pulls = false) {
  if (pulls) expect([bytesOut, arrived], "of what was not fetched").toEqual(["none", 0]);
  // It answered, or fell silent, when it had the last byte.
  else if (at === undefined) expect([bytesOut, arrived], "of all bytes").toEqual(["all", artifact.length]);
  else if (arrived > 0) expect(bytesOut, `when ${arrived} bytes had come`).not.toBe("none");
}

async function play(cell: Spoilt, adapter: Adapter, { small, large, bytesOf }: Rig): Promise<void> {
  const { place, text, ending, at, code } = cell;
  await using station = await adapter.start();
  const steps: readonly RawStep[] = text === "" ? [] : [{ write: text }];
  station.fault("send", { kind: "raw", steps, ending, ...(at !== undefined && { at }) });
  const trace: Mark[] = [];
  let arrived = 0;
  const limits: ClientOptions["timeouts"] = code === late ? { connect: 700, response: 700, stall: 700 } : {};
  await using client = watchedClient(station, trace, {
    timeouts: limits,
    verification: { deadline: 20_000 },
    onEvent(event) {
      if (event.type === "attempt-failed") arrived = station.arrived();
    },
  });
  const artifact = at === undefined ? small : large;
  const outcome = await pushed(client.push(station.device, artifact), station.device.id, artifact);
  const [first, ...more] = aftermaths(trace);
  if (first === undefined) throw new Error(`${summary(outcome)}, without a fault`);
  const { next, bytesOut } = first.fault;
  expect(first.fault.code).toMatch(adapter.pulls && code === late ? unfetched : code);
  expect(more).toEqual([]);
  outLaw(first.fault, arrived, artifact, cell, adapter.pulls);
  rightBytes(station, bytesOf.get(artifact));
  if (matrix.get(place)?.startsWith("F")) {
    const [status, ended = ""] = summary(outcome).split(" ");
    expect(status).toBe("failed");
    expect(ended).toMatch(code);
    const reads = first.reads.length + first.unread;
    expect({ next, reads, sends: station.sends() }).toEqual({
      ...{ next: "give-up", reads: bytesOut === "none" ? 0 : 1, sends: 1 },
    });
    return;
  }
  // V and D: read where bytes had left, sent again, and acknowledged then.
  expect([summary(outcome), station.sends()]).toEqual(["sent", 2]);
  expect(receiptOf(outcome)?.early, "early").toBe(first.fault.code === "early_reply");
  if (cell.delay !== undefined) expect(first.fault.delay).toBe(cell.delay);
  if (bytesOut !== "none") expect(next).toBe("read");
  resendLaw(trace, old, station.questions?.());
}

/** How a device is known to have it all where its answer was lost. */
const known = (adapter: Adapter, station: Station) =>
  // A fetch is its own acknowledgement; an offset is one, too.
  adapter.pulls ? "verdict" : station.questions?.() === 1 ? "reply" : "readback";

/** The worst that a blind repetition could meet: it is about to restart into the image when it is sent to again. */
async function playInstalled(adapter: Adapter, { small, bytesOf }: Rig): Promise<void> {
  await using station = await adapter.start();
  station.fault("send", { kind: "cut", at: "installed" });
  const trace: Mark[] = [];
  await using client = watchedClient(station, trace, { verification: { deadline: 20_000, stableFor: 0 } });
  const outcome = await client.update(station.device, small);
  expect([summary(outcome), station.sends(), station.running()]).toEqual(["updated", 1, version]);
  rightBytes(station, bytesOf.get(small));
  expect(receiptOf(outcome)?.acknowledgedBy).toBe(known(adapter, station));
  const faults = aftermaths(trace).map(({ fault }) => [fault.code, fault.bytesOut, fault.next]);
  expect(faults).toEqual(adapter.pulls ? [] : [["connection_lost", "all", "read"]]);
}

const installed: AdapterCell = {
  place: "RST / FIN × 100 %, no response",
  name: "it installs, and its answer is lost",
  run: playInstalled,
};

const cellOf = (cell: Spoilt): AdapterCell => ({
  place: cell.place,
  name: cell.name,
  // What fetches is given its order in one piece; the bytes go another way.
  ...(cell.at !== undefined && { shows: ({ pulls }: Adapter) => pulls !== true }),
  run: (adapter, rig) => play(cell, adapter, rig),
});

export const sendsToTheEnd: readonly AdapterCell[] = [
  ...table.filter(({ at }) => at === undefined).map(cellOf),
  installed,
];
export const sendsBrokenOff: readonly AdapterCell[] = table.filter(({ at }) => at !== undefined).map(cellOf);
