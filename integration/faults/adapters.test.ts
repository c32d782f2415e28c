import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RawEnding, type RawStep, startDeviceServer } from "../../mocks/index.ts";
import {
  type Artifact,
  type ClientOptions,
  createClient,
  type DeviceOutcome,
  isFlashwaveError,
  openArtifact,
} from "../../src/index.ts";
import { type Adapter, adapters } from "../adapters.ts";
import { isLong } from "../long.ts";
import { resendLaw } from "./laws.ts";
import { matrix, type Place } from "./matrix.ts";
import { aftermaths, type Mark, markOf, verifying } from "./trace.ts";

const version = "2.0.0";
const largeBytes = 16_000_000;
const half = largeBytes / 2;
const reply = (status: number, lines = "") => `HTTP/1.1 ${status} Scripted\r\n${lines}content-length: 0\r\n\r\n`;
const away = "location: http://127.0.0.1:1/\r\n";
const soon = "retry-after: 0\r\n";

interface Spoilt {
  readonly place: Place;
  readonly text?: string;
  readonly at?: number;
  readonly ending?: RawEnding;
  /** Codes that the fault may have; of a device's own verdict, what it comes to. */
  readonly code: RegExp;
}

const lost = /^connection_lost$/;
const late = /^(stall_timeout|response_timeout|deadline_exceeded)$/;
const spoilt = (place: Place, code: RegExp, text = "", ending: RawEnding = "mute", at?: number): Spoilt => ({
  ...{ place, code, text, ending },
  ...(at !== undefined && { at }),
});
const places = [
  ["headers/0 %", 0],
  ["50 %", half],
  ["100 %, no response", undefined],
] as const;

/** One way for each cell that a device of any protocol can show on its own connection. */
const cells: readonly Spoilt[] = [
  ...places.flatMap(([column, at]) => {
    // Whoever answered the whole request serves the next one, too: what a held connection does is another cell.
    const answers = at === undefined ? "serve" : "mute";
    return [
      spoilt(`timeout / blackhole × ${column}`, late, "", at === undefined ? "mute" : "hold", at),
      spoilt(`RST / FIN × ${column}`, lost, "", "rst", at),
      spoilt(`RST / FIN × ${column}`, lost, "", "fin", at),
      spoilt(`early 401/403/404/413/415 × ${column}`, /^refused$/, reply(403), answers, at),
      spoilt(`408/429/503 × ${column}`, /^device_busy$/, reply(503, soon), answers, at),
      spoilt(`other 5xx × ${column}`, /^device_error$/, reply(502), answers, at),
      spoilt(`3xx × ${column}`, /^redirected$/, reply(307, away), answers, at),
      spoilt(`malformed / oversize / drip / 1xx flood × ${column}`, /^malformed_reply$/, "SSH-2.0-x\r\n", "mute", at),
      ...(at === undefined
        ? []
        : [spoilt(`early 2xx, body unfinished × ${column}`, /^early_reply$/, reply(200), "mute", at)]),
    ];
  }),
  spoilt("timeout / blackhole × during response", late, "HTTP/1.1 20"),
  spoilt("RST / FIN × during response", lost, "HTTP/1.1 20", "rst"),
  spoilt("RST / FIN × during response", lost, "HTTP/1.1 20", "fin"),
  spoilt(
    "malformed / oversize / drip / 1xx flood × during response",
    /^reply_too_large$/,
    `HTTP/1.1 200 OK\r\nx: ${"a".repeat(40_000)}`,
  ),
];

const retry = { attempts: 2, base: 1, cap: 1, busyBase: 1, quietPeriod: 10 };

describe("the fault matrix through every adapter", () => {
  let small: Artifact;
  let large: Artifact;
  beforeAll(async () => {
    small = await openArtifact(Buffer.alloc(100_000, 7), { version, frozen: true });
    large = await openArtifact(Buffer.alloc(largeBytes, 7), { version, frozen: true });
  });
  afterAll(() => Promise.all([small[Symbol.asyncDispose](), large[Symbol.asyncDispose]()]));

  /** What is wrong with how one cell ended; nothing when it is as its law has it. */
  async function judged(adapter: Adapter, cell: Spoilt): Promise<string | undefined> {
    const { place, text = "", ending = "mute", at, code } = cell;
    await using station = await adapter.start();
    const steps: readonly RawStep[] = text === "" ? [] : [{ write: text }];
    station.fault("send", { kind: "raw", steps, ending, ...(at !== undefined && { at }) });
    const trace: Mark[] = [];
    const limits: ClientOptions["timeouts"] = code === late ? { connect: 700, response: 700, stall: 700 } : {};
    await using client = createClient({
      ...station.client,
      addressPolicy: { permit: ["127.0.0.0/8"] },
      retry,
      timeouts: limits,
      verification: { deadline: 20_000 },
      onEvent: (event) => trace.push(...markOf(event)),
    });
    const end = await client.push(station.device, at === undefined ? small : large).then(
      () => "acknowledged",
      (error: unknown) => {
        if (isFlashwaveError(error)) return error.code;
        throw error;
      },
    );
    const law = matrix.get(place) ?? "";
    const [first, ...more] = aftermaths(trace);
    if (first === undefined) return `it was ${end} without a fault`;
    if (!code.test(first.fault.code)) return `a fault of ${first.fault.code}`;
    if (more.length > 0) return `another fault, ${more[0]?.fault.code}`;
    const { next, bytesOut } = first.fault;
    const reads = first.reads.length + first.unread;
    if (law.startsWith("F")) {
      const read = bytesOut === "none" ? 0 : 1;
      return code.test(end) && next === "give-up" && reads === read && station.sends() === 1
        ? undefined
        : `${end}, ${next}, ${reads} reads, ${station.sends()} sends`;
    }
    // V and D: read where bytes had left, sent again, and acknowledged then.
    if (end !== "acknowledged") return `${end} after ${first.fault.code}, ${next}`;
    if (bytesOut !== "none" && next !== "read") return `${next} with ${bytesOut} bytes out`;
    if (adapter.resumes) return undefined;
    resendLaw(trace, "1.0.0");
    return undefined;
  }

  const pushing = adapters.filter(({ pulls }) => !pulls);
  it.each(pushing)(
    "$name",
    async (adapter) => {
      const wrong: Record<string, string> = {};
      // What is large takes its time: the generic adapter has the cells before the last byte above, all have the contract suite.
      const chosen = cells.filter(({ at }) => isLong || at === undefined);
      for (const group of [chosen.filter(({ at }) => at === undefined), chosen.filter(({ at }) => at !== undefined)]) {
        await Promise.all(
          group.map(async (cell) => {
            const told = await judged(adapter, cell).catch((error: unknown) => `it threw ${String(error)}`);
            if (told !== undefined) wrong[`${cell.place}, ${cell.text?.slice(0, 20)}, ${cell.ending}`] = told;
          }),
        );
      }
      expect(wrong).toEqual({});
    },
    300_000,
  );

  it.each(adapters)("$name: nobody there: N, and nothing was sent", async (adapter) => {
    await using station = await adapter.start();
    const gone = await startDeviceServer();
    await gone.close();
    const device = { ...station.device, address: gone.url };
    const trace: Mark[] = [];
    await using client = createClient({
      ...station.client,
      addressPolicy: { permit: ["127.0.0.0/8"] },
      retry,
      onEvent: (event) => trace.push(...markOf(event)),
    });
    await expect(client.push(device, small)).rejects.toMatchObject({
      code: "connect_failed",
      bytesOut: "none",
    });
    expect(aftermaths(trace).map(({ fault, reads }) => [fault.next, reads])).toEqual([
      ["retry", []],
      ["give-up", []],
    ]);
  });

  const reads = [
    ["RST / FIN × verify", "", "rst"],
    ["408/429/503 × verify", reply(503), "serve"],
    ["other 5xx × verify", reply(502), "serve"],
    ["malformed / oversize / drip / 1xx flood × verify", "SSH-2.0-x\r\n", "fin"],
  ] as const satisfies readonly (readonly [Place, string, RawEnding])[];
  it.each(adapters)("$name: reads that fail once sent: R, and nothing is sent twice", async (adapter) => {
    const seen = await Promise.all(
      reads.map(async ([place, text, ending]) => {
        await using station = await adapter.start();
        const trace: Mark[] = [];
        await using client = createClient({
          ...station.client,
          addressPolicy: { permit: ["127.0.0.0/8"] },
          retry,
          verification: { deadline: 600, stableFor: 0 },
          onEvent: (event) => {
            trace.push(...markOf(event));
            if (event.type !== "sent") return;
            station.fault(
              "read",
              { kind: "raw", steps: text === "" ? [] : [{ write: text }], ending },
              Number.POSITIVE_INFINITY,
            );
          },
        });
        const outcome: DeviceOutcome = await client.update(station.device, small);
        const attempts = trace.filter(({ kind }) => kind === "attempt").length;
        const failed = verifying(trace).filter(({ kind }) => kind === "unread").length;
        const end = "error" in outcome ? `${outcome.status} ${outcome.error.code}` : outcome.status;
        return { place, end, attempts, read: failed > 0 };
      }),
    );
    expect(seen).toEqual(reads.map(([place]) => ({ place, end: "unknown unverified", attempts: 1, read: true })));
  });
});
