import type { Flags } from "../flags.ts";
import { type Io, runArtifactJob } from "../job.ts";
import { requireVersion, updateOptionsOf } from "../wire.ts";

/** Sends and proves. */
export async function update(path: string, flags: Flags, io: Io): Promise<number> {
  if (flags.verify !== false) requireVersion(flags);
  return runArtifactJob(path, flags, io, async ({ client, devices, artifact, signal, onProgress, settle }) => {
    const outcomes = client.pushMany(devices, artifact, { ...updateOptionsOf(flags), signal, onProgress });
    for await (const outcome of outcomes) settle(outcome);
  });
}
