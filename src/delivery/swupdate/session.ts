import type { DeliverySession, DeliveryTraits, SendStep, Step } from "../../core/delivery.ts";
import { type FlashwaveError, inContext, isFlashwaveError } from "../../core/errors.ts";
import type { Acknowledgement, Receipt } from "../../core/outcome.ts";
import type { Payload } from "../../core/payload.ts";
import type { ChannelRequest } from "../../core/transport.ts";
import { type Bound, exchange, requireYes } from "../shared/exchange.ts";
import { answered, type Ending, unanswered } from "./ending.ts";
import { busy, failed, noChannel, requireEndpoint, stillAtWork, underWay, unsettled } from "./errors.ts";
import { formOf, longestWait } from "./form.ts";
import { Listener } from "./listener.ts";
import type { SwupdatePlan } from "./options.ts";

/** Made once: without one, each abort makes an error with a stack. */
const ended = "the upload has ended";

/**
 * One device that runs SWUpdate. The websocket is opened before the first send and kept until the end: it tells what
 * became of each, and whether the device is at another update.
 */
export class SwupdateSession implements DeliverySession {
  readonly #plan: SwupdatePlan;
  readonly #bound: Bound;
  readonly #listener: Listener;
  /** What the upload was last answered, for an error that comes of the verdict. */
  #status = 0;
  /** There only where the device is to be told to restart. */
  declare readonly activate?: (receipt: Receipt, step: Step) => Promise<void>;

  constructor(plan: SwupdatePlan, bound: Bound) {
    this.#plan = plan;
    this.#bound = bound;
    this.#listener = new Listener(bound.context.clock);
    if (plan.restart !== undefined) {
      Object.defineProperty(this, "activate", { value: (_: Receipt, step: Step) => this.#restart(step) });
    }
  }

  get traits(): DeliveryTraits {
    return this.#plan.traits;
  }

  async send(payload: Payload, step: SendStep): Promise<Acknowledgement> {
    this.#listener.onInstalling = step.onInstalling;
    await this.#reach(step);
    const { length: bytes } = payload.artifact;
    if (await this.#installedMeanwhile(step)) return { status: 0, bytes };
    this.#listener.tell({ kind: "sending", at: this.#bound.context.clock.now() });
    if (this.#listener.state.stage === "busy") throw busy(this.#bound.device);
    const ending = await this.#upload(payload, step);
    this.#status = ending.status;
    if (ending.error === undefined) return { status: ending.status, bytes };
    if (ending.event.kind !== "broken") throw ending.error;
    await this.#hearOut(ending.error, step);
    return { status: 0, bytes };
  }

  async settle(_receipt: Receipt, step: Step): Promise<"installed" | "lost"> {
    this.#listener.onInstalling = step.onInstalling;
    const decision = await this.#listener.decision(step);
    if (decision.next === "failed") throw this.#failed("all", false);
    if (decision.next === "late") throw underWay(this.#bound.device);
    return decision.next === "installed" ? "installed" : "lost";
  }

  async close(): Promise<void> {
    this.#listener.close();
  }

  /**
   * All that can be known before a byte of the artifact leaves. That the websocket opens, at SWUpdate's own path, shows its
   * web server, which then has SWUpdate's own path for uploads. What else there may be before a device is asked.
   */
  async #reach(step: Step): Promise<void> {
    const { context } = this.#bound;
    try {
      const listening = this.#listener.open ? undefined : this.#listen(step);
      if (this.#plan.usual && context.credentials === undefined) await listening;
      else await this.#both(listening, step);
    } catch (error) {
      throw isFlashwaveError(error) ? inContext(error, { bytesOut: "none" }) : error;
    }
  }

  /**
   * Two questions, each on a connection of its own, asked at once where no login is to be learnt from the first answer.
   * What the websocket says goes first, whichever ends first.
   */
  async #both(listening: Promise<void> | undefined, step: Step): Promise<void> {
    if (this.#bound.context.credentials !== undefined) await listening;
    const [heard, asked] = await Promise.allSettled([listening, this.#ask(step)]);
    if (heard.status === "rejected") throw heard.reason;
    if (asked.status === "rejected") throw asked.reason;
  }

  /**
   * With its own method the upload's path would begin an update. Asked like this a SWUpdate says 405; what has no such
   * path, 404. The connection that asked is spoilt for an upload: mongoose has it down for one that went wrong.
   */
  #ask(step: Step): Promise<void> {
    const { path, headers } = this.#plan.send;
    const question = { method: "GET", path, headers, checks: [] };
    const alone = { ...step, onSent: undefined, pace: undefined, keepAlive: false };
    return exchange(this.#bound, question, alone, "connect", (reply) => requireEndpoint(reply, this.#bound));
  }

  async #listen({ deadline, signal }: Step): Promise<void> {
    this.#listener.forget();
    const { device, context, authorization } = this.#bound;
    const { onText } = this.#listener;
    const { pins } = device;
    const request: ChannelRequest = { path: this.#plan.channel, phase: "connect", deadline, signal, pins, onText };
    const opened = await (authorization?.channel(request) ?? context.transport.channel(context.origin, request));
    if ("status" in opened) throw noChannel(opened, this.#bound);
    this.#listener.listen(opened);
  }

  /**
   * A device that is still at what this session sent before is heard out first. Whether that was given up for lost and
   * has now been installed after all: then sending again would only flash it twice.
   */
  async #installedMeanwhile(step: Step): Promise<boolean> {
    const { stage, began } = this.#listener.state;
    if (!began || (stage !== "received" && stage !== "broken")) return false;
    const { next } = await this.#listener.decision(step);
    return stage === "broken" && next === "installed";
  }

  /** Sends the image, and no more of it to a device that has failed and does not answer. */
  async #upload(payload: Payload, step: SendStep): Promise<Ending> {
    const stop = new AbortController();
    const over = new AbortController();
    const { deadline } = step;
    const watching = this.#listener.decision({ deadline, signal: over.signal }).then(
      ({ next }) => next === "stop" && stop.abort(),
      () => undefined,
    );
    const signal = step.signal === undefined ? stop.signal : AbortSignal.any([step.signal, stop.signal]);
    try {
      const ending = await this.#exchanged(payload, { ...step, signal }, stop.signal);
      this.#listener.tell(ending.event);
      return ending;
    } finally {
      over.abort(ended);
      await watching;
    }
  }

  async #exchanged(payload: Payload, step: SendStep, stop: AbortSignal): Promise<Ending> {
    const { send } = this.#plan;
    let begun = false;
    const gate = async () => {
      await this.#listener.takenOn(longestWait);
      begun = true;
    };
    try {
      const { headers, body, onSent } = formOf(payload, send.headers, step, gate);
      const as = <T>(reply: T) => reply;
      const reply = await exchange(this.#bound, send, { ...step, onSent }, "send", as, headers, body);
      return answered(reply, send, begun, this.#bound);
    } catch (error) {
      if (!isFlashwaveError(error)) throw error;
      return unanswered(error, stop.aborted, this.#bound);
    }
  }

  /** After an upload without an answer to rely on: returns when the device says that it installed the image all the same. */
  async #hearOut(error: FlashwaveError, step: Step): Promise<void> {
    const { bytesOut } = error;
    const decision = await this.#listener.decision(step).catch((cut: unknown) => {
      throw isFlashwaveError(cut) ? inContext(cut, { phase: "send", bytesOut }) : cut;
    });
    if (decision.next === "installed") return;
    if (decision.next === "failed") throw this.#failed(bytesOut, decision.interrupted);
    const { began, wholly } = this.#listener.state;
    throw decision.next === "late" && began && wholly ? stillAtWork(error, this.#bound.device) : error;
  }

  #failed(bytesOut: FlashwaveError["bytesOut"], interrupted: boolean): FlashwaveError {
    const { complaints } = this.#listener.state;
    return failed(this.#bound.device, { complaints, status: this.#status, bytesOut, interrupted });
  }

  /** Not before it is known that the install has ended: in the middle of it a restart could leave nothing to boot. */
  async #restart(step: Step): Promise<void> {
    const { restart } = this.#plan;
    if (this.#listener.state.verdict !== "installed") throw unsettled(this.#bound.device);
    if (restart === undefined) return;
    await exchange(this.#bound, restart, step, "activate", (reply) =>
      requireYes(reply, restart, this.#bound, "activate"),
    );
  }
}
