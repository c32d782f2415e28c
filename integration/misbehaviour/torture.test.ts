import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Behaviour, earlyBehaviours, lateBehaviours } from "../../mocks/index.ts";
import { createBufferPool } from "../../src/bytes/index.ts";
import { type Artifact, openArtifact } from "../../src/index.ts";
import { type Adapter, adapters } from "../adapters.ts";
import { openDescriptors, settled } from "../kit.ts";
import { figure, isLong, scale, seededRandom } from "../long.ts";
import { expectedOf, fits } from "./codes.ts";
import { meet } from "./meet.ts";

const version = "2.0.0";
const [generic, ...others] = adapters as [Adapter, ...Adapter[]];
/** More than the kernel's buffers on loopback hide, so that half of it is truly half. */
const largeBytes = 16_000_000;
const early = earlyBehaviours(largeBytes / 2);
/** Ten times what the most patient of our limits allows. */
const watchdogMs = 200_000;

const pool = createBufferPool({ capacity: 64 });
let directory: string;
let small: Artifact;
let large: Artifact;
/** Before anybody was spoken to. */
let before: object;
/** One-shot streams, spooled and sent through the pool: memory and files that a fault could keep. */
async function spooled(bytes: number): Promise<Artifact> {
  async function* source() {
    yield Buffer.alloc(bytes, 7);
  }
  return openArtifact(source(), { version, pool, cacheBytes: 0, spool: { directory } });
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "flashwave-torture-"));
  [small, large] = [await spooled(100_000), await spooled(largeBytes)];
  before = openNow();
});
afterAll(async () => {
  await Promise.all([small[Symbol.asyncDispose](), large[Symbol.asyncDispose]()]);
  expect(await readdir(directory)).toEqual([]);
  await rm(directory, { recursive: true });
});

/** What could be left open: sockets, listeners and files, as the system and as Node count them, and borrowed memory. */
function openNow(): object {
  const kinds = process.getActiveResourcesInfo().filter((kind) => /TCP|TLS|GetAddrInfo/.test(kind));
  const { sockets, files } = openDescriptors();
  return {
    sockets,
    files: files.filter((path) => path.startsWith(directory)),
    kinds,
    leased: pool.statistics().leased,
  };
}

/** Whether nothing but one of our limits would end it. */
const waits = (expected: string) => expected.includes("late");

type Moment = "send" | "read";
interface Trial {
  readonly adapter: Adapter;
  readonly on: Moment;
  readonly behaviour: Behaviour;
}

/** How it ended, where that is not as it should be; nothing otherwise. */
async function judged({ adapter, on, behaviour }: Trial, times: number[]): Promise<string | undefined> {
  const usual = expectedOf(behaviour.name, on);
  const own = adapter.expected?.(usual) ?? usual;
  // It goes on from where the device got to, which does not count as another attempt.
  const resumed = adapter.resumes && behaviour.at !== undefined;
  // A device that is to fetch may have been given up before its answer was.
  const given = adapter.pulls && on === "send" ? `${own}|not_fetched` : own;
  const silent = behaviour.ending === "mute" && behaviour.at === undefined;
  const whole = /acknowledged|device_error|9\.9\.9|unreadable_state/.test(own);
  // What was answered whole keeps its connection, on which the next question then hears nothing.
  const unheard = silent && whole && adapter.asksAgain === on;
  const expected = `${given}${resumed ? "|acknowledged" : ""}${unheard ? "|response_timeout" : ""}`;
  const bytes = behaviour.at === undefined ? small : large;
  const watchdog = Promise.withResolvers<never>();
  const timer = setTimeout(() => watchdog.reject(new Error("it never settled")), watchdogMs);
  try {
    // Whoever says no more after an answer is waited for by the next read.
    const patience = waits(expected) || silent ? "tight" : "ample";
    const { code, afterwards, took } = await Promise.race([
      meet(adapter, on, behaviour, bytes, patience),
      watchdog.promise,
    ]);
    times.push(took);
    if (!fits(code, expected)) return `${code}, not ${expected}`;
    const runs = resumed && code === "acknowledged" ? version : "1.0.0";
    return afterwards === runs || late.has(behaviour.name) ? undefined : `read as ${afterwards} afterwards`;
  } finally {
    clearTimeout(timer);
  }
}

/** Nobody can tell it from the answer to the next request; see "an answer too many proves nothing". */
const late = new Set(["an answer too many, a little later"]);

async function torture(trials: readonly Trial[], atOnce: number): Promise<void> {
  const queue = [...trials];
  const wrong: Record<string, string> = {};
  const times: number[] = [];
  const work = async () => {
    for (let trial = queue.shift(); trial !== undefined; trial = queue.shift()) {
      const name = `${trial.adapter.name}, ${trial.on}: ${trial.behaviour.name}`;
      const told = await judged(trial, times).catch((error: unknown) => `it threw ${String(error)}`);
      if (told !== undefined) wrong[name] = told;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  expect(wrong).toEqual({});
  await settled(openNow, before);
  figure("misbehaviour", {
    "behaviours met": trials.length,
    "milliseconds until they had settled": Math.round(times.reduce((a, b) => a + b, 0)),
    "longest of them, in milliseconds": Math.round(Math.max(0, ...times)),
  });
}

const trialsOf = (adapter: Adapter, on: Moment, behaviours: readonly Behaviour[]) =>
  behaviours.map((behaviour): Trial => ({ adapter, on, behaviour }));

describe("devices that misbehave", () => {
  it("is tried on more than 120 behaviours, each by a name of its own", () => {
    const names = [...lateBehaviours, ...early].map(({ name }) => name);
    expect(names.length).toBeGreaterThan(250);
    expect(new Set(names).size).toBe(names.length);
  });

  it(
    "every behaviour, in the answer to a send by the generic adapter",
    () => torture(trialsOf(generic, "send", lateBehaviours), 16),
    watchdogMs,
  );
  it(
    "every behaviour, in the answer to a read by the generic adapter",
    () => torture(trialsOf(generic, "read", lateBehaviours), 16),
    watchdogMs,
  );
  it(
    "every behaviour that comes before the body has left",
    () => torture(trialsOf(generic, "send", early), 4),
    watchdogMs,
  );

  const chosen = (adapter: Adapter, on: Moment, all: readonly Behaviour[], ci: number) => {
    const random = seededRandom(`${adapter.name} ${on} ${all.length}`);
    const order = all.map((behaviour) => ({ behaviour, at: random() })).sort((a, b) => a.at - b.at);
    return trialsOf(
      adapter,
      on,
      order.slice(0, scale(ci, all.length)).map(({ behaviour }) => behaviour),
    );
  };
  it.each(others)(
    `${isLong ? "every behaviour" : "a seeded part of them"}, through $name`,
    async (adapter) => {
      await torture(
        [...chosen(adapter, "send", lateBehaviours, 24), ...chosen(adapter, "read", lateBehaviours, 8)],
        16,
      );
      if (!adapter.pulls) await torture(chosen(adapter, "send", early, 2), 4);
    },
    10 * watchdogMs,
  );
});
