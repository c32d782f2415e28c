import type { ArtifactRef } from "../../core/index.ts";
import type { Stage } from "./stage.ts";

/** What the simulated devices themselves recorded, in their own process. */
export interface Witness {
  /** Ids of the devices that run the artifact: its version and its digest. */
  readonly running: ReadonlySet<string>;
  /** Bodies that came whole, and those among them whose SHA-256 is the artifact's. */
  readonly whole: number;
  readonly right: number;
  /** Bodies that ended early. */
  readonly broken: number;
  readonly bytes: number;
  readonly connections: number;
}

export async function askDevices({ fleet }: Stage, artifact: ArtifactRef): Promise<Witness> {
  const running = new Set<string>();
  let whole = 0;
  let right = 0;
  let broken = 0;
  for (const { id } of fleet.devices) {
    const control = fleet.control(id);
    const [state, received] = await Promise.all([control.state(), control.received()]);
    if (state.version === artifact.version && state.digest === artifact.digest) running.add(id);
    for (const { complete, sha256 } of received) {
      if (!complete) broken++;
      else whole++;
      if (complete && sha256 === artifact.digest) right++;
    }
  }
  const { bytesReceived, connections } = await fleet.counters();
  return { running, whole, right, broken, bytes: bytesReceived, connections };
}
