import type { SimulatedDevice } from "./device.ts";
import type { DeviceReport, SimulatedHealth } from "./device-options.ts";
import type { ScriptEntry } from "./faults.ts";
import type { DeviceCounters, Received, SeenRequest } from "./records.ts";

/** A device's whole state as plain data. */
export interface DeviceStateSnapshot extends DeviceReport {
  readonly health: SimulatedHealth;
  readonly rebooting: boolean;
  readonly staged: boolean;
  readonly onTrial: boolean;
}

/** What a driver may ask of a device from outside: the same words over the admin routes and between processes. */
export interface DeviceControl {
  state(): DeviceStateSnapshot;
  counters(): DeviceCounters;
  received(): readonly Received[];
  requests(): readonly SeenRequest[];
  script(...entries: readonly ScriptEntry[]): void;
  /** Forgets faults, counters and records; what it runs stays. */
  reset(): void;
  health(health: SimulatedHealth): void;
  reboot(): void;
}

export function controlOf(device: SimulatedDevice): DeviceControl {
  return {
    state: () => {
      const { health, rebooting, staged, onTrial } = device;
      return { ...device.report(), health, rebooting, staged, onTrial };
    },
    counters: () => structuredClone(device.counters),
    received: () => [...device.received],
    requests: () => [...device.requests],
    script: (...entries) => device.faults.script(...entries),
    reset: () => device.reset(),
    health: (health) => {
      device.health = health;
    },
    reboot: () => device.reboot(),
  };
}
