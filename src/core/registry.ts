import type { ArtifactStore } from "./artifact-store.ts";
import type { DeviceRegistry } from "./device-registry.ts";
import type { ProfileRegistry } from "./profile-registry.ts";
import type { ReportStore } from "./report-store.ts";
import type { VersionScheme } from "./versions.ts";

export type * from "./artifact-store.ts";
export type * from "./device-registry.ts";
export type * from "./page.ts";
export type * from "./profile-registry.ts";
export type * from "./report-store.ts";

/**
 * One fleet: its devices, how they are spoken to, the artifacts kept for them, and what they reported. Whoever opens a registry closes it;
 * every call after that throws `registry_failed`.
 */
export interface Registry extends AsyncDisposable {
  readonly devices: DeviceRegistry;
  readonly profiles: ProfileRegistry;
  readonly artifacts: ArtifactStore;
  readonly reports: ReportStore;
  /** How firmware versions are compared in filters. Fixed when the registry is first opened. */
  readonly versions: VersionScheme;
}
