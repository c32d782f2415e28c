import type { ArtifactRef } from "./artifact.ts";
import type { BytesOut, FlashwaveErrorCode, Phase } from "./errors.ts";
import type { Admitted, DeviceOutcome, DeviceState, Evidence, Identity, Receipt } from "./outcome.ts";

/** An error in a record: what `FlashwaveError.toJSON` tells of it. Never a header, a body or a secret. */
export interface RecordedError {
  readonly code: FlashwaveErrorCode;
  readonly phase: Phase;
  readonly message: string;
  readonly retryable: boolean;
  readonly bytesOut: BytesOut;
  /** HTTP status, where the device answered with one. */
  readonly status?: number;
}

/** One attempt to send. Times are epoch milliseconds. */
export interface RecordedAttempt {
  readonly id: string;
  readonly startedAt: number;
  /** Absent: it had not ended when the record was made. */
  readonly endedAt?: number;
  /** Absent: the device acknowledged it, or a read showed that it had arrived; see `answer`. */
  readonly error?: RecordedError;
}

/**
 * One delivery to one device, as one document: what was sent, to whom, what it answered, what was read back, and when.
 * Plain JSON, described by `docs/delivery-record.schema.json` of the package. Times are epoch milliseconds.
 */
export interface DeliveryRecord {
  readonly format: "flashwave-delivery-record/1";
  readonly outcome: DeviceOutcome["status"];
  readonly startedAt: number;
  readonly endedAt: number;
  readonly device: {
    readonly id: string;
    /** Where it was spoken to, and how. Absent: nothing came so far. */
    readonly origin?: string;
    readonly delivery?: string;
    readonly site?: string;
    /** How sure the last read was that this is the device. */
    readonly identity?: Identity;
    /** SHA-256 fingerprints of the certificates that answered, in the order in which they were first seen. Empty over plain http. */
    readonly certificates: readonly string[];
  };
  readonly artifact: ArtifactRef;
  /** What let the artifact pass, for a client with an admission policy. */
  readonly admission?: Admitted;
  readonly attempts: readonly RecordedAttempt[];
  /**
   * What was written, where the device acknowledged it. `digest` is the artifact's, of all its bytes: each block was
   * compared with the table made when the artifact was opened before it left, so no others can have been sent.
   */
  readonly written?: {
    readonly bytes: number;
    readonly digest: string;
    readonly knownBy: "blocks-checked-before-sending";
  };
  /** What the device answered to the bytes. */
  readonly answer?: Pick<Receipt, "status" | "acknowledgedBy" | "early" | "activated" | "remoteId">;
  readonly readBack: {
    /** Reads of the verification and after it, failed ones included. */
    readonly reads: number;
    readonly before?: DeviceState;
    /** The last one that said anything. */
    readonly last?: DeviceState;
    readonly evidence?: Evidence;
  };
  /** An earlier success that this delivery found to hold no longer. */
  readonly retracted?: { readonly evidence: Evidence; readonly state: DeviceState };
  readonly error?: RecordedError;
}
