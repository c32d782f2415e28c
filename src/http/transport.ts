import { FlashwaveError } from "../core/errors.ts";
import type {
  ChannelRequest,
  DeviceChannel,
  ExchangeReply,
  ExchangeRequest,
  Transport,
  TransportStatistics,
} from "../core/transport.ts";
import { parseOrigin } from "./address.ts";
import { planBody } from "./body.ts";
import { Channel, type ChannelHost } from "./channel.ts";
import { DeadlineTable } from "./deadlines.ts";
import { Exchange, type ExchangeHost } from "./exchange.ts";
import { checkHeaders } from "./headers.ts";
import { checkMethod } from "./method.ts";
import { resolveOptions, type Settings, type TransportOptions } from "./options.ts";
import { checkPath } from "./path.ts";
import type { Peer } from "./peer.ts";
import { type PinSet, pinMismatch, pinSet } from "./pinning.ts";
import { Pool } from "./pool.ts";

/**
 * The way to devices over HTTP/1.1. One transport holds the connections to a whole fleet; dispose of it when done.
 * @throws `invalid_option`
 */
export function createTransport(options: TransportOptions = {}): Transport {
  return new HttpTransport(resolveOptions(options));
}

const originsKept = 16_384;

/** What takes a connection of its own for as long as it lasts. */
type Traffic = Exchange | Channel;

class HttpTransport implements Transport, ExchangeHost, ChannelHost {
  readonly settings: Settings;
  readonly #pool: Pool;
  readonly #table: DeadlineTable<Traffic>;
  /** Those for which there is no connection yet, in order. */
  readonly #waiting: Traffic[] = [];
  #channels = 0;
  /** What the pins of a request come to, by the list itself: a device keeps its own. */
  readonly #pinSets = new WeakMap<readonly string[], PinSet>();
  /** Addresses that were found good. The policy never changes, so neither does the answer. */
  readonly #origins = new Map<string, string>();
  #closed = false;

  constructor(settings: Settings) {
    this.settings = settings;
    this.#pool = new Pool(settings);
    this.#table = new DeadlineTable(settings.clock);
  }

  origin(address: string): string {
    const known = this.#origins.get(address);
    if (known !== undefined) return known;
    const origin = parseOrigin(address, this.settings.policy).text;
    // Emptied rather than aged: a fleet that is larger than this pays for parsing, not for bookkeeping.
    if (this.#origins.size >= originsKept) this.#origins.clear();
    this.#origins.set(address, origin);
    return origin;
  }

  exchange<T = ExchangeReply>(
    origin: string,
    request: ExchangeRequest,
    read?: (reply: ExchangeReply) => T,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#refuse(request);
      checkMethod(request.method);
      checkPath(request.path);
      if (request.headers !== undefined) checkHeaders(request.headers);
      const peer = this.#peer(origin, request.pins);
      const plan = planBody(request.body, request.pace !== undefined);
      const exchange = new Exchange(peer, request, plan, this, read, resolve as (value: unknown) => void, reject);
      this.#enter(exchange);
    });
  }

  channel(origin: string, request: ChannelRequest): Promise<DeviceChannel | ExchangeReply> {
    return new Promise((resolve, reject) => {
      this.#refuse(request);
      checkPath(request.path);
      if (request.headers !== undefined) checkHeaders(request.headers);
      this.#enter(new Channel(this.#peer(origin, request.pins), request, this, resolve, reject));
    });
  }

  release(origin: string, pins?: readonly string[]): void {
    this.#pool.release(this.#peer(origin, pins));
  }

  statistics(): TransportStatistics {
    return this.#pool.statistics(this.#table.size - this.#waiting.length - this.#channels);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    const closed = this.#pool.allClosed();
    for (const traffic of this.#table.entries()) traffic.close();
    this.#table.close();
    this.#pool.closeAll();
    await closed;
  }

  opened(): void {
    this.#channels++;
  }

  ended(traffic: Traffic, reusable: boolean): void {
    this.#table.remove(traffic);
    const { connection } = traffic;
    if (traffic instanceof Channel && traffic.open) this.#channels--;
    if (connection === undefined) this.#waiting.splice(this.#waiting.indexOf(traffic), 1);
    else if (reusable) this.#pool.giveBack(connection);
    else this.#pool.discard(connection);
    // Not from inside undici's parser, where this is called.
    if (this.#waiting.length > 0) queueMicrotask(() => this.#admit());
  }

  reused(): void {
    this.#pool.reused();
  }

  #enter(traffic: Traffic): void {
    this.#table.add(traffic);
    const connection = this.#waiting.length === 0 ? this.#pool.take(traffic.peer) : undefined;
    if (connection === undefined) this.#waiting.push(traffic);
    else traffic.begin(connection);
  }

  #admit(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const connection = this.#pool.take(next.peer);
      if (connection === undefined) return;
      this.#waiting.shift();
      next.begin(connection);
    }
  }

  /** What ends an exchange or a channel before it begins. */
  #refuse(request: Pick<ExchangeRequest, "phase" | "signal" | "deadline">): void {
    const { phase, signal } = request;
    if (this.#closed)
      throw new FlashwaveError("client_closed", "The client was closed before this was sent: await every call first.", {
        phase,
      });
    if (signal?.aborted) {
      throw new FlashwaveError("aborted", "The caller's signal had aborted; nothing was sent.", {
        phase,
        cause: signal.reason,
      });
    }
    if (this.settings.clock.now() < request.deadline) return;
    throw new FlashwaveError("deadline_exceeded", "The deadline had passed; nothing was sent.", {
      phase,
      retryable: true,
    });
  }

  #peer(origin: string, pins: readonly string[] | undefined): Peer {
    const set = pins === undefined || pins.length === 0 ? this.settings.pins : this.#pinSet(pins);
    const key = set === undefined ? origin : `${origin} ${set.key}`;
    const known = this.#pool.peer(key);
    if (known !== undefined) return known;
    const parsed = parseOrigin(origin, this.settings.policy);
    if (parsed.text !== origin) {
      const message = `An exchange needs a canonical origin: ${parsed.text}, as transport.origin() gives it.`;
      throw new FlashwaveError("invalid_address", message, { phase: "prepare" });
    }
    if (set !== undefined && !parsed.secure) throw pinMismatch(origin, "is plain http, which presents no certificate");
    const identity = set !== undefined ? "pin" : parsed.secure ? "tls" : "none";
    return { key, origin: parsed, pins: set, identity, idle: undefined, connections: 0 };
  }

  /** Remembered for a list that cannot change any more. */
  #pinSet(pins: readonly string[]): PinSet | undefined {
    const known = this.#pinSets.get(pins);
    if (known !== undefined) return known;
    const set = pinSet(this.settings.pinList, pins);
    if (set !== undefined && Object.isFrozen(pins)) this.#pinSets.set(pins, set);
    return set;
  }
}
