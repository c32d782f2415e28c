import type { DeliverySession, DeliveryTraits, ResumeToken, SendStep, Step } from "../../core/delivery.ts";
import { FlashwaveError } from "../../core/errors.ts";
import type { Acknowledgement } from "../../core/outcome.ts";
import type { Payload } from "../../core/payload.ts";
import type { Bound } from "../shared/exchange.ts";
import { giveOrders, type Order } from "../shared/orders.ts";
import { isUploadPath } from "./location.ts";
import type { Plan } from "./plan.ts";
import type { Server } from "./protocol.ts";
import { Talk } from "./talk.ts";
import { Upload } from "./upload.ts";

/** One device that takes resumable uploads. Its calls share what the server said of itself. */
export class TusSession implements DeliverySession {
  readonly #plan: Plan;
  readonly #bound: Bound;
  #server: Server | undefined;
  /** There only where the profile names the request. */
  declare readonly activate?: Order;
  declare readonly commit?: Order;
  declare readonly rollback?: Order;

  constructor(plan: Plan, bound: Bound) {
    this.#plan = plan;
    this.#bound = bound;
    giveOrders(this, plan, bound);
  }

  get traits(): DeliveryTraits {
    return this.#plan.traits;
  }

  async send(payload: Payload, step: SendStep): Promise<Acknowledgement> {
    const { resume } = step;
    const path = resume && this.#pathOf(resume);
    const talk = new Talk(this.#plan, this.#bound, step);
    const server = await this.#ask(talk);
    const upload = new Upload(talk, server, payload, step);
    return path === undefined ? upload.begin() : upload.goOn(path);
  }

  async discard(token: ResumeToken, step: Step): Promise<void> {
    const path = this.#pathOf(token);
    const talk = new Talk(this.#plan, this.#bound, step);
    const { termination } = await this.#ask(talk);
    if (!termination) throw talk.unsupported("does not let uploads be terminated; it will forget this one by itself");
    await talk.terminate(path);
  }

  async #ask(talk: Talk): Promise<Server> {
    this.#server ??= await talk.options();
    return this.#server;
  }

  /** A token may come from a file: its path is checked like one that a device named. */
  #pathOf({ delivery, device, origin, state }: ResumeToken): string {
    const { upload } = state;
    const ours = delivery === "tus" && device === this.#bound.device.id && origin === this.#bound.context.origin;
    if (ours && upload !== undefined && isUploadPath(upload)) return upload;
    const message = "The token is not one that this delivery made for this device at this address. Start without it.";
    throw new FlashwaveError("invalid_option", message, { phase: "prepare", device: this.#bound.device.id });
  }
}
