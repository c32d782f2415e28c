import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type PullFault, type RawEnding, type RawStep, startDeviceServer } from "../../mocks/index.ts";
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

/** A device that fetches is given up before its answer is; its URL is void then, so that nothing was sent. */
const unfetched = /^(not_fetched|stall_timeout|response_timeout|deadline_exceeded)$/;

/** What a fetch meets, on the device's own connection to us: in its place the cell that it is. */
interface Fetch {
  readonly place: Place;
  readonly name: string;
  readonly fault: PullFault;
  /** The first attempt's fault; none where the device goes on by itself. */
  readonly seen?: readonly [code: string, bytesOut: "none" | "some", next: "retry" | "read"];
}

const fetches: readonly Fetch[] = [
  {
    place: "refused / DNS / unreachable × connect",
    name: "it cannot reach us",
    fault: { kind: "never" },
    seen: ["not_fetched", "none", "retry"],
  },
  {
    place: "RST / FIN × 50 %",
    name: "it goes away",
    fault: { kind: "cut", at: half, resume: false },
    seen: ["connection_lost", "some", "read"],
  },
  { place: "RST / FIN × 50 %", name: "it comes back for the rest", fault: { kind: "cut", at: half, resume: true } },
  {
    place: "timeout / blackhole × 50 %",
    name: "it reads no more",
    fault: { kind: "stop-reading", at: half },
    seen: ["deadline_exceeded", "some", "read"],
  },
];

const atTheEnd = cells.filter(({ at }) => at === undefined);
const beforeTheEnd = cells.filter(({ at }) => at !== undefined);
/**
 * The cells before the last byte that an adapter is tried on. In `npm test` each cell is one of some adapters', and the
 * generic one has all of them in the matrix; in the long run each is every adapter's.
 */
const shareOf = (adapter: number): Spoilt[] => beforeTheEnd.filter((_, at) => isLong || (at + adapter) % 4 === 0);

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
    if (!(adapter.pulls && code === late ? unfetched : code).test(first.fault.code))
      return `a fault of ${first.fault.code}`;
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
    if (adapter.pulls && bytesOut !== "none") return `${bytesOut} bytes out, though nothing was fetched`;
    if (adapter.resumes) return undefined;
    resendLaw(trace, "1.0.0");
    return undefined;
  }

  it.each(adapters)(
    "$name",
    async (adapter) => {
      const wrong: Record<string, string> = {};
      const judge = async (cell: Spoilt) => {
        const told = await judged(adapter, cell).catch((error: unknown) => `it threw ${String(error)}`);
        if (told !== undefined) wrong[`${cell.place}, ${cell.text?.slice(0, 20)}, ${cell.ending}`] = told;
      };
      await Promise.all(atTheEnd.map(judge));
      // What is large takes its time, and a share of the machine that others wait for: few at once.
      const early = adapter.pulls ? [] : shareOf(adapters.indexOf(adapter));
      await Promise.all(
        [1, 2, 3].map(async () => {
          for (let cell = early.shift(); cell !== undefined; cell = early.shift()) await judge(cell);
        }),
      );
      expect(wrong).toEqual({});
    },
    300_000,
  );

  it.each(adapters.filter(({ pulls }) => pulls))("$name: what it fetches", { timeout: 60_000 }, async (adapter) => {
    const told = await Promise.all(
      fetches.map(async ({ place, name, fault, seen }) => {
        await using station = await adapter.start();
        station.faultFetch?.(fault);
        const trace: Mark[] = [];
        await using client = createClient({
          ...station.client,
          addressPolicy: { permit: ["127.0.0.0/8"] },
          retry,
          // A fetch is ended by its deadline alone, as long as the device holds its connection.
          timeouts: fault.kind === "stop-reading" ? { connect: 500, response: 500, minimumRate: 50_000_000 } : {},
          verification: { deadline: 20_000 },
          onEvent: (event) => trace.push(...markOf(event)),
        });
        const push = client.push(station.device, large).then(
          () => "acknowledged",
          (error: unknown) => String(error),
        );
        // A device that is stuck takes no second order: what becomes of that one is no part of this cell.
        const end = fault.kind === "stop-reading" ? "acknowledged" : await push;
        await push;
        const [first] = aftermaths(trace);
        if (seen === undefined && first !== undefined) return `${place}, ${name}: a fault of ${first.fault.code}`;
        const { code, bytesOut, next } = first?.fault ?? {};
        if (JSON.stringify(seen ?? []) !== JSON.stringify(first === undefined ? [] : [code, bytesOut, next]))
          return `${place}, ${name}: ${code}, ${bytesOut}, ${next}`;
        if (end !== "acknowledged") return `${place}, ${name}: ${end}`;
        if (next === "read" && (first?.reads.length ?? 0) === 0) return `${place}, ${name}: it was not read`;
        resendLaw(trace, "1.0.0");
        return undefined;
      }),
    );
    expect(told.filter((wrong) => wrong !== undefined)).toEqual([]);
  });

  it.each(adapters.filter(({ pulls }) => pulls))(
    "$name: what it fetched and found to be damaged is not updated",
    async (adapter) => {
      await using station = await adapter.start();
      station.faultFetch?.({ kind: "corrupt" });
      const client = { ...station.client, addressPolicy: { permit: ["127.0.0.0/8"] }, retry };
      await using own = createClient({ ...client, verification: { deadline: 500, stableFor: 0 } });
      // By the device's own verdict where it has one, else by what it runs.
      expect(await own.update(station.device, small)).toMatchObject({
        status: "failed",
        error: { code: expect.stringMatching(/^(not_updated|device_error)$/) },
      });
      expect(station.running()).toBe("1.0.0");
    },
  );

  describe.each([
    ["nobody listens", (url: string) => url, "ECONNREFUSED"],
    ["there is no way", (url: string) => url.replace("127.0.0.1", "127.255.255.255"), "ENETUNREACH"],
    ["its name leads nowhere", (url: string) => url.replace("127.0.0.1", "pos-001.test"), "ENOTFOUND"],
  ] as const)("where %s", (_, addressOf, why) => {
    const lookup: NonNullable<ClientOptions["lookup"]> = (name, __, callback) =>
      callback(Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: "ENOTFOUND" }), []);

    it.each(adapters)("$name: N, and nothing was sent", async (adapter) => {
      await using station = await adapter.start();
      const gone = await startDeviceServer();
      await gone.close();
      const device = { ...station.device, address: addressOf(gone.url) };
      const trace: Mark[] = [];
      await using client = createClient({
        ...station.client,
        addressPolicy: { permit: ["127.0.0.0/8"] },
        lookup,
        retry,
        onEvent: (event) => trace.push(...markOf(event)),
      });
      await expect(client.push(device, small)).rejects.toMatchObject({
        ...{ code: "connect_failed", bytesOut: "none" },
        message: expect.stringContaining(why),
      });
      expect(aftermaths(trace).map(({ fault, reads }) => [fault.next, reads])).toEqual([
        ["retry", []],
        ["give-up", []],
      ]);
    });
  });

  /** R goes on to the deadline; F ends at the first read, of which no event is told: the error is. */
  const reads = [
    ["timeout / blackhole × verify", "", "mute", "unknown unverified"],
    ["RST / FIN × verify", "", "rst", "unknown unverified"],
    ["408/429/503 × verify", reply(503), "serve", "unknown unverified"],
    ["other 5xx × verify", reply(502), "serve", "unknown unverified"],
    ["malformed / oversize / drip / 1xx flood × verify", "SSH-2.0-x\r\n", "fin", "unknown unverified"],
    ["early 401/403/404/413/415 × verify", reply(403), "serve", "failed refused"],
    ["3xx × verify", reply(307, away), "serve", "failed redirected"],
  ] as const satisfies readonly (readonly [Place, string, RawEnding, string])[];
  it.each(adapters)("$name: reads that fail once sent: R or F, and nothing is sent twice", async (adapter) => {
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
    const goesOn = (place: Place) => matrix.get(place)?.startsWith("R") === true;
    expect(seen).toEqual(reads.map(([place, , , end]) => ({ place, end, attempts: 1, read: goesOn(place) })));
  });
});
