import type { Clock } from "./clock.ts";
import type { Credentials } from "./credentials.ts";
import type { Device } from "./device.ts";
import type { Acknowledgement, DeviceState, InstallProgress, Receipt } from "./outcome.ts";
import type { Payload } from "./payload.ts";
import type { Profile } from "./profile.ts";
import type { Pace, Transport } from "./transport.ts";

/**
 * What an adapter is given for one device. All I/O goes through `transport`, all time through `clock`.
 */
export interface DeliveryContext {
  readonly transport: Transport;
  /** `transport.origin(device.address)`, already checked. */
  readonly origin: string;
  /** The device's profile: its own, or what a registry resolved for it. Absent: the adapter's defaults. */
  readonly profile?: Profile | undefined;
  readonly clock: Clock;
  /** Aborts when the client is closed: for an adapter that waits for something else than its own exchanges. */
  readonly closing?: AbortSignal | undefined;
  /**
   * What this device wants to be shown. Absent, or nothing: it is spoken to without. Ask once per session, before its
   * first request. It rejects with `credentials_failed`.
   */
  readonly credentials?: (() => Promise<Credentials | undefined>) | undefined;
}

/** One step of one device's update. */
export interface Step {
  /** On the clock's monotonic scale. */
  readonly deadline: number;
  readonly signal?: AbortSignal | undefined;
  /** Told as the device tells it, while it is sent to and while its verdict is awaited. It decides nothing. */
  readonly onInstalling?: ((progress: InstallProgress) => void) | undefined;
}

/** Where a broken send can go on. Plain JSON, bound to the bytes, the device and the origin it was made for. */
export interface ResumeToken {
  readonly delivery: string;
  readonly device: string;
  readonly origin: string;
  readonly digest: string;
  readonly length: number;
  /**
   * Bytes that the device had confirmed when this token was made; the next send asks it anew. A token with a higher one
   * than before says that the device got further.
   */
  readonly offset: number;
  /** The adapter's own: an upload's URL path, an id. */
  readonly state: Readonly<Record<string, string>>;
}

export interface SendStep extends Step {
  /** The same for every attempt of one push: what an `Idempotency-Key` is made of. */
  readonly pushId: string;
  /** Unique per attempt. */
  readonly attemptId: string;
  /** Headers the caller added to this one push. Checked. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Payload bytes the socket accepted, monotonic within the attempt. */
  readonly onSent?: ((bytes: number) => void) | undefined;
  /** The caller's rate limit, to be handed to the exchange that carries the bytes. */
  readonly pace?: Pace | undefined;
  /** Where to go on. When the device no longer knows it, the send throws `upload_gone`, with no byte sent. */
  readonly resume?: ResumeToken | undefined;
  /**
   * Told each time the device has confirmed an offset below the end: for a new upload, at the start of a resumed send,
   * and after each part. Awaited before the next byte leaves: once it resolves, the token has been made durable. What
   * it throws ends the send as it is.
   */
  readonly onResumable?: ((token: ResumeToken) => Promise<void>) | undefined;
}

/** What an adapter promises about its protocol; the retry decisions rest on it, so it is tested by the contract suite. */
export interface DeliveryTraits {
  /** A broken send can go on at an offset the device tells. */
  readonly resumable: boolean;
  /**
   * Whether the same bytes may be sent again when nobody knows what became of the first time. `idempotent`: any number
   * of times; `same-digest`: the device or an idempotency key makes it so; `unsafe`: never without a read.
   */
  readonly repeat: "idempotent" | "same-digest" | "unsafe";
  /** Statuses with which the device certainly changed nothing. */
  readonly refusals: ReadonlySet<number>;
  /** Where "installed" is learnt. */
  readonly verdict: "reply" | "channel" | "readback";
  /** Whether the device installs by itself once it has the bytes. */
  readonly activates: "itself" | "on-request";
}

/**
 * One device, spoken to for the length of one update. It holds what its calls share (a nonce, a login, a websocket)
 * and nothing that outlives it. An adapter never retries and never logs: it throws one `FlashwaveError`.
 */
export interface DeliverySession {
  readonly traits: DeliveryTraits;
  /** Resolves once the device has acknowledged all bytes; everything else throws. */
  send(payload: Payload, step: SendStep): Promise<Acknowledgement>;
  /** Waits for the device's own verdict, where it gives one. `lost`: it can no longer be had; go and verify. */
  settle?(receipt: Receipt, step: Step): Promise<"installed" | "staged" | "lost">;
  /** Tells the device to install. */
  activate?(receipt: Receipt, step: Step): Promise<void>;
  /**
   * Makes the installed version permanent, where the device has a trial.
   * @param receipt undefined where the device ran the artifact before anything was sent
   */
  commit?(receipt: Receipt | undefined, step: Step): Promise<void>;
  /** Ends a trial by going back. */
  rollback?(receipt: Receipt, step: Step): Promise<void>;
  /** Tells the device to forget a broken send. */
  discard?(token: ResumeToken, step: Step): Promise<void>;
  /** Lets go of what the calls shared. Called once, after the last. Absent: there is nothing to let go of. */
  close?(): Promise<void>;
}

/** Speaks one device protocol. */
export interface Delivery {
  /** `http`, `tus`, …: what `Device.delivery` names. */
  readonly kind: string;
  /** Reads the state of devices of this kind, unless the device names another probe. */
  readonly prober?: Prober;
  /**
   * Binds the adapter to one device. No I/O; a profile is parsed once and remembered.
   * @throws `invalid_profile`
   */
  bind(device: Device, context: DeliveryContext): DeliverySession;
}

/** Reads what one device runs. */
export interface Probe {
  /** The strongest thing this probe can prove. */
  readonly proves: "digest" | "version";
  /**
   * One read, nothing cached.
   * @throws `unreadable_state` when the device answers without a usable state; `wrong_device` is not its business.
   */
  inspect(step: Step): Promise<DeviceState>;
  /** Resolves when the device says that it is well; throws `unhealthy` when it says that it is not. Absent: nothing to ask. */
  health?(step: Step): Promise<void>;
}

/** Makes probes. A delivery brings one along where its protocol can be read; a device may name another. */
export interface Prober {
  readonly kind: string;
  /** @throws `invalid_profile`, and `no_probe` where the profile says that this device cannot be read */
  bind(device: Device, context: DeliveryContext): Probe;
}
