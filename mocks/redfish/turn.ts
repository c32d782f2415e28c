import type { IncomingMessage, ServerResponse } from "node:http";
import { handsOn, playRaw } from "../raw.ts";
import type { SeenRequest } from "../records.ts";
import type { RedfishFault, RedfishPurpose } from "./options.ts";
import { Push } from "./push.ts";
import { internalError, type Reply } from "./replies.ts";
import { paths } from "./resources.ts";
import type { RedfishService } from "./service.ts";

/** Of a message that is kept: how large a body may be that is no image. */
const smallBody = 65_536;

export function respond(response: ServerResponse, reply: Reply, pad = 0): void {
  const { status, headers, json, after } = reply;
  const bytes = json === undefined ? "" : `${JSON.stringify(json)}${" ".repeat(pad)}`;
  const length = status === 204 ? {} : { "content-length": String(Buffer.byteLength(bytes)) };
  response.writeHead(status, { ...(json && { "content-type": "application/json" }), ...headers, ...length });
  response.end(bytes, () => after?.());
}

/** One request and its answer, under at most one fault. */
export class Turn {
  readonly #service: RedfishService;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #fault: RedfishFault | undefined;
  readonly #seen: SeenRequest;
  readonly #push: Push | undefined;
  #body = "";
  #bytes = 0;

  constructor(
    service: RedfishService,
    request: IncomingMessage,
    response: ServerResponse,
    purpose: RedfishPurpose,
    fault: RedfishFault | undefined,
    seen: SeenRequest,
  ) {
    this.#service = service;
    this.#request = request;
    this.#response = response;
    this.#fault = fault;
    this.#seen = seen;
    if (purpose === "push") this.#push = new Push(service, seen);
    if (fault?.kind === "status" && fault.after === 0) this.#status(fault);
    if (fault?.kind === "raw" && fault.at === 0) this.#raw(fault);
    request.on("data", (chunk: Buffer) => this.#take(chunk));
    request.on("end", () => this.#end());
    request.on("close", () => this.#push?.lost());
    request.on("error", () => {});
  }

  #take(chunk: Buffer): void {
    const fault = this.#fault;
    const before = this.#bytes;
    this.#bytes += chunk.length;
    if (this.#push) this.#push.write(chunk);
    else if (this.#body.length < smallBody) this.#body += chunk.toString();
    const passes = (at: number) => before < at && this.#bytes >= at;
    if (fault?.kind === "status" && fault.after !== undefined && passes(fault.after)) this.#status(fault);
    if (fault?.kind === "cut" && typeof fault.at === "number" && passes(fault.at))
      this.#request.socket.resetAndDestroy();
    if (fault?.kind === "raw" && fault.at !== undefined && passes(fault.at)) this.#raw(fault);
    if (fault?.kind === "stop-reading" && passes(fault.at)) this.#request.pause();
  }

  #end(): void {
    const fault = this.#fault;
    const ignored = fault !== undefined && !this.#follows(fault);
    if (fault?.kind === "raw" && fault.fetched !== undefined) this.#standAt(fault.fetched, fault);
    const reply = this.#push?.end(ignored) ?? (ignored ? internalError : this.#service.answer(this.#seen, this.#body));
    if (this.#response.headersSent) return;
    if (fault === undefined) respond(this.#response, reply);
    else this.#spoil(fault, reply);
  }

  /** Whether what was asked is done, though its answer is spoilt. */
  #follows(fault: RedfishFault): boolean {
    if (fault.kind === "raw") return fault.fetched !== undefined;
    if (fault.kind === "oversize" || (fault.kind === "cut" && fault.at === "installed")) return true;
    return fault.kind === "malformed" && this.#seen.path === paths.pull;
  }

  #spoil(fault: RedfishFault, reply: Reply): void {
    switch (fault.kind) {
      case "status":
        this.#status(fault);
        break;
      case "cut":
        this.#request.socket.resetAndDestroy();
        reply.after?.();
        break;
      case "raw":
        if (fault.at === undefined && fault.fetched === undefined) this.#raw(fault);
        break;
      case "malformed":
        this.#request.socket.end("SSH-2.0-dropbear\r\n");
        break;
      case "body":
        this.#response.writeHead(200, { "content-length": String(Buffer.byteLength(fault.body)) }).end(fault.body);
        break;
      case "oversize":
        respond(this.#response, reply, fault.bytes);
        break;
      default: // Silence, and a reader that stopped: nothing more comes.
    }
  }

  /** Of the fetch that the order leads to. */
  #standAt(at: number, fault: Extract<RedfishFault, { kind: "raw" }>): void {
    const over = new AbortController();
    const reached = () => {
      this.#raw(fault);
      over.abort();
    };
    this.#service.pullFaults.unshift({ kind: "stand", at, reached, until: over.signal });
  }

  /** Beneath the response, which never begins. */
  #raw({ steps, ending = "fin" }: Extract<RedfishFault, { kind: "raw" }>): void {
    const hands = handsOn(this.#request.socket, () => this.#request.pause());
    playRaw(hands, this.#seen, steps, ending);
  }

  #status({ status, headers = {}, body = "" }: Extract<RedfishFault, { kind: "status" }>): void {
    if (this.#response.headersSent) return;
    this.#response.writeHead(status, { "content-length": String(Buffer.byteLength(body)), ...headers }).end(body);
  }
}
