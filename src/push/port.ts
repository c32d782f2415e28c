import type { Artifact } from "../core/artifact.ts";
import type { ResumeToken } from "../core/delivery.ts";
import type { DeviceOutcome, DeviceState, Evidence, Receipt } from "../core/outcome.ts";
import type { TransportStatistics } from "../core/transport.ts";
import type { Walk } from "./map-concurrent.ts";
import type {
  DeviceRef,
  InspectOptions,
  PushManyOptions,
  PushOptions,
  UpdateOptions,
  VerifyOptions,
} from "./options.ts";
import type { ArtifactChoice } from "./push-many.ts";

/** Pushes artifacts to devices and proves what they then run. Close it (`await using`) to close its connections. */
export interface Client extends AsyncDisposable {
  /**
   * Sends the artifact and, unless told not to, has the device install it. A receipt says that the device has the
   * bytes, not that it runs them.
   * @throws {FlashwaveError} `outcome_unknown` when nobody knows whether the device has them
   */
  push(device: DeviceRef, artifact: Artifact, options?: PushOptions): Promise<Receipt>;
  /**
   * Reads the device until it was seen running the artifact, stably and in good health.
   * @throws {FlashwaveError} `not_updated`, `wrong_version`, `wrong_digest`, `wrong_device`, `unhealthy`, `unverified`
   */
  verify(device: DeviceRef, artifact: Artifact, options?: VerifyOptions): Promise<Evidence>;
  /** Inspects, sends, settles, activates, verifies and commits. Throws only for a fault in the call itself. */
  update(device: DeviceRef, artifact: Artifact, options?: UpdateOptions): Promise<DeviceOutcome>;
  /**
   * One read of what the device runs, as it tells it. It judges nothing: a `deviceId` other than the device's own is
   * told, not refused; that is for `verify` and `update`.
   */
  inspect(device: DeviceRef, options?: InspectOptions): Promise<DeviceState>;
  /** Updates many devices at once. Outcomes come as they are reached; leaving the loop early aborts the rest. */
  pushMany(devices: Walk<DeviceRef>, artifact: ArtifactChoice, options?: PushManyOptions): AsyncIterable<DeviceOutcome>;
  /**
   * Tells a device to forget a send that broke and will not be gone on with. What it forgot already is no fault.
   * @throws {FlashwaveError} `unsupported` where the device or its protocol cannot be told
   */
  discard(device: DeviceRef, token: ResumeToken, options?: InspectOptions): Promise<void>;
  statistics(): TransportStatistics;
  /** Ends everything under way with `client_closed` and closes all connections. */
  close(): Promise<void>;
}
