import { once } from "node:events";
import { appendFile, mkdtemp, open, rm, truncate, writeFile } from "node:fs/promises";
import { connect as dial, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeFirmware, startDeviceServer } from "../../mocks/index.ts";
import { type Artifact, type ClientOptions, isFlashwaveError, openArtifact, type Receipt } from "../../src/index.ts";
import type { BareOutcome } from "../../src/push/record/record.ts";
import { asDevice, fastClient, settled } from "../kit.ts";
import { invariants, lawOfCell } from "./laws.ts";
import { matrix, type Place } from "./matrix.ts";
import { aftermaths, type Mark, markOf } from "./trace.ts";
import { always, imageBytes, type Variant, variants } from "./variants.ts";
import { authority, certificate, onTheWay } from "./way.ts";

const version = "2.0.0";
const image = makeFirmware({ version, length: imageBytes });
const id = "pos-001";
const verification = { stableFor: 30, deadline: 1_500 };
const tight: ClientOptions = { timeouts: { connect: 700, response: 700, stall: 700 }, verification };
/** Where nothing but the device's own doing is to end a call, whatever else the machine is at. */
const ample: ClientOptions = { timeouts: { connect: 20_000, response: 20_000, stall: 20_000 }, verification };
/** Rows that our own limits end. */
const waits = (place: Place) => /^(timeout|malformed)/.test(place);

/** Every cell that has a test; held against the matrix at the end. */
const tested = new Set<Place>();

function cell(place: Place, name: string, run: (law: string) => Promise<void>): void {
  const law = matrix.get(place);
  if (law === undefined) throw new Error(`the matrix knows no cell "${place}"`);
  tested.add(place);
  it(`${place}: ${name}: ${law}`, () => run(law));
}

/** A push as an outcome: what it threw is what it failed with. */
async function pushed(call: Promise<Receipt>, artifact: Artifact): Promise<BareOutcome> {
  const base = { device: id, artifact: artifact.ref, attempts: 0, duration: 0 };
  try {
    return { status: "sent", ...base, receipt: await call };
  } catch (error) {
    if (!isFlashwaveError(error)) throw error;
    return { status: error.code === "outcome_unknown" ? "unknown" : "failed", ...base, error };
  }
}

const summary = (outcome: BareOutcome) =>
  "error" in outcome ? `${outcome.status} ${outcome.error.code}` : outcome.status;

async function play(variant: Variant, place: Place, law: string, artifact: Artifact): Promise<void> {
  const { script = [], client: options = {}, call = "update" } = variant;
  await using server = await startDeviceServer({ id, script, ...variant.server });
  variant.before?.(server);
  const trace: Mark[] = [];
  await using client = fastClient({
    ...(waits(place) ? tight : ample),
    ...options,
    verification: { ...verification, ...options.verification },
    onEvent: (event) => {
      trace.push(...markOf(event));
      variant.on?.(event, server);
    },
  });
  const { host } = variant;
  const url = host === undefined ? server.url : server.url.replace("127.0.0.1", host);
  const device = { ...asDevice({ id, url }), ...variant.device };
  const outcome = await (call === "push"
    ? pushed(client.push(device, artifact), artifact)
    : client.update(device, artifact));
  const receipt = "receipt" in outcome ? outcome.receipt : undefined;
  const { counters } = server.device;
  expect({ outcome: summary(outcome), sends: counters.requests.update }).toEqual({
    outcome: variant.outcome,
    sends: variant.sends,
  });
  // A fault that never came would leave a cell that proves nothing.
  const due = script.every(({ times }) => times !== always);
  if (due) expect(server.device.faults.pending, "a scripted fault is still to come").toBe(false);
  if (variant.by !== undefined) expect(receipt).toMatchObject({ acknowledgedBy: variant.by });
  if ("error" in outcome) {
    expect(outcome.error).toMatchObject({ device: id, message: expect.stringMatching(/[.]$/) });
  }
  if (variant.delay !== undefined) {
    const [{ fault } = { fault: undefined }, ...others] = aftermaths(trace);
    expect(others).toEqual([]);
    // At least what was asked for, and some jitter.
    expect(fault?.delay).toBeGreaterThanOrEqual(variant.delay);
    expect(fault?.delay).toBeLessThanOrEqual(variant.delay + 5);
  }
  const ending = { trace, outcome, receipt, device: server.device };
  lawOfCell(law, ending);
  for (const holds of Object.values(invariants)) holds(ending, image, "1.0.0");
  // I8: when the fault is over, nothing of it stays in motion.
  expect(client.statistics()).toMatchObject({ inFlight: 0 });
}

describe("faults at the device and on the way to it", () => {
  let artifact: Artifact;
  beforeAll(async () => {
    artifact = await openArtifact(image, { version, frozen: true });
  });
  afterAll(() => artifact[Symbol.asyncDispose]());

  for (const [place, all] of [...onTheWay, ...variants]) {
    for (const variant of all) {
      cell(place, `${variant.name}: ${variant.outcome}, ${variant.sends} sent`, (law) =>
        play(variant, place, law, artifact),
      );
    }
  }

  cell("timeout / blackhole × connect", "nobody accepts", async (law) => {
    await using deaf = await startDeaf();
    const trace: Mark[] = [];
    await using client = fastClient({
      ...tight,
      timeouts: { connect: 300 },
      onEvent: (event) => trace.push(...markOf(event)),
    });
    const outcome = await pushed(client.push(asDevice({ id, url: deaf.url }), artifact), artifact);
    expect(outcome).toMatchObject({
      status: "failed",
      error: { code: "connect_timeout", bytesOut: "none", attempt: 3 },
    });
    expect(aftermaths(trace)).toHaveLength(3);
    const server = await startDeviceServer({ id });
    await server.close();
    lawOfCell(law, { trace, outcome, receipt: undefined, device: server.device });
  });

  cell("bad certificate / pin × verify", "another certificate answers the read", async (law) => {
    await using server = await startDeviceServer({ id, tls: certificate });
    await using impostor = await startDeviceServer({ id, tls: authority.issue(), version });
    const trace: Mark[] = [];
    await using client = fastClient({
      ...ample,
      tls: { ca: authority.cert },
      onEvent: (event) => trace.push(...markOf(event)),
    });
    const device = { ...asDevice({ id, url: server.url }), pins: [certificate.pin] };
    const receipt = await client.push(device, artifact);
    const error = await client.verify({ ...device, address: impostor.url }, artifact, { since: receipt }).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    // The alert is the error itself: it is final, says what did not match, and nothing was asked of the impostor.
    expect(error).toMatchObject({ code: "pin_mismatch", retryable: false });
    expect(impostor.device.counters.requests.version).toBe(0);
    const base = { device: id, artifact: artifact.ref, attempts: 1, duration: 0 };
    if (!isFlashwaveError(error)) throw error;
    lawOfCell(law, { trace, outcome: { status: "failed", ...base, error }, receipt, device: server.device });
    await settled(() => client.statistics().inFlight, 0);
  });

  cell("reports another device or version, stably × verify", "a bootloader's version is polled past", async () => {
    await using server = await startDeviceServer({ id });
    server.script({
      on: "version",
      skip: 1,
      times: 2,
      fault: { kind: "report", members: { version: "bootloader-7" } },
    });
    await using client = fastClient({ verification: { stableFor: 1_500, deadline: 10_000 } });
    expect(summary(await client.update(asDevice({ id, url: server.url }), artifact))).toBe("updated");
  });
});

describe("faults of our own", () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "flashwave-matrix-"));
  });
  afterAll(() => rm(directory, { recursive: true }));

  const spoils: readonly (readonly [string, "headers/0 %" | "50 %", (path: string) => Promise<void>])[] = [
    ["the first byte changed", "headers/0 %", (path) => overwrite(path, 0)],
    ["a byte in the middle changed", "50 %", (path) => overwrite(path, imageBytes / 2)],
    ["the file was cut to nothing", "headers/0 %", (path) => truncate(path, 0)],
    ["the file was cut in half", "50 %", (path) => truncate(path, imageBytes / 2)],
    ["the file grew", "headers/0 %", (path) => appendFile(path, "x")],
    ["the file is gone", "headers/0 %", (path) => rm(path)],
  ];
  for (const [name, column, spoil] of spoils) {
    cell(`local read error / digest mismatch × ${column}`, name, async (law) => {
      const path = join(directory, `${name}.bin`);
      await writeFile(path, image);
      await using server = await startDeviceServer({ id });
      await using artifact = await openArtifact(path, { version, cacheBytes: 0 });
      await spoil(path);
      const trace: Mark[] = [];
      await using client = fastClient({ ...ample, onEvent: (event) => trace.push(...markOf(event)) });
      const outcome = await client.update(asDevice({ id, url: server.url }), artifact);
      expect(outcome).toMatchObject({
        status: "failed",
        error: { code: expect.stringMatching(/^artifact_(changed|unreadable)$/) },
      });
      // No wrong byte left, and none of a first block that could not be checked.
      await settled(() => client.statistics().inFlight, 0);
      const { counters } = server.device;
      expect(counters).toMatchObject({ completed: 0, updatesAtOnce: counters.requests.update });
      if (column === "headers/0 %") expect(counters.bytesReceived).toBe(0);
      const ending = { trace, outcome, receipt: undefined, device: server.device };
      lawOfCell(law, ending);
      for (const holds of Object.values(invariants)) holds(ending, image, "1.0.0");
    });
  }
});

it("has a test for every cell that can happen", () => {
  expect([...matrix.keys()].filter((place) => !tested.has(place))).toEqual([]);
});

async function overwrite(path: string, at: number): Promise<void> {
  await using file = await open(path, "r+");
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, at);
  await file.write(Buffer.from([(buffer[0] ?? 0) ^ 1]), 0, 1, at);
}

/** A listener whose queue is full and whose owner does not accept: the kernel drops what comes then. */
async function startDeaf(): Promise<AsyncDisposable & { readonly url: string }> {
  const worker = new Worker(
    `const { parentPort } = require("node:worker_threads");
     const server = require("node:net").createServer().listen({ host: "127.0.0.1", port: 0, backlog: 1 }, () => {
       parentPort.postMessage(server.address().port);
       Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
     });`,
    { eval: true },
  );
  const [port] = (await once(worker, "message")) as [number];
  const fillers: Socket[] = Array.from({ length: 4 }, () => dial(port, "127.0.0.1").on("error", () => {}));
  // Two are taken in by the kernel; once they are, the rest and all who come later are left without an answer.
  await settled(() => fillers.filter(({ connecting }) => !connecting).length >= 2, true);
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      for (const filler of fillers) filler.destroy();
      await worker.terminate();
    },
  };
}
