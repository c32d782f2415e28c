import { hash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { createPace } from "../../bytes/index.ts";
import type { Device } from "../../core/device.ts";
import { FlashwaveError } from "../../core/errors.ts";
import type { Payload } from "../../core/payload.ts";
import type { Publication, Publisher, PublishOptions } from "../../core/publication.ts";
import type { Pace } from "../../core/transport.ts";
import { answer, refuse } from "./answer.ts";
import { Offer } from "./offer.ts";
import { type ArtifactServerOptions, invalidOption, resolveOptions, type Settings } from "./options.ts";

export interface ArtifactServerStatistics {
  readonly publications: number;
  readonly connections: number;
  /** Since the server was made: all requests, and those that led nowhere. */
  readonly requests: number;
  readonly refused: number;
}

/** Serves artifacts to devices that pull, each under a URL of its own. Close it when the last push has ended. */
export interface ArtifactServer extends Publisher, AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** What its URLs begin with. */
  readonly url: string;
  statistics(): ArtifactServerStatistics;
  /** Ends every publication and connection. */
  close(): Promise<void>;
}

/** 256 bits: nobody guesses it. */
const tokenBytes = 32;

/**
 * Starts a server for devices that are told a URL and fetch the artifact themselves: GET and HEAD, ranges, strong tags,
 * exact lengths. A URL names one artifact for one device, cannot be guessed, and leads nowhere once its publication has
 * ended; every other path answers 404. It listens on loopback unless told otherwise.
 *
 * @throws `invalid_option`, also where it cannot listen
 * @example
 * await using server = await createArtifactServer({ host: "10.0.0.2", port: 8080 });
 * await using client = createClient({ deliveries: [shellyGen2({ publisher: server })] });
 */
export async function createArtifactServer(options: ArtifactServerOptions = {}): Promise<ArtifactServer> {
  const server = new HttpArtifactServer(resolveOptions(options));
  await server.listen();
  return server;
}

class HttpArtifactServer implements ArtifactServer {
  readonly #settings: Settings;
  readonly #server: Server;
  readonly #pace: Pace | undefined;
  /** By the digest of their path, so that how long a look-up takes tells nothing of a token. */
  readonly #offers = new Map<string, Offer>();
  #connections = 0;
  #requests = 0;
  #refused = 0;
  #closed: Promise<void> | undefined;

  constructor(settings: Settings) {
    this.#settings = settings;
    const { tls, bytesPerSecond, clock } = settings;
    this.#pace = createPace({ bytesPerSecond, clock });
    this.#server = open(settings, tls, (request, response) => this.#serve(request, response));
    this.#server.maxConnections = settings.connections;
    this.#server.on("connection", (socket) => {
      this.#connections++;
      socket.once("close", () => this.#connections--);
    });
  }

  get host(): string {
    return this.#settings.host;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? 0;
  }

  get url(): string {
    const { publicUrl, tls, host } = this.#settings;
    if (publicUrl !== undefined) return publicUrl;
    return `${tls ? "https" : "http"}://${host.includes(":") ? `[${host}]` : host}:${this.port}`;
  }

  async listen(): Promise<void> {
    const { host, port } = this.#settings;
    try {
      this.#server.listen({ host, port });
      await once(this.#server, "listening");
    } catch (cause) {
      const code = (cause as NodeJS.ErrnoException).code ?? "unknown";
      throw invalidOption(`cannot listen on ${host}, port ${port} (${code}); choose another host or port`, cause);
    }
  }

  async publish(payload: Payload, device: Device, options: PublishOptions = {}): Promise<Publication> {
    if (this.#closed !== undefined) {
      const message = "The artifact server was closed. Keep it open until every push has settled.";
      throw new FlashwaveError("client_closed", message, { phase: "send", device: device.id });
    }
    const { url } = this;
    // Devices look at how a URL ends: some take a .zip or .swu alone.
    const path = `/${randomBytes(tokenBytes).toString("base64url")}/${encodeURIComponent(payload.artifact.name.toWellFormed())}`;
    const key = keyOf(path);
    const expiring = new AbortController();
    const onEnd = () => {
      this.#offers.delete(key);
      expiring.abort();
    };
    const offer = new Offer({ ...options, url: url + path, payload, shared: this.#pace, onEnd });
    this.#offers.set(key, offer);
    const { expiry, clock } = this.#settings;
    if (expiry !== undefined) {
      clock.sleep(expiry, expiring.signal).then(
        () => offer.end(),
        () => undefined, // it ended before
      );
    }
    return offer;
  }

  statistics(): ArtifactServerStatistics {
    const [connections, requests, refused] = [this.#connections, this.#requests, this.#refused];
    return { publications: this.#offers.size, connections, requests, refused };
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    for (const offer of this.#offers.values()) offer.end();
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    this.#requests++;
    const offer = this.#find(request);
    const leave = offer?.enter(this.#settings);
    if (offer === undefined || leave === undefined) {
      this.#refused++;
      refuse(response);
    } else if (typeof leave === "string") {
      this.#refused++;
      refuse(response, leave === "many" ? 503 : 429, { "retry-after": "1" });
    } else {
      answer(offer, request, response, this.#settings).then(leave, (error: unknown) => {
        leave();
        request.socket.destroy();
        offer.fail(error);
      });
    }
  }

  #find({ method, url = "" }: IncomingMessage): Offer | undefined {
    if (method !== "GET" && method !== "HEAD") return undefined;
    // A server must take the absolute form of a target too (RFC 9112 §3.2.2).
    const path = url.replace(/^https?:\/\/[^/]*/i, "");
    const direct = this.#offers.get(keyOf(path));
    if (direct !== undefined) return direct;
    // A proxy in front may hand on the path that publicUrl has.
    const { publicUrl } = this.#settings;
    const prefix = publicUrl === undefined ? "/" : new URL(publicUrl).pathname;
    if (prefix === "/" || !path.startsWith(`${prefix}/`)) return undefined;
    return this.#offers.get(keyOf(path.slice(prefix.length)));
  }
}

const keyOf = (path: string): string => hash("sha256", path, "base64");

/** Every bound of node:http that a stranger could lean on, set on purpose. */
function open(
  { headers }: Settings,
  tls: Settings["tls"],
  serve: (request: IncomingMessage, response: ServerResponse) => void,
): Server {
  const bounds: ServerOptions = {
    maxHeaderSize: 8_192,
    headersTimeout: headers,
    requestTimeout: headers,
    connectionsCheckingInterval: Math.min(1_000, headers),
    keepAliveTimeout: 5_000,
    // Small answers must not wait for an acknowledgement.
    noDelay: true,
  };
  if (tls === undefined) return configured(createServer(bounds, serve));
  const { key, cert } = tls;
  const secured = { key: pem(key), cert: pem(cert), minVersion: "TLSv1.2", handshakeTimeout: headers } as const;
  try {
    return configured(createSecureServer({ ...bounds, ...secured, ALPNProtocols: ["http/1.1"] }, serve));
  } catch (cause) {
    throw invalidOption("tls does not hold a key and a certificate that belong together", cause);
  }
}

function configured(server: Server): Server {
  server.maxHeadersCount = 64;
  server.maxRequestsPerSocket = 100;
  return server;
}

const pem = (value: string | Uint8Array) => (typeof value === "string" ? value : Buffer.from(value));
