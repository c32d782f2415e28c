import type { Phase } from "./errors.ts";
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
}

export interface TransportStatistics {
  /** Connections open now, and how many of them carry an exchange. */
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
  statistics(): TransportStatistics;
}
