import { adminPrefix } from "./admin.ts";
import type { Connection } from "./connection.ts";
import type { SimulatedDevice } from "./device.ts";
import type { Dialect, Unwrapping } from "./dialect.ts";
import { type Play, playOf } from "./plays.ts";
import type { Reception } from "./reception.ts";
import type { Endpoint, RequestHead, SeenRequest } from "./records.ts";
import { type Reply, wholeReply } from "./replies.ts";
import type { Answer } from "./routes.ts";

const empty: Play = Object.freeze({});
const smallBody = 65_536;

/**
 * One request and its answer, under at most one fault.
 *
 *     head ─▶ body … ─▶ (byte `at`: the fault may act) … ─▶ end: the device acts ─▶ answer, spoilt or not ─▶ after
 *
 * What the device does after its answer (to restart) it does as well when nobody is left to hear the answer.
 */
export class Exchange {
  readonly connection: Connection;
  readonly device: SimulatedDevice;
  readonly head: RequestHead;
  readonly endpoint: Endpoint | "other";
  readonly #dialect: Dialect;
  readonly #play: Play;
  #unwrapping: Unwrapping | undefined;
  #reception: Reception | undefined;
  #body = "";
  #bytes = 0;
  #answered = false;
  #after: (() => void) | undefined;

  constructor(connection: Connection, device: SimulatedDevice, head: RequestHead, dialect: Dialect) {
    this.connection = connection;
    this.device = device;
    this.head = head;
    this.#dialect = dialect;
    this.endpoint = dialect.endpointOf(head);
    const fault = head.path.startsWith(adminPrefix) ? undefined : device.faults.take(this.endpoint, head.path);
    this.#play = fault ? playOf(fault) : empty;
  }

  /** Whether the client asked for the connection to end after this answer. */
  get closes(): boolean {
    const wish = this.head.headers["connection"]?.toLowerCase();
    return wish === "close" || (this.head.httpVersion === "1.0" && wish !== "keep-alive");
  }

  begin(): void {
    const { connection, device, endpoint, head } = this;
    if (!head.path.startsWith(adminPrefix)) {
      const { number, peer } = connection;
      const seen: SeenRequest = { ...head, endpoint, connection: number, ...(peer === undefined ? {} : { peer }) };
      device.see(seen);
      if (endpoint === "update") {
        this.#reception = device.receive(seen);
        this.#unwrapping = this.#dialect.unwrap?.(head);
      }
    }
    const { at } = this.#play;
    if (head.headers["expect"]?.toLowerCase() === "100-continue" && at !== 0 && !this.#play.onHead) {
      connection.write("HTTP/1.1 100 Continue\r\n\r\n");
    }
    this.#play.onHead?.(this);
    if (at === 0) this.#play.onByte?.(this);
  }

  /** How many bytes of the body may be given to `body` at once, so that the fault acts at its very byte. */
  get room(): number {
    const { at } = this.#play;
    return at === undefined || this.#bytes >= at ? Number.POSITIVE_INFINITY : at - this.#bytes;
  }

  body(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#reception) for (const piece of this.#unwrapping?.write(chunk) ?? [chunk]) this.#reception.write(piece);
    else if (this.#body.length < smallBody) this.#body += chunk.toString();
    if (this.#bytes === this.#play.at) this.#play.onByte?.(this);
  }

  /** The whole request is here. */
  end(): void {
    const result = this.#act();
    this.#after = result.after;
    const reply = this.#play.change?.(result.reply) ?? result.reply;
    if (result.takeOver && !this.#play.write) this.connection.handOver(this.bytesOf(reply), result.takeOver);
    else if (this.#answered) this.done();
    else if (this.#play.write) this.#play.write(this, reply);
    else this.reply(reply);
  }

  /** Writes an answer, and whatever else is to leave behind it in the same breath. */
  reply(reply: Reply, behind: Buffer | string = ""): void {
    this.connection.write(Buffer.concat([this.bytesOf(reply), Buffer.from(behind)]), () => this.done());
  }

  bytesOf(reply: Reply): Buffer {
    const whole = wholeReply(reply, this.closes ? { connection: "close" } : {});
    return this.head.method === "HEAD" ? whole.subarray(0, whole.indexOf("\r\n\r\n") + 4) : whole;
  }

  /** Answers before the request has ended; the rest of it is read and its end is not answered again. */
  replyEarly(reply: Reply, sent?: () => void): void {
    if (this.#answered) return;
    this.#answered = true;
    this.connection.write(this.bytesOf(reply), sent);
  }

  /** The device goes on with what it does after its answer. */
  act(): void {
    const after = this.#after;
    this.#after = undefined;
    after?.();
  }

  /** Answered: the connection is free for the next request. */
  done(): void {
    this.act();
    this.connection.next();
  }

  /** The connection is gone. */
  lost(): void {
    this.#reception?.finish(false, () => "incomplete");
    this.act();
  }

  #act(): Answer {
    const { device, endpoint, head } = this;
    const effect = this.#play.effect ?? { effect: true };
    const asked = { head, body: this.#body };
    if (!this.#reception) return this.#dialect.answer(device, endpoint, asked, effect);
    const form = this.#unwrapping?.end();
    let result: Answer | undefined;
    this.#reception.finish(true, (received) => {
      result = this.#dialect.answer(device, endpoint, { ...asked, received, ...(form && { form }) }, effect);
      return result.outcome ?? "discarded";
    });
    return result ?? this.#dialect.answer(device, endpoint, asked, effect);
  }
}
