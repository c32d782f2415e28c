import { withManifestVersion } from "../admission.ts";
import { requireServing } from "../demands.ts";
import type { Flags } from "../flags.ts";
import { type Io, runArtifactJob } from "../job.ts";

/** Sends; says nothing of what devices then run. */
export async function push(path: string, given: Flags, io: Io): Promise<number> {
  const flags = await withManifestVersion(given);
  return runArtifactJob(
    path,
    flags,
    io,
    [requireServing],
    async ({ client, devices, artifact, approvals, signal, onProgress, settleKept }) => {
      const outcomes = client.pushMany(devices, artifact, { verify: false, approvals, signal, onProgress });
      for await (const outcome of outcomes) await settleKept(outcome);
    },
  );
}
