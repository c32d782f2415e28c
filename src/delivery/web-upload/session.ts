import { Buffer } from "node:buffer";
import { multipart, type Part } from "../../bytes/index.ts";
import type { DeliverySession, DeliveryTraits, SendStep, Step } from "../../core/delivery.ts";
import { inContext, isFlashwaveError } from "../../core/errors.ts";
import type { Acknowledgement } from "../../core/outcome.ts";
import type { Payload } from "../../core/payload.ts";
import type { ExchangeReply, HeaderBlock } from "../../core/transport.ts";
import { type Bound, exchange, requireYes } from "../shared/exchange.ts";
import { giveOrders, type Order, type OrderName } from "../shared/orders.ts";
import { withDefaults } from "../shared/request-plan.ts";
import { type Filling, fillingOf, fillJson, fillPath, fillText } from "./fill.ts";
import type { UploadPlan } from "./plan.ts";
import { requireTaken, requireUploaded } from "./verdict.ts";

/** One device that takes firmware as the file of a web form. */
export class UploadSession implements DeliverySession {
  readonly #plan: UploadPlan;
  readonly #bound: Bound;
  /** There only where the family or the profile names the request. */
  declare readonly activate?: Order;
  declare readonly commit?: Order;
  declare readonly rollback?: Order;

  constructor(plan: UploadPlan, bound: Bound) {
    this.#plan = plan;
    this.#bound = bound;
    giveOrders(this, plan.orders, bound, {
      requireDone: (reply, request, name) => requireTaken(reply, request, plan, bound, name),
      afterwards: (error, name, step) => this.#committed(error, name, step),
    });
  }

  get traits(): DeliveryTraits {
    return this.#plan.traits;
  }

  async send(payload: Payload, step: SendStep): Promise<Acknowledgement> {
    const plan = this.#plan;
    const { length } = payload.artifact;
    const { filename, before } = plan.settings;
    const texts = [plan.send.path, plan.json ?? "", before, filename, ...plan.fields.map(([, text]) => text)];
    const filling = await fillingOf(texts, payload, plan.settings);
    const headers = callerHeaders(step);
    await this.#before(filling, headers, step);
    const form = multipart(partsOf(plan, payload, filling));
    // The boundary is ours to name: no caller's content-type could be right.
    const block = withDefaults(["content-type", form.contentType], withDefaults(headers, plan.send.headers));
    const send = { ...plan.send, path: fillPath(plan.send.path, filling) };
    const upload = { ...step, onSent: step.onSent && artifactBytes(form.segments, length, step.onSent) };
    return exchange(
      this.#bound,
      send,
      upload,
      "send",
      (reply) => {
        requireUploaded(reply, send, plan, this.#bound);
        return { status: reply.status, bytes: length };
      },
      block,
      form.segments,
      plan.challenge,
    );
  }

  /** After a commit that failed: many devices refuse one where nothing is on trial, and some say elsewhere that it is so. */
  async #committed(error: unknown, name: OrderName, step: Step): Promise<void> {
    const { committed } = this.#plan;
    if (name !== "commit" || committed === undefined || step.signal?.aborted) throw error;
    const yes = (reply: ExchangeReply) => requireYes(reply, committed, this.#bound, name);
    await exchange(this.#bound, committed, step, name, yes).catch(() => {
      throw error; // what else it is asked in vain is no news of the commit
    });
  }

  /** Whatever becomes of it, of the artifact no byte has left. */
  async #before(filling: Filling, headers: HeaderBlock, { deadline, signal }: Step): Promise<void> {
    const { before } = this.#plan;
    if (before === undefined) return;
    const request = { ...before, path: fillPath(before.path, filling) };
    const block = withDefaults(headers, before.headers);
    try {
      await exchange(
        this.#bound,
        request,
        { deadline, signal },
        "send",
        (reply) => requireTaken(reply, request, this.#plan, this.#bound, "send"),
        block,
      );
    } catch (error) {
      throw isFlashwaveError(error) ? inContext(error, { bytesOut: "none" }) : error;
    }
  }
}

/** JSON, then fields, then the file: devices that read as they go must know what the file is for. */
function partsOf({ settings, json, fields }: UploadPlan, payload: Payload, filling: Filling): readonly Part[] {
  const { field, filename, contentType, jsonField } = settings;
  const first: readonly Part[] =
    json === undefined
      ? []
      : [{ name: jsonField, contentType: "application/json", body: Buffer.from(fillJson(json, filling)) }];
  const before = fields.map(([name, text]) => ({ name, body: Buffer.from(fillText(text, filling)) }));
  const body = payload.slice(0, payload.artifact.length);
  return [...first, ...before, { name: field, filename: fillText(filename, filling), contentType, body }];
}

/** What the caller added to this one push. */
function callerHeaders({ headers = {} }: SendStep): HeaderBlock {
  return Object.entries(headers).flatMap(([name, value]) => [name.toLowerCase(), value]);
}

/** Bytes of a form as bytes of the artifact in it: its file is the last part, its end the last segment. */
function artifactBytes(
  segments: readonly { readonly length: number }[],
  length: number,
  report: (bytes: number) => void,
): (bytes: number) => void {
  const ahead = segments.slice(0, -2).reduce((sum, segment) => sum + segment.length, 0);
  return (bytes) => report(Math.min(length, Math.max(0, bytes - ahead)));
}
