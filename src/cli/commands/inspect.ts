import { isFlashwaveError } from "../../core/index.ts";
import { concurrencyOf } from "../client-options.ts";
import { requireReadable } from "../demands.ts";
import type { Flags } from "../flags.ts";
import { eachOf, type Io, runJob } from "../job.ts";

/** One read of each device. */
export function inspect(flags: Flags, io: Io): Promise<number> {
  return runJob(flags, io, [requireReadable], ({ client, devices, signal, reading, settle }) =>
    eachOf(devices, concurrencyOf(flags), async (device) => {
      const begun = performance.now();
      reading(device.id);
      const timed = () => ({ device: device.id, duration: performance.now() - begun });
      try {
        const state = await client.inspect(device, { signal });
        settle({ status: "read", ...timed(), state });
      } catch (error) {
        if (!isFlashwaveError(error)) throw error;
        settle({ status: "failed", ...timed(), error });
      }
    }),
  );
}
