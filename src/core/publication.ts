import type { Device } from "./device.ts";
import type { Payload } from "./payload.ts";
import type { Pace } from "./transport.ts";

export interface PublishOptions {
  /** The caller's rate limit, beside the publisher's own. */
  readonly pace?: Pace | undefined;
  /** Bytes of the artifact that have left at least once: rises, and reaches the artifact's length. */
  readonly onSent?: ((bytes: number) => void) | undefined;
}

/** How far a publication has come. */
export interface PublicationProgress {
  /** Requests for it so far, and how many of them are being answered now. */
  readonly requests: number;
  readonly open: number;
  /** Bytes that left, repeats included. */
  readonly bytes: number;
  /** Bytes of the artifact that left at least once. */
  readonly covered: number;
  /** Milliseconds that answers waited for a rate limit: not the device's fault. */
  readonly held: number;
}

/**
 * One artifact, offered to one device under a URL that nobody else can guess. Disposing of it ends it: what is being
 * answered is cut, and the URL leads nowhere from then on.
 */
export interface Publication extends AsyncDisposable {
  /** Whoever knows it may fetch the bytes: for the device alone, never for a message or a log. */
  readonly url: string;
  /** Scheme, host and port of the URL: what may be shown. */
  readonly origin: string;
  /**
   * Resolves once every byte has been delivered and no answer that carried one was cut short. Rejects with
   * `artifact_changed` (or what else went wrong with the bytes), or `client_closed` when the publication ends before.
   */
  readonly fetched: Promise<void>;
  progress(): PublicationProgress;
}

/** Offers artifacts to devices that pull. */
export interface Publisher {
  /** @throws `client_closed` */
  publish(payload: Payload, device: Device, options?: PublishOptions): Promise<Publication>;
}
