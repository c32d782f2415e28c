import type { ClientEvent, DeviceOutcome, FlashwaveErrorCode } from "../../core/index.ts";
import type { Part } from "./plan.ts";
import type { Recorded } from "./recorded.ts";
import type { Witness } from "./witness.ts";

/** What was found out about one device, beside what it was to do. */
export interface Finding {
  readonly part: Part;
  readonly outcome: DeviceOutcome;
  /** The codes of its failed attempts, in order. */
  readonly faults: readonly FlashwaveErrorCode[];
}

/** Who else knows how it went: the devices themselves, and the registry. */
export interface Records {
  readonly witness: Witness;
  readonly recorded: Recorded;
}

/** Collects the failed attempts of each device. */
export class Faults {
  readonly #codes = new Map<string, FlashwaveErrorCode[]>();

  onEvent(event: ClientEvent): void {
    if (event.type === "attempt-failed") this.#codes.set(event.device, [...this.of(event.device), event.error.code]);
  }

  of(device: string): readonly FlashwaveErrorCode[] {
    return this.#codes.get(device) ?? [];
  }
}

/** Where a device did not come out as planned; nothing when it did. */
export function deviation({ part, outcome, faults }: Finding): string | undefined {
  const { expects } = part;
  const code = "error" in outcome ? outcome.error.code : undefined;
  const found = [outcome.status, code, ...faults].filter(Boolean).join(" ");
  const planned = [expects.status, expects.code, ...(expects.faults ?? [])].filter(Boolean).join(" ");
  return found === planned ? undefined : `${outcome.device} (${part.does}): planned ${planned}, found ${found}`;
}

/** Where outcomes, the devices' own record and the registry contradict each other: none, if Flashwave keeps its word. */
export function contradictions(findings: readonly Finding[], { witness, recorded }: Records): string[] {
  const found: string[] = [];
  for (const { outcome } of findings) {
    const { device, status } = outcome;
    const updated = status === "updated";
    if (updated && !witness.running.has(device))
      found.push(`${device} was called updated, but does not run the artifact`);
    if (updated !== recorded.proven.has(device))
      found.push(`${device} ended ${status}, but the registry ${updated ? "has no evidence" : "has evidence"} of it`);
  }
  if (witness.right < witness.whole)
    found.push(`${witness.whole - witness.right} received images are not the artifact's bytes`);
  return found;
}
