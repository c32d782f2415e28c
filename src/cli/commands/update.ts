import { requireReadable, requireServing, requireVersion } from "../demands.ts";
import type { Flags } from "../flags.ts";
import { type Io, runArtifactJob } from "../job.ts";
import { updateOptionsOf } from "../wire.ts";

/** Sends and proves. */
export async function update(path: string, flags: Flags, io: Io): Promise<number> {
  const proves = flags.verify !== false;
  if (proves) requireVersion(flags);
  const demands = proves ? [requireReadable, requireServing] : [requireServing];
  return runArtifactJob(path, flags, io, demands, async ({ client, devices, artifact, signal, onProgress, settle }) => {
    const outcomes = client.pushMany(devices, artifact, { ...updateOptionsOf(flags), signal, onProgress });
    for await (const outcome of outcomes) settle(outcome);
  });
}
