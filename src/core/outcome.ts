import type { ArtifactRef } from "./artifact.ts";
import type { FlashwaveError } from "./errors.ts";
import type { DeliveryRecord } from "./record.ts";

/**
 * How sure we are that the device we read is the device we meant, strongest first: its certificate matched a pin; its
 * certificate was issued for its name by a trusted CA; it accepted or proved a credential; it reported its own id; we
 * only know its address.
 */
export type Identity = "pin" | "tls" | "credential" | "reported-id" | "address";

export type Health = "ok" | "failing" | "not-checked";

/** What a device reported about itself in one read. Every string came from the device, bounded and checked. */
export interface DeviceState {
  readonly version: string;
  /** SHA-256 of the running image, lower-case hexadecimal. */
  readonly digest?: string;
  readonly deviceId?: string;
  readonly hardware?: string;
  readonly slot?: string;
  readonly bootId?: string;
  /** Seconds since boot. */
  readonly uptime?: number;
  readonly identity: Identity;
  /** Epoch milliseconds at which the answer was complete. */
  readonly readAt: number;
}

/** What let an artifact pass admission, before the first byte. Plain JSON. */
export interface Admitted {
  /** Ids of the trusted keys that signed it: SHA-256 of each key (SPKI, DER), hexadecimal. */
  readonly keys: readonly string[];
  /** SHA-256 of its manifest's document, and the manifest's sequence. Absent: a minisign signature of the plain file. */
  readonly manifest?: string;
  readonly sequence?: number;
  /** Whether only an approval let it pass. */
  readonly approved: boolean;
}

/** How far one send has come. `sent` is bytes the socket accepted and never goes down within one attempt. */
export interface Progress {
  readonly device: string;
  readonly attempt: number;
  readonly sent: number;
  readonly total: number;
}

/** How far a device says that its own install is. It never goes back within one send. */
export interface InstallProgress {
  /** The step it is at, from 1, and how many there are: at most 1,000. */
  readonly step: number;
  readonly steps: number;
  /** Of this step, 0 to 100. */
  readonly percent: number;
}

/** What a delivery learnt from a send that the device acknowledged. */
export interface Acknowledgement {
  /** HTTP status of the answer; 0 when that was lost, and the device's verdict told the arrival. */
  readonly status: number;
  /** Payload bytes that were sent for this acknowledgement (in all attempts that share an upload). */
  readonly bytes: number;
  /** The device's own name for what it received: an upload, a file or a task. */
  readonly remoteId?: string;
}

/** What the device acknowledged: it has the bytes. Plain JSON. It does *not* say that the device runs them. */
export interface Receipt {
  readonly device: string;
  readonly origin: string;
  readonly delivery: string;
  readonly artifact: ArtifactRef;
  readonly attemptId: string;
  /** Attempts made in all, the acknowledged one included. */
  readonly attempts: number;
  readonly bytes: number;
  /** HTTP status of the acknowledgement; 0 when the answer was lost, and the device's verdict or a later read told the arrival. */
  readonly status: number;
  readonly acknowledgedBy: "reply" | "verdict" | "readback";
  /** Whether some attempt was answered 2xx before its body was wholly sent. */
  readonly early: boolean;
  /**
   * Whether nothing is left to ask of it: it acknowledged the order to install, or its delivery has it install by
   * itself. False: it was not told to, it staged the artifact for later, or its answer was lost and only a verification can tell.
   */
  readonly activated: boolean;
  readonly remoteId?: string;
  /** The device's state as read before the first byte, where it was read. */
  readonly before?: DeviceState;
  /** Epoch milliseconds: when the acknowledged attempt began and ended. */
  readonly startedAt: number;
  readonly endedAt: number;
}

/** What a verification saw. It exists only when the device was seen running the artifact. Plain JSON. */
export interface Evidence {
  readonly device: string;
  /** `digest`: the device reported the artifact's digest. `version`: it reported the artifact's version, a claim. */
  readonly proved: "digest" | "version";
  readonly version: string;
  readonly digest?: string;
  readonly slot?: string;
  readonly bootId?: string;
  /**
   * `seen`: boot id, uptime or slot show a boot after the send. `not-reported`: the device reports none of them.
   * `unclear`: its uptime is too small or too coarse to tell; what proves the artifact then is its digest, or a version
   * that changed from the one read before the send; without such a read it is weaker, like `not-checked`. `not-checked`: there was no receipt, or no earlier state, to compare
   * with.
   */
  readonly newBoot: "seen" | "unclear" | "not-reported" | "not-checked";
  readonly health: Exclude<Health, "failing">;
  readonly identity: Identity;
  /** Reads made, failed ones included. */
  readonly reads: number;
  /** Epoch milliseconds: the first of the unbroken row of good reads, and the last. */
  readonly firstSeenAt: number;
  readonly lastSeenAt: number;
}

interface OutcomeBase {
  readonly device: string;
  readonly artifact: ArtifactRef;
  /** Attempts made to send. */
  readonly attempts: number;
  /** Milliseconds from the call to this outcome. */
  readonly duration: number;
  /**
   * The whole story as one plain JSON document that can be kept. Made when it is first asked for; it is not enumerable,
   * so that neither JSON nor a log of the outcome holds it by itself.
   */
  readonly record: DeliveryRecord;
}

/**
 * How one device's update ended. Only `updated` says that the device runs the artifact, and it always carries the
 * evidence. `unknown` means what it says: read the device before doing anything else to it. `skipped`: it ran the artifact
 * already and nothing was sent; where its delivery has a commit, it was proven and committed first. `state` is the last read.
 */
export type DeviceOutcome =
  | (OutcomeBase & { readonly status: "updated"; readonly receipt: Receipt; readonly evidence: Evidence })
  | (OutcomeBase & { readonly status: "sent"; readonly receipt: Receipt })
  | (OutcomeBase & { readonly status: "staged"; readonly receipt: Receipt })
  | (OutcomeBase & { readonly status: "unknown"; readonly receipt?: Receipt; readonly error: FlashwaveError })
  | (OutcomeBase & { readonly status: "failed"; readonly receipt?: Receipt; readonly error: FlashwaveError })
  | (OutcomeBase & { readonly status: "skipped"; readonly reason: "already-running"; readonly state: DeviceState });
