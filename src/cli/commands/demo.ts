import { openArtifact } from "../../bytes/index.ts";
import type { Artifact, ClientEvent, DeviceOutcome } from "../../core/index.ts";
import type { Client, ClientOptions } from "../../push/index.ts";
import { Faults, type Finding } from "../demo/findings.ts";
import { cast } from "../demo/plan.ts";
import { readRecord } from "../demo/recorded.ts";
import { type Stage, setStage } from "../demo/stage.ts";
import { asPlanned, summaryOf } from "../demo/summary.ts";
import { askDevices } from "../demo/witness.ts";
import { exitCodes } from "../exit-codes.ts";
import type { Io } from "../job.ts";
import { createView, type View } from "../progress/view.ts";
import { unknownLine } from "../report.ts";
import { lineOf } from "../results.ts";
import { counted, formatBytes } from "../text.ts";
import { adaptersOf, openClient, registryOf } from "../wire.ts";

const concurrency = 8;

/** Patience in the measure of simulated devices, which restart in 100 ms; real ones want the defaults. */
const hasty: ClientOptions = {
  addressPolicy: { permit: ["127.0.0.0/8"] },
  timeouts: { connect: 5_000, stall: 10_000, response: 10_000 },
  retry: { base: 100, cap: 500, busyBase: 200, quietPeriod: 200 },
  verification: { deadline: 6_000, stableFor: 300 },
};

/** Everything that a simulated device tells of itself. */
const spoken = {
  inspect: {
    also: { digest: "/digest", deviceId: "/id", bootId: "/bootId", slot: "/slot", uptime: "/uptime" },
  },
};

/** Updates a simulated fleet on this machine and says what was proven. @returns 0 when all went as planned */
export async function demo(io: Io): Promise<number> {
  const { stdout, stderr, signal } = io;
  await using stage = await setStage(cast);
  await using artifact = await openArtifact(stage.firmware.path, { version: stage.firmware.version, signal });
  const devices = counted(stage.actors.length, "simulated device");
  stdout.write(
    `${devices} in a process of their own: firmware ${artifact.version}, ${formatBytes(artifact.length)}, ${concurrency} at a time.\n`,
  );
  const view = createView({ screen: stderr, devices: stage.actors.length, quiet: false });
  const faults = new Faults();
  await using registry = await registryOf(
    stage.store,
    stage.actors.map(({ device }) => device),
  );
  const adapters = await adaptersOf(
    stage.actors.map(({ device }) => device),
    spoken,
  );
  await using client = openClient({ ...hasty, registry, onEvent: both(view, faults) }, adapters);
  const findings = await perform({ client, stage, artifact, view, faults, io });
  const { sendingMs, elapsed, tally } = view.board;
  if (signal.aborted) {
    if (tally.unknown.length > 0) stdout.write(`${unknownLine(tally.unknown)}\n`);
    return exitCodes.interrupted;
  }
  const records = {
    witness: await askDevices(stage, artifact),
    recorded: await readRecord(registry.devices, artifact.version),
  };
  const numbers = { artifact, transport: client.statistics(), sendingMs, elapsed };
  for (const line of summaryOf(findings, records, numbers)) stdout.write(`${line}\n`);
  return asPlanned(findings, records) ? exitCodes.ok : exitCodes.unplanned;
}

type Observer = { onEvent(event: ClientEvent): void };

const both = (one: Observer, other: Observer) => (event: ClientEvent) => {
  one.onEvent(event);
  other.onEvent(event);
};

interface Performance {
  readonly client: Client;
  readonly stage: Stage;
  readonly artifact: Artifact;
  readonly view: View;
  readonly faults: Faults;
  readonly io: Io;
}

/** The update itself. The drawing is gone once it is over. */
async function perform({ client, stage, artifact, view, faults, io }: Performance): Promise<Finding[]> {
  using drawing = view;
  const parts = new Map(stage.actors.map(({ device, part }) => [device.id, part]));
  const devices = stage.actors.map(({ device }) => device.id);
  const findings: Finding[] = [];
  const options = { concurrency, signal: io.signal, onProgress: drawing.onProgress };
  for await (const outcome of client.pushMany(devices, artifact, options)) {
    drawing.ended(outcome);
    drawing.aside(() => io.stdout.write(`${briefOf(outcome)}\n`));
    const part = parts.get(outcome.device);
    if (part !== undefined) findings.push({ part, outcome, faults: faults.of(outcome.device) });
  }
  return findings;
}

/** The message follows in the summary. */
function briefOf(outcome: DeviceOutcome): string {
  return "error" in outcome ? `${outcome.device}  ${outcome.status.padEnd(8)}  ${outcome.error.code}` : lineOf(outcome);
}
