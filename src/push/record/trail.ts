import type { Clock } from "../../core/clock.ts";
import type { FlashwaveError } from "../../core/errors.ts";
import type { ClientEvent } from "../../core/events.ts";
import type { Admitted, DeviceState, Evidence, Receipt } from "../../core/outcome.ts";
import type { ExchangeReply, Transport } from "../../core/transport.ts";

/** One attempt, as it was seen. */
export interface Step {
  readonly id: string;
  readonly startedAt: number;
  endedAt: number | undefined;
  error: FlashwaveError | undefined;
}

/** A device cannot fill a record: it answers with one certificate, and with another after a renewal. */
const mostCertificates = 8;

/**
 * What a record is made of, kept while one device's update runs: a fold over its events, and the certificates that
 * answered. A push that nobody wants a record of has none.
 */
export class Trail {
  readonly startedAt: number;
  readonly steps: Step[] = [];
  readonly certificates: string[] = [];
  origin: string | undefined;
  delivery: string | undefined;
  site: string | undefined;
  reads = 0;
  last: DeviceState | undefined;
  admitted: Admitted | undefined;
  receipt: Receipt | undefined;
  evidence: Evidence | undefined;
  retracted: { readonly evidence: Evidence; readonly state: DeviceState } | undefined;
  readonly #clock: Clock;
  #watched: Transport | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.startedAt = clock.wall();
  }

  now(): number {
    return this.#clock.wall();
  }

  /** Whom it is about, once that is known. */
  about(work: {
    readonly origin: string;
    readonly delivery: string;
    readonly device: { readonly site?: string };
  }): void {
    this.origin = work.origin;
    this.delivery = work.delivery;
    this.site = work.device.site;
  }

  see(event: ClientEvent): void {
    switch (event.type) {
      case "admitted":
        this.admitted = event.admitted;
        return;
      case "attempt-started":
        this.steps.push({ id: event.attemptId, startedAt: this.now(), endedAt: undefined, error: undefined });
        return;
      case "attempt-failed":
        this.#ended(event.error);
        return;
      case "sent":
        this.receipt = event.receipt;
        if (this.steps.at(-1)?.endedAt === undefined) this.#ended(undefined);
        return;
      case "read":
        this.reads++;
        this.last = event.state ?? this.last;
        return;
      case "verified":
        this.evidence = event.evidence;
        return;
      case "retracted":
        this.retracted = event;
        // What a trial took back again proves nothing.
        if (this.evidence === event.evidence) this.evidence = undefined;
        return;
      case "installing":
      case "outcome":
        return;
      default:
        event satisfies never;
    }
  }

  /** The transport, with an eye on who answers. Over plain http there is nothing to see. */
  watching(transport: Transport): Transport {
    if (this.origin?.startsWith("https:") !== true) return transport;
    this.#watched ??= this.#watch(transport);
    return this.#watched;
  }

  #watch(transport: Transport): Transport {
    const exchange: Transport["exchange"] = <T>(
      origin: string,
      request: Parameters<Transport["exchange"]>[1],
      read?: (reply: ExchangeReply) => T,
    ) =>
      transport.exchange(origin, request, (reply) => {
        this.#note(reply.certificate);
        return read === undefined ? (reply as T) : read(reply);
      });
    return {
      exchange,
      origin: (address) => transport.origin(address),
      channel: (origin, request) => transport.channel(origin, request),
      release: (origin, pins) => transport.release(origin, pins),
      statistics: () => transport.statistics(),
      [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
    };
  }

  #note(certificate: string | undefined): void {
    if (certificate === undefined || this.certificates.includes(certificate)) return;
    if (this.certificates.length < mostCertificates) this.certificates.push(certificate);
  }

  #ended(error: FlashwaveError | undefined): void {
    const step = this.steps.at(-1);
    if (step === undefined) return;
    step.endedAt = this.now();
    step.error = error;
  }
}
