import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DeviceServer, makeFirmware, startDeviceServer } from "../../mocks/index.ts";
import { type Artifact, type ClientOptions, isFlashwaveError, openArtifact, type Receipt } from "../../src/index.ts";
import type { BareOutcome } from "../../src/push/record/record.ts";
import { asDevice, fastClient, settled } from "../kit.ts";
import { countDials, nameAt } from "./dials.ts";
import { startDeaf } from "./gate.ts";
import { invariants, lawOfCell } from "./laws.ts";
import { matrix, type Place } from "./matrix.ts";
import { sourceBytes, spoilMidway, spoils } from "./sources.ts";
import { aftermaths, type Mark, markOf } from "./trace.ts";
import { always, imageBytes, type Variant, variants } from "./variants.ts";
import { authority, certificate, onTheWay } from "./way.ts";

const version = "2.0.0";
/** Where a body is broken off it must be more than the kernels hold; everywhere else a small one shows the same. */
const large = makeFirmware({ version, length: imageBytes });
const small = makeFirmware({ version, length: 100_000 });
const breaksOff = (place: Place) => /× (headers|50)/.test(place);
const id = "pos-001";
const verification = { stableFor: 30, deadline: 1_500 };
const tight: ClientOptions = { timeouts: { connect: 700, response: 700, stall: 700 }, verification };
/** Where nothing but the device's own doing is to end a call, whatever else the machine is at. */
const ample: ClientOptions = { timeouts: { connect: 20_000, response: 20_000, stall: 20_000 }, verification };
/** Rows that our own limits end. */
const waits = (place: Place) => /^(timeout|malformed)/.test(place);

/** Every cell that has a test; held against the matrix at the end. */
const tested = new Set<Place>();

function cell(place: Place, name: string, run: (law: string) => Promise<void>, test: typeof it = it): void {
  const law = matrix.get(place);
  if (law === undefined) throw new Error(`the matrix knows no cell "${place}"`);
  tested.add(place);
  test(`${place}: ${name}: ${law}`, () => run(law));
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

const heardBy = ({ device }: DeviceServer) => device.requests.length;

/** Requests over connections that were broken as they were made; all of them, where none was ever good. */
function overBroken({ device }: DeviceServer, { script = [], sends }: Variant): number {
  const broken = script.reduce((sum, { on, times = 1 }) => sum + (on === "connect" ? times : 0), 0);
  return device.requests.filter(({ connection }) => sends === 0 || connection <= broken).length;
}

async function play(variant: Variant, place: Place, law: string, image: Buffer, artifact: Artifact): Promise<void> {
  const { script = [], client: options = {}, call = "update", host, named } = variant;
  await using server = await startDeviceServer({ id, script, ...variant.server });
  const dials = countDials(server.port);
  variant.before?.(server);
  const trace: Mark[] = [];
  let heardAtFirst = 0;
  await using client = fastClient({
    ...(waits(place) ? tight : ample),
    ...options,
    verification: { ...verification, ...options.verification },
    onEvent: (event) => {
      trace.push(...markOf(event));
      if (event.type === "sent") heardAtFirst = heardBy(server);
      variant.on?.(event, server);
    },
  });
  const name = named ? nameAt(server.port) : host;
  const url = name === undefined ? server.url : server.url.replace("127.0.0.1", name);
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
  const heard = place.endsWith("× verify") ? heardBy(server) - heardAtFirst : overBroken(server, variant);
  const ending = { trace, outcome, receipt, wire: { dials: dials.count, heard, arrived: counters.bytesReceived } };
  lawOfCell(law, ending);
  for (const holds of Object.values(invariants)) holds(ending, server.device, image, "1.0.0");
  // I8: when the fault is over, nothing of it stays in motion.
  expect(client.statistics()).toMatchObject({ inFlight: 0 });
}

const cells = [...onTheWay, ...variants];

describe.each([
  // These mostly wait, for a device that keeps still or for the next read: at the same time. The large ones are work.
  ["behind or before the bytes", small, it.concurrent],
  ["among the bytes", large, it],
] as const)("faults at the device and on the way to it, %s", (_, image, test) => {
  let artifact: Artifact;
  beforeAll(async () => {
    artifact = await openArtifact(image, { version, frozen: true });
  });
  afterAll(() => artifact[Symbol.asyncDispose]());

  for (const [place, all] of cells) {
    if (breaksOff(place) !== (image === large)) continue;
    for (const variant of all) {
      const name = `${variant.name}: ${variant.outcome}, ${variant.sends} sent`;
      cell(place, name, (law) => play(variant, place, law, image, artifact), test as typeof it);
    }
  }
});

describe.concurrent("faults that take more than one device", () => {
  let artifact: Artifact;
  beforeAll(async () => {
    artifact = await openArtifact(small, { version, frozen: true });
  });
  afterAll(() => artifact[Symbol.asyncDispose]());

  cell("timeout / blackhole × connect", "nobody accepts", async (law) => {
    await using deaf = await startDeaf();
    const dials = countDials(deaf.port);
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
    // Whoever does not accept hears nothing, by its nature.
    lawOfCell(law, { trace, outcome, receipt: undefined, wire: { dials: dials.count, heard: 0, arrived: 0 } });
  });

  cell("bad certificate / pin × verify", "another device's certificate answers the read", async (law) => {
    await using server = await startDeviceServer({ id, tls: certificate });
    await using impostor = await startDeviceServer({ id, tls: authority.issue(), version });
    const dials = countDials(impostor.port);
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
    expect(error).toMatchObject({ code: "pin_mismatch" });
    const base = { device: id, artifact: artifact.ref, attempts: 1, duration: 0 };
    if (!isFlashwaveError(error)) throw error;
    const wire = { dials: dials.count, heard: heardBy(impostor), arrived: impostor.device.counters.bytesReceived };
    lawOfCell(law, { trace, outcome: { status: "failed", ...base, error }, receipt, wire });
    await settled(() => client.statistics().inFlight, 0);
  });

  // What must not be taken for a fault.

  it("a certificate that was renewed with the same key is the pinned device's", async () => {
    await using server = await startDeviceServer({ id, tls: certificate });
    const renewed = authority.issue({ key: certificate.key });
    await using client = fastClient({
      ...ample,
      tls: { ca: authority.cert },
      onEvent: ({ type }) => type === "sent" && server.certify(renewed),
    });
    const device = { ...asDevice({ id, url: server.url }), pins: [certificate.pin] };
    expect(summary(await client.update(device, artifact))).toBe("updated");
  });

  it("a bootloader's version is polled past", async () => {
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
  const image = makeFirmware({ version, length: sourceBytes });

  for (const spoil of spoils) {
    const { place, name, when } = spoil;
    cell(place, name, async (law) => {
      const path = join(directory, `${name}.bin`);
      await writeFile(path, image);
      await using server = await startDeviceServer({ id });
      const dials = countDials(server.port);
      await using artifact = await openArtifact(path, { version, cacheBytes: 0 });
      if (when === "before") spoil.spoil(path);
      const trace: Mark[] = [];
      await using client = fastClient({ ...ample, onEvent: (event) => trace.push(...markOf(event)) });
      const { counters } = server.device;
      const over = new AbortController();
      const spoiling =
        when === "midway" ? spoilMidway(spoil, path, () => counters.bytesReceived, over.signal) : undefined;
      const outcome = await client.update(asDevice({ id, url: server.url }), artifact);
      over.abort();
      await spoiling;
      // No wrong byte left, and nothing was completed.
      await settled(() => client.statistics().inFlight, 0);
      expect(counters).toMatchObject({ completed: 0, updatesAtOnce: counters.requests.update });
      if (when === "before") expect(outcome).toMatchObject({ error: { bytesOut: "none" } });
      const wire = { dials: dials.count, heard: 0, arrived: counters.bytesReceived };
      const ending = { trace, outcome, receipt: undefined, wire };
      lawOfCell(law, ending);
      for (const holds of Object.values(invariants)) holds(ending, server.device, image, "1.0.0");
    });
  }
});

it("has a test for every cell that can happen", () => {
  expect([...matrix.keys()].filter((place) => !tested.has(place))).toEqual([]);
});
