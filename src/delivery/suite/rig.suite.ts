import type { Delivery, DeliveryTraits, Prober } from "../../core/delivery.ts";
import type { Device } from "../../core/device.ts";
import type { FlashwaveErrorCode } from "../../core/errors.ts";
import type { Identity } from "../../core/outcome.ts";
import type { TlsOptions } from "../../http/index.ts";

/** What a rig's device does wrong once, on its next request of a purpose. Sizes and places are bytes of the request's body. */
export type RigFault =
  /** Answers `status`: after the whole body, or once `after` bytes of it came. */
  | {
      readonly kind: "status";
      readonly status: number;
      readonly after?: number;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** Ends the connection at a byte, or takes all and ends it without an answer. */
  | { readonly kind: "cut"; readonly at: number | "received" }
  /** Takes all, answers nothing. */
  | { readonly kind: "silence" }
  /** Takes no more from this byte on. */
  | { readonly kind: "stop-reading"; readonly at: number }
  /** Answers something that is not HTTP. */
  | { readonly kind: "malformed" }
  /** Answers 200 with this body instead of its own. */
  | { readonly kind: "body"; readonly body: string }
  /** Answers 200 with its own body and this much after it. */
  | { readonly kind: "oversize"; readonly bytes: number };

export type RigPurpose = "send" | "inspect" | "health";

/** One artifact as the device got it. `contentLength` and `headers` are those of the request that carried it. */
export interface RigReception {
  readonly length: number;
  /** SHA-256 of the artifact's bytes, lower-case hexadecimal. */
  readonly digest: string;
  /** Whether all of it came. */
  readonly complete: boolean;
  readonly contentLength: number | undefined;
  readonly headers: Readonly<Record<string, string>>;
}

/** One device of the protocol under test, behind a real socket on loopback. It accepts any bytes as firmware. */
export interface Rig extends AsyncDisposable {
  readonly device: Device;
  /** Scripts a fault for the next request of this purpose. Faults queue up. */
  fault(on: RigPurpose, fault: RigFault): void;
  /** Every artifact that came, whole or not, oldest first. */
  received(): readonly RigReception[];
  /** What it runs now. */
  running(): { readonly version: string; readonly digest?: string };
  /** Requests begun and connections accepted so far. */
  requests(): number;
  connections(): number;
}

export interface DeliverySuiteOptions {
  /** The adapter's name, for the titles. */
  readonly name: string;
  readonly delivery: () => Delivery;
  /** The probe that reads this kind of device. Default: the one the delivery brings along. */
  readonly prober?: () => Prober;
  /** Starts one device that runs version 1.0.0. `id` and `name` default to the rig's own. */
  readonly start: (options: { readonly id?: string; readonly name?: string }) => Promise<Rig>;
  /** What the transport is to trust, where the rig's device speaks TLS. Its own pins stand in the rig's `device`. */
  readonly tls?: TlsOptions;
  /** How sure a read may be of its device. @default "address" or "reported-id" */
  readonly identities?: readonly Identity[];
  /** What the adapter promises; held against what it says and what it does. */
  readonly traits: DeliveryTraits;
  /** Statuses that mean something else to this protocol than to HTTP: 409 as `device_busy`. */
  readonly statuses?: Readonly<Record<number, FlashwaveErrorCode>>;
  /**
   * The device fetches the artifact itself. A fault on "send" is then one of the order or of the fetch: `status` answers
   * the order and fetches nothing, or, with `after`, so many bytes, which it then gives up; `cut` at a byte and `stop-reading` end the fetch there, for good; `cut` at "received"
   * and `malformed` spoil the answer to the order, which is followed all the same; `silence` answers it and fetches
   * nothing. A reception's headers are those of the order, and its `contentLength` that of what was fetched.
   */
  readonly pulls?: true;
  /** Where a new version comes from: the bytes of firmware that make the device report `version`. */
  readonly firmware: (version: string) => Uint8Array;
  /** Faults that this protocol's devices cannot show, each with the reason: their tests are skipped, by that reason. */
  readonly cannot?: Partial<Readonly<Record<RigFault["kind"] | "early" | "health", string>>>;
}
