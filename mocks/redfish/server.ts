import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer, Server as TlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { SimulatedDevice } from "../device.ts";
import type { RequestHead, SeenRequest } from "../records.ts";
import type { RedfishDeviceOptions, RedfishFault, RedfishPurpose } from "./options.ts";
import type { Reply } from "./replies.ts";
import { purposeOf } from "./requests.ts";
import { errorOf, paths } from "./resources.ts";
import { RedfishService } from "./service.ts";
import { respond, Turn } from "./turn.ts";

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
  /** Where it speaks https: as after a restart, it shows another certificate from now on, at the same address. */
  certify(tls: { readonly key: string; readonly cert: string }): void;
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

  certify({ key, cert }: { readonly key: string; readonly cert: string }): void {
    if (this.#server instanceof TlsServer) this.#server.setSecureContext({ key, cert });
    this.#drop();
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
    const purpose = purposeOf(head);
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
    if (!this.service.sessions.admits(head)) {
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
