import { isFlashwaveError } from "../../core/index.ts";
import { concurrencyOf } from "../client-options.ts";
import { requireReadable, requireVersion } from "../demands.ts";
import type { Flags } from "../flags.ts";
import { eachOf, type Io, runArtifactJob } from "../job.ts";

/** Reads devices until each was seen running the artifact, or the deadline passes. Sends nothing. */
export async function verify(path: string, flags: Flags, io: Io): Promise<number> {
  requireVersion(flags);
  return runArtifactJob(path, flags, io, [requireReadable], ({ client, devices, artifact, signal, reading, settle }) =>
    eachOf(devices, concurrencyOf(flags), async (device) => {
      const begun = performance.now();
      reading(device.id);
      const timed = () => ({ device: device.id, duration: performance.now() - begun });
      try {
        const evidence = await client.verify(device, artifact, { signal });
        settle({ status: "verified", ...timed(), artifact: artifact.ref, evidence });
      } catch (error) {
        if (!isFlashwaveError(error)) throw error;
        const status = error.code === "unverified" || error.code === "aborted" ? "unknown" : "failed";
        settle({ status, ...timed(), error });
      }
    }),
  );
}
