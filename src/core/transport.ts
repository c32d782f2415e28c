import type { FlashwaveError, Phase } from "./errors.ts";
import type { Segment } from "./payload.ts";

/** Header names and values in one flat row, names in lower case: `["content-type", "text/plain", …]`. */
export type HeaderBlock = readonly string[];

/** Waits until `bytes` may be sent, or returns nothing when they may be sent at once. */
export interface Pace {
  take(bytes: number, signal?: AbortSignal): Promise<void> | undefined;
}

/** One request to one device. Everything is checked before a connection is opened. */
export interface ExchangeRequest {
  readonly method: string;
  /** An absolute path with an optional query. */
  readonly path: string;
  /** Share one frozen block between like requests; it is checked once. */
  readonly headers?: HeaderBlock | undefined;
  /** `Content-Length` is the sum of the lengths; a body is never sent chunked. */
  readonly body?: Segment | readonly Segment[] | undefined;
  /** For errors: what this exchange is part of. */
  readonly phase: Phase;
  /** On the clock's monotonic scale. Time spent waiting for `pace` is added to it. */
  readonly deadline: number;
  readonly signal?: AbortSignal | undefined;
  readonly pace?: Pace | undefined;
  /** Certificate pins for this device, beside those of the transport. */
  readonly pins?: readonly string[] | undefined;
  /** Bytes of the body that the socket has accepted so far: monotonic, not more than one call per chunk. */
  readonly onSent?: ((bytes: number) => void) | undefined;
  /** Each interim answer (1xx), as it comes. */
  readonly onInformation?: ((status: number, headers: ReplyHeaders) => void) | undefined;
  /** Default true. False: the connection is closed after the answer. */
  readonly keepAlive?: boolean | undefined;
}

/** Response headers as they came; names are lower case and interned. */
export interface ReplyHeaders extends Iterable<readonly [name: string, value: string]> {
  /** The first value of `name` (lower case), or nothing. */
  get(name: string): string | undefined;
}

/** What authenticated the peer of a connection. `none`: plain http, or nothing that names it. */
export type PeerIdentity = "pin" | "tls" | "none";

export interface ExchangeReply {
  readonly status: number;
  readonly headers: ReplyHeaders;
  /** The whole body, not longer than the cap; empty when there was none. */
  readonly body: Uint8Array;
  /** `partial`: the device answered before the whole body had left. A 2xx is then no acknowledgement. */
  readonly sent: "all" | "partial";
  readonly peer: PeerIdentity;
  /** SHA-256 fingerprint of the certificate that the device showed, hexadecimal with colons. Absent over plain http. */
  readonly certificate?: string;
}

/** A websocket (RFC 6455) to one device, on which it tells how it is getting on. Nothing is sent to it but control frames. */
export interface ChannelRequest {
  /** An absolute path with an optional query. */
  readonly path: string;
  readonly headers?: HeaderBlock | undefined;
  /** For errors: what this channel is part of. */
  readonly phase: Phase;
  /** By when it must be open, on the clock's monotonic scale. A channel that is open has no deadline. */
  readonly deadline: number;
  /** Also closes a channel that is open. */
  readonly signal?: AbortSignal | undefined;
  readonly pins?: readonly string[] | undefined;
  /** Each text message, whole and in order, not longer than the cap on answers. A throw closes the channel. */
  readonly onText: (text: string) => void;
}

/** A channel that is open. It takes one of the transport's connections. */
export interface DeviceChannel {
  readonly peer: PeerIdentity;
  /**
   * Resolves once it is closed, and never rejects: with nothing when `close` closed it, else with why.
   * `connection_lost`, `malformed_reply` (no text, a broken frame, too large or too many), `aborted`, `client_closed`,
   * or what `onText` threw.
   */
  readonly closed: Promise<FlashwaveError | undefined>;
  /** Says so to the device and closes at once. Any number of times. */
  close(): void;
}

export interface TransportStatistics {
  /** Connections open now, and how many exchanges (and openings of channels) are under way. */
  readonly connections: number;
  readonly inFlight: number;
  /** Since the transport was made. */
  readonly opened: number;
  readonly reused: number;
  readonly evicted: number;
  readonly failed: number;
}

/**
 * Moves requests to devices and their answers back. It never retries, never follows a redirect, never decodes a body
 * and never logs: it resolves with what the device answered, whatever the status, or throws one `FlashwaveError`
 * whose `bytesOut` says how much of the body had left.
 */
export interface Transport extends AsyncDisposable {
  /**
   * The canonical origin of an address.
   * @throws `invalid_address` or `address_denied`
   */
  origin(address: string): string;
  exchange(origin: string, request: ExchangeRequest): Promise<ExchangeReply>;
  /** Resolves with what `read` makes of the answer; what it throws rejects. It costs one promise less than a `then`. */
  exchange<T>(origin: string, request: ExchangeRequest, read: (reply: ExchangeReply) => T): Promise<T>;
  /**
   * Opens a websocket. Like an exchange it resolves with what the device answered where that was not the switch of
   * protocols: an `ExchangeReply`, whose body is not read. Connection limit, address policy, TLS and pins are those of
   * exchanges; extensions are not offered.
   */
  channel(origin: string, request: ChannelRequest): Promise<DeviceChannel | ExchangeReply>;
  /**
   * Closes the idle connections to an origin (with these pins), so that the next exchange opens its own. What a device
   * still has to say to an earlier request can then not be taken for the answer to a later one.
   */
  release(origin: string, pins?: readonly string[]): void;
  statistics(): TransportStatistics;
}
