import { withManifestVersion } from "../admission.ts";
import { updateOptionsOf } from "../client-options.ts";
import { requireReadable, requireServing, requireVersion } from "../demands.ts";
import type { Flags } from "../flags.ts";
import { type Io, runArtifactJob } from "../job.ts";

/** Sends and proves. */
export async function update(path: string, given: Flags, io: Io): Promise<number> {
  const flags = await withManifestVersion(given);
  const proves = flags.verify !== false;
  if (proves) requireVersion(flags);
  const demands = proves ? [requireReadable, requireServing] : [requireServing];
  return runArtifactJob(
    path,
    flags,
    io,
    demands,
    async ({ client, devices, artifact, approvals, signal, onProgress, settleKept }) => {
      const outcomes = client.pushMany(devices, artifact, { ...updateOptionsOf(flags), approvals, signal, onProgress });
      for await (const outcome of outcomes) await settleKept(outcome);
    },
  );
}
