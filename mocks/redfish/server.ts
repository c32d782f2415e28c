import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { SimulatedDevice } from "../device.ts";
import { handsOn, playRaw } from "../raw.ts";
import type { RequestHead, SeenRequest } from "../records.ts";
import type { RedfishDeviceOptions, RedfishFault, RedfishPurpose } from "./options.ts";
import { Push } from "./push.ts";
import { errorOf, paths } from "./resources.ts";
import { internalError, RedfishService, type Reply } from "./service.ts";

export interface RedfishScriptEntry {
  readonly on: RedfishPurpose;
  readonly fault: RedfishFault;
  /** How often it happens. @default 1 */
  readonly times?: number;
}

export interface RedfishDevice extends AsyncDisposable {
  readonly url: string;
  readonly service: RedfishService;
  readonly device: SimulatedDevice;
  /** Every request's method and path, oldest first. */
  readonly asked: readonly string[];
  readonly connections: number;
  script(...entries: readonly RedfishScriptEntry[]): void;
  close(): Promise<void>;
}

/**
 * Starts a server's management controller as Redfish has it, on loopback: a service root, sessions, an update service
 * with both push URIs, tasks, inventory, one manager and one system. It fetches images from loopback, by http.
 */
export async function startRedfishDevice(options: RedfishDeviceOptions = {}): Promise<RedfishDevice> {
  const running = new Running(options);
  await running.listen();
  return running;
}

/** Of a message that is kept: how large a body may be that is no image. */
const smallBody = 65_536;

class Running implements RedfishDevice {
  readonly service: RedfishService;
  readonly asked: string[] = [];
  readonly #server: Server;
  readonly #sockets = new Map<Socket, number>();
  readonly #script: { readonly on: RedfishPurpose; readonly fault: RedfishFault; times: number }[] = [];
  #connections = 0;

  constructor(options: RedfishDeviceOptions) {
    this.service = new RedfishService(options);
    const serve = (request: IncomingMessage, response: ServerResponse) => this.#serve(request, response);
    this.#server = options.tls ? createTlsServer({ ...options.tls }, serve) : createServer(serve);
    this.#server.requestTimeout = 0;
    this.#server.on("connection", (socket) => this.#accept(socket));
    this.service.device.on("rebooting", () => options.whileRebooting === "unavailable" || this.#drop());
  }

  get url(): string {
    return `${this.service.options.tls ? "https" : "http"}://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }
  get device(): SimulatedDevice {
    return this.service.device;
  }
  get connections(): number {
    return this.#connections;
  }

  async listen(): Promise<void> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
  }

  script(...entries: readonly RedfishScriptEntry[]): void {
    for (const { on, fault, times = 1 } of entries) this.#script.push({ on, fault, times });
  }

  async close(): Promise<void> {
    this.service.close();
    this.#drop();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, "close");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #accept(socket: Socket): void {
    if (this.device.rebooting && this.service.options.whileRebooting !== "unavailable") {
      socket.resetAndDestroy();
      return;
    }
    this.#sockets.set(socket, ++this.#connections);
    socket.setNoDelay(true);
    socket.on("error", () => {});
    socket.on("close", () => this.#sockets.delete(socket));
  }

  #drop(): void {
    for (const socket of this.#sockets.keys()) socket.destroy();
  }

  #take(on: RedfishPurpose): RedfishFault | undefined {
    const index = this.#script.findIndex((entry) => entry.on === on);
    const entry = this.#script[index];
    if (entry !== undefined && --entry.times <= 0) this.#script.splice(index, 1);
    return entry?.fault;
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const head = headOf(request);
    this.asked.push(`${head.method} ${head.path}`);
    const purpose = this.service.purposeOf(head);
    const early = this.#turnedAway(head, purpose);
    if (early !== undefined) {
      respond(response, early);
      request.resume();
      return;
    }
    const { maxImageSizeBytes = Number.POSITIVE_INFINITY } = this.service.options;
    // The web server in front knows a limit of its own for a body, forms and all, and no 413.
    if (purpose === "push" && Number(head.headers["content-length"]) > maxImageSizeBytes + 65_536) {
      request.socket.resetAndDestroy();
      return;
    }
    new Turn(this.service, request, response, purpose, this.#take(purpose), this.#seen(request, head, purpose));
  }

  #seen(request: IncomingMessage, head: RequestHead, purpose: RedfishPurpose): SeenRequest {
    const endpoint = purpose === "push" ? "update" : purpose === "member" ? "version" : "other";
    const seen: SeenRequest = { ...head, endpoint, connection: this.#sockets.get(request.socket) ?? 0 };
    this.device.see(seen);
    return seen;
  }

  /** What is answered before a body is looked at. */
  #turnedAway(head: RequestHead, purpose: RedfishPurpose): Reply | undefined {
    if (this.device.rebooting) {
      return {
        status: 503,
        headers: { "retry-after": "1" },
        json: errorOf("Base.1.13.ServiceTemporarilyUnavailable", "The service is restarting."),
      };
    }
    if (!this.service.admits(head)) {
      return {
        status: 401,
        headers: { "www-authenticate": 'Basic realm="redfish"' },
        json: errorOf("Base.1.13.ResourceAtUriUnauthorized", "Log in first."),
      };
    }
    if (purpose === "push" && (this.service.options.deadPush || head.method !== "POST" || !this.#offers(head.path))) {
      return { status: 404, json: errorOf("Base.1.13.ResourceMissingAtURI", "There is no such resource.") };
    }
    return undefined;
  }

  #offers(path: string): boolean {
    const { push = "both" } = this.service.options;
    return push === "both" || (push !== "none" && path === paths[push]);
  }
}

function headOf(request: IncomingMessage): RequestHead {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) headers[name] = String(value);
  const { method = "", url: path = "", rawHeaders } = request;
  return { method, path, httpVersion: request.httpVersion === "1.0" ? "1.0" : "1.1", headers, rawHeaders };
}

function respond(response: ServerResponse, reply: Reply, pad = 0): void {
  const { status, headers, json, after } = reply;
  const bytes = json === undefined ? "" : `${JSON.stringify(json)}${" ".repeat(pad)}`;
  const length = status === 204 ? {} : { "content-length": String(Buffer.byteLength(bytes)) };
  response.writeHead(status, { ...(json && { "content-type": "application/json" }), ...headers, ...length });
  response.end(bytes, () => after?.());
}

/** One request and its answer, under at most one fault. */
class Turn {
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
    const reply = this.#push?.end(ignored) ?? (ignored ? internalError : this.#service.answer(this.#seen, this.#body));
    if (this.#response.headersSent) return;
    if (fault === undefined) respond(this.#response, reply);
    else this.#spoil(fault, reply);
  }

  /** Whether what was asked is done, though its answer is spoilt. */
  #follows(fault: RedfishFault): boolean {
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
        if (fault.at === undefined) this.#raw(fault);
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
