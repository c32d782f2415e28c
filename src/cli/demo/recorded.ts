import type { DeviceRegistry } from "../../core/index.ts";

/** What the registry holds of the fleet after the run. */
export interface Recorded {
  readonly devices: number;
  /** Ids of the devices with evidence that they run this version. */
  readonly proven: ReadonlySet<string>;
  /** How many devices were last seen running each version. */
  readonly versions: ReadonlyMap<string, number>;
  /** Ids of the devices that were never seen. */
  readonly unseen: readonly string[];
}

export async function readRecord(registry: Pick<DeviceRegistry, "page">, version: string): Promise<Recorded> {
  const proven = new Set<string>();
  const versions = new Map<string, number>();
  const unseen: string[] = [];
  let devices = 0;
  let after: string | undefined;
  do {
    const page = await registry.page({}, after === undefined ? {} : { after });
    for (const { id, firmware, evidence } of page.items) {
      devices++;
      if (evidence?.version === version) proven.add(id);
      if (firmware === undefined) unseen.push(id);
      else versions.set(firmware, (versions.get(firmware) ?? 0) + 1);
    }
    after = page.next;
  } while (after !== undefined);
  return { devices, proven, versions, unseen };
}
