import { openArtifact } from "../../bytes/index.ts";
import type { DeviceOutcome } from "../../core/index.ts";
import type { ClientOptions } from "../../push/index.ts";
import { Faults, type Finding } from "../demo/findings.ts";
import { cast } from "../demo/plan.ts";
import { readRecord } from "../demo/recorded.ts";
import { setStage } from "../demo/stage.ts";
import { asPlanned, summaryOf } from "../demo/summary.ts";
import { askDevices } from "../demo/witness.ts";
import { exitCodes } from "../exit-codes.ts";
import type { Io } from "../job.ts";
import { createView } from "../progress/view.ts";
import { unknownLine } from "../report.ts";
import { lineOf } from "../results.ts";
import { counted, formatBytes } from "../text.ts";
import { openClient, registryOf } from "../wire.ts";

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
export async function demo({ stdout, stderr, signal }: Io): Promise<number> {
  await using stage = await setStage(cast);
  const { path, version } = stage.firmware;
  await using artifact = await openArtifact(path, { version, signal });
  stdout.write(
    `${counted(stage.actors.length, "simulated device")} in a process of their own are given firmware ${version}: ${formatBytes(artifact.length)}, ${concurrency} devices at a time.\n`,
  );
  using view = createView({ screen: stderr, devices: stage.actors.length, quiet: false });
  const faults = new Faults();
  await using registry = registryOf(stage.actors.map(({ device }) => device));
  await using client = openClient(
    {
      ...hasty,
      registry,
      onEvent(event) {
        view.onEvent(event);
        faults.onEvent(event);
      },
    },
    spoken,
  );
  const parts = new Map(stage.actors.map(({ device, part }) => [device.id, part]));
  const findings: Finding[] = [];
  const devices = stage.actors.map(({ device }) => device.id);
  const options = { concurrency, signal, onProgress: view.onProgress };
  for await (const outcome of client.pushMany(devices, artifact, options)) {
    const { device } = outcome;
    view.ended(outcome);
    view.aside(() => stdout.write(`${briefOf(outcome)}\n`));
    const part = parts.get(device);
    if (part !== undefined) findings.push({ part, outcome, faults: faults.of(device) });
  }
  const { sendingMs, elapsed, tally } = view.board;
  view[Symbol.dispose]();
  if (signal.aborted) {
    if (tally.unknown.length > 0) stdout.write(`${unknownLine(tally.unknown)}\n`);
    return exitCodes.interrupted;
  }
  const witness = await askDevices(stage, artifact);
  const recorded = await readRecord(registry.devices, version);
  const numbers = { artifact, transport: client.statistics(), sendingMs, elapsed };
  for (const line of summaryOf(findings, { witness, recorded }, numbers)) stdout.write(`${line}\n`);
  return asPlanned(findings, { witness, recorded }) ? exitCodes.ok : exitCodes.unplanned;
}

/** The message follows in the summary. */
function briefOf(outcome: DeviceOutcome): string {
  return "error" in outcome ? `${outcome.device}  ${outcome.status.padEnd(8)}  ${outcome.error.code}` : lineOf(outcome);
}
