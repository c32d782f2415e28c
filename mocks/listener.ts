import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TlsOptions, type Server as TlsServer } from "node:tls";
import { Connection, type Host } from "./connection.ts";
import type { SimulatedDevice } from "./device.ts";
import type { Fault, FaultQueue } from "./faults.ts";
import { rawReply } from "./malformed.ts";

export interface ListenerTls {
  /** PEM. */
  readonly key: string | Buffer;
  readonly cert: string | Buffer;
  /** Asks clients for a certificate of this CA and turns all others away. */
  readonly ca?: string | Buffer;
  readonly minVersion?: "TLSv1.2" | "TLSv1.3";
  readonly maxVersion?: "TLSv1.2" | "TLSv1.3";
}

export interface ListenerOptions extends Host {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly tls?: ListenerTls | undefined;
  /** The one device behind it: it counts connections, plays connect faults, and nobody gets in while it restarts. */
  readonly device?: SimulatedDevice;
  readonly faults: FaultQueue;
  readonly whileRebooting?: "reset" | "refuse" | undefined;
}

/** Accepts connections for one device or for many. Binds loopback only when told a loopback host. */
export class Listener {
  readonly #options: ListenerOptions;
  readonly #server: Server;
  readonly #tls: TlsServer | undefined;
  readonly #sockets = new Set<Socket>();
  /** Plain sockets whose handshake is under way, by the client's end. */
  readonly #shaking = new Map<string, Socket>();
  #port: number;
  #connections = 0;
  #listening: Promise<void> = Promise.resolve();

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#port = options.port;
    this.#server = createServer((socket) => this.#accept(socket));
    if (options.tls) this.#tls = this.#secure(options.tls);
    options.device?.on("rebooting", () => this.#onReboot());
    options.device?.on("booted", () => {
      if (options.whileRebooting === "refuse") this.#listening = this.listen();
    });
  }

  get port(): number {
    return this.#port;
  }
  get url(): string {
    return `${this.#tls ? "https" : "http"}://${this.#options.host}:${this.#port}`;
  }
  /** Settled unless it is about to listen again by itself. */
  get listening(): Promise<void> {
    return this.#listening;
  }
  /** Connections open now. */
  get open(): number {
    return this.#sockets.size;
  }

  /** Starts to listen, or starts again at the same port. */
  async listen(): Promise<void> {
    const { host } = this.#options;
    if (this.#server.listening) return;
    this.#server.listen({ host, port: this.#port, backlog: 4096 });
    await once(this.#server, "listening");
    const address = this.#server.address();
    if (address !== null && typeof address === "object") this.#port = address.port;
  }

  /** From now on connections are refused by the kernel. Those that are open stay. */
  refuse(): void {
    if (this.#server.listening) this.#server.close();
  }

  /** Shows another certificate from now on, and cuts all connections, as after a restart. */
  certify({ key, cert }: Pick<ListenerTls, "key" | "cert">): void {
    this.#tls?.setSecureContext({ ...this.#options.tls, key, cert });
    this.drop();
  }

  /** Cuts all connections. */
  drop(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.drop();
    if (this.#server.listening) this.#server.close();
    this.#tls?.removeAllListeners();
    while (this.#sockets.size > 0) await new Promise((resolve) => setImmediate(resolve));
  }

  #accept(socket: Socket): void {
    const { device, faults } = this.#options;
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => {});
    this.#connections++;
    if (device?.rebooting) {
      device.counters.turnedAway++;
      socket.resetAndDestroy();
      return;
    }
    if (device) device.counters.connections++;
    const fault = faults.take("connect");
    if (fault) this.#spoil(socket, fault);
    else this.#serve(socket);
  }

  /** What can go wrong before the first byte of TLS or HTTP. */
  #spoil(socket: Socket, fault: Fault): void {
    const end = (how: "fin" | "rst") => (how === "rst" ? socket.resetAndDestroy() : socket.end().resume());
    if (fault.kind === "cut") end(fault.ending ?? "rst");
    else if (fault.kind === "blackhole") socket.resume();
    else if (fault.kind === "hold") socket.pause();
    else if (fault.kind === "delay") {
      const cancel = this.#options.clock.after(fault.ms, () => this.#serve(socket));
      socket.on("close", cancel);
    } else if (fault.kind === "malformed") {
      const { reply, afterwards = "fin" } = fault;
      socket.resume();
      socket.write(rawReply(reply), "latin1", () => afterwards !== "hold" && end(afterwards));
    }
  }

  #serve(socket: Socket): void {
    if (!this.#tls) {
      new Connection(socket, socket, this.#connections, this.#options);
      return;
    }
    const key = `${socket.remoteAddress}:${socket.remotePort}`;
    this.#shaking.set(key, socket);
    socket.on("close", () => this.#shaking.delete(key));
    this.#tls.emit("connection", socket);
  }

  #secure({ key, cert, ca, minVersion, maxVersion }: ListenerTls): TlsServer {
    const options: TlsOptions = { key, cert, ALPNProtocols: ["http/1.1"] };
    if (ca) Object.assign(options, { ca, requestCert: true, rejectUnauthorized: true });
    if (minVersion) options.minVersion = minVersion;
    if (maxVersion) options.maxVersion = maxVersion;
    const server = createTlsServer(options, (secure) => {
      const key = `${secure.remoteAddress}:${secure.remotePort}`;
      const plain = this.#shaking.get(key);
      this.#shaking.delete(key);
      if (plain) new Connection(secure, plain, this.#connections, this.#options);
      else secure.destroy();
    });
    return server.on("tlsClientError", (_, secure) => secure.destroy());
  }

  #onReboot(): void {
    if (this.#options.whileRebooting === "refuse") this.refuse();
    this.drop();
  }
}
