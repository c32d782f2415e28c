import { requireServing } from "../demands.ts";
import type { Flags } from "../flags.ts";
import { type Io, runArtifactJob } from "../job.ts";

/** Sends; says nothing of what devices then run. */
export function push(path: string, flags: Flags, io: Io): Promise<number> {
  return runArtifactJob(
    path,
    flags,
    io,
    [requireServing],
    async ({ client, devices, artifact, signal, onProgress, settle }) => {
      const outcomes = client.pushMany(devices, artifact, { verify: false, signal, onProgress });
      for await (const outcome of outcomes) settle(outcome);
    },
  );
}
