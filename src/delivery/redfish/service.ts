import { Buffer } from "node:buffer";
import { Secret } from "../../core/credentials.ts";
import type { Step } from "../../core/delivery.ts";
import { FlashwaveError, inContext, isFlashwaveError, type Phase } from "../../core/errors.ts";
import type { Segment } from "../../core/payload.ts";
import type { ExchangeReply, HeaderBlock, Pace, PeerIdentity } from "../../core/transport.ts";
import { type Authorization, authorizationOf } from "../shared/authorization.ts";
import { type Bound, replyContext } from "../shared/exchange.ts";
import { readJson } from "../shared/json.ts";
import { replyError, requireSuccess } from "../shared/reply.ts";
import { linkOf, type Resource, valueAt } from "./resource.ts";
import type { Plan } from "./settings.ts";

/** DSP0266 §6.3: the one path that is known beforehand. */
const rootPath = "/redfish/v1/";
/** For the goodbye, which nobody waits for: milliseconds. */
const logoutTimeout = 5_000;
const accept = ["accept", "application/json", "odata-version", "4.0"];
const acceptHeaders: HeaderBlock = Object.freeze(accept);
const jsonHeaders: HeaderBlock = Object.freeze([...accept, "content-type", "application/json"]);
const tokenForm = /^[\x21-\x7e]{1,4096}$/;

export interface Request {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  readonly headers?: HeaderBlock;
  readonly body?: Segment | readonly Segment[];
  readonly onSent?: ((bytes: number) => void) | undefined;
  readonly pace?: Pace | undefined;
}

/** How requests show that they may be made. */
type Login =
  | { readonly kind: "none" }
  | { readonly kind: "basic"; readonly authorization: Authorization | undefined }
  | { readonly kind: "token"; readonly token: Secret; readonly session?: string | undefined };

/**
 * One Redfish service, for the length of one session: its root once it was read, and the login.
 *
 *     root (open to all) → Links.Sessions → login → UpdateService → … → logout
 */
export class Service {
  readonly bound: Bound;
  readonly plan: Plan;
  #root: Resource | undefined;
  #login: Login | undefined;
  /** Whether the device took credentials that its protocol asks for. */
  #accepted = false;
  #peer: PeerIdentity = "none";
  /** The step of the latest request, until that is answered. */
  #waiting: Step | undefined;

  constructor(bound: Bound, plan: Plan) {
    this.bound = bound;
    this.plan = plan;
  }

  get origin(): string {
    return this.bound.context.origin;
  }

  get accepted(): boolean {
    return this.#accepted;
  }

  /** Of the latest answer. */
  get peer(): PeerIdentity {
    return this.#peer;
  }

  async root(step: Step, phase: Phase): Promise<Resource> {
    this.#root ??= await this.#send({ method: "GET", path: rootPath }, step, phase, { kind: "none" }, (reply) => {
      if (reply.status === 404) throw this.#noService(reply, phase);
      return this.#json(reply, "its service root", phase);
    });
    return this.#root;
  }

  /** Read anew each time: what it takes may have changed since the last attempt, and so may our login. */
  async updates(step: Step, phase: Phase): Promise<Resource> {
    const root = await this.root(step, phase);
    const path = this.link(root, "/UpdateService/@odata.id", "UpdateService of its service root", phase);
    return this.read(path, "its update service", step, phase);
  }

  /** @throws as `requireSuccess`; and for what is no JSON `unreadable_state` from a probe, else `unsupported` */
  read(path: string, what: string, step: Step, phase: Phase): Promise<Resource> {
    return this.exchange({ method: "GET", path }, step, phase, (reply) => this.#json(reply, what, phase));
  }

  post<T>(path: string, json: object, step: Step, phase: Phase, read: (reply: ExchangeReply) => T): Promise<T> {
    const body = Buffer.from(JSON.stringify(json));
    return this.exchange({ method: "POST", path, headers: jsonHeaders, body }, step, phase, read);
  }

  /**
   * Logged in first, where there are credentials. A request without a body is sent once more with a new login where the
   * service has forgotten the old one (a restart, its timeout); one with a body follows one without.
   */
  async exchange<T>(request: Request, step: Step, phase: Phase, read: (reply: ExchangeReply) => T): Promise<T> {
    const known = this.#login;
    const login = known ?? (await this.#begin(step, phase));
    this.#login = login;
    if (request.body !== undefined || login !== known || login.kind !== "token" || login.session === undefined) {
      return this.#send(request, step, phase, login, read);
    }
    const told = await this.#send(request, step, phase, login, (reply) =>
      reply.status === 401 ? undefined : { value: read(reply) },
    );
    if (told !== undefined) return told.value;
    this.#login = await this.#begin(step, phase);
    return this.#send(request, step, phase, this.#login, read);
  }

  /** @throws `unreadable_state` or `unsupported` where the link is not there, or leads to another origin */
  link(resource: Resource, pointer: string, what: string, phase: Phase): string {
    const link = linkOf(valueAt(resource, pointer), this.origin);
    if ("path" in link) return link.path;
    const says = {
      absent: "is not there",
      foreign: "leads to another origin, and nothing is sent there",
      unusable: "is no absolute path",
    };
    throw this.unfit(`the ${what} ${says[link.problem]}`, phase);
  }

  /** The device speaks, but not as a Redfish service does. */
  unfit(problem: string, phase: Phase, reply?: ExchangeReply): FlashwaveError {
    const message = `The device answered, but ${problem}. Check that it is a Redfish service, and its firmware's notes.`;
    const code = phase === "inspect" ? "unreadable_state" : "unsupported";
    const context = replyContext(this.bound, phase);
    if (reply !== undefined) return replyError(code, message, reply, context, phase === "inspect");
    return new FlashwaveError(code, message, { phase, device: context.device, retryable: phase === "inspect" });
  }

  /**
   * Logs out, once. A service that cannot be told ends the session by its own timeout; one that is hanging is told too,
   * but a caller who left it, or a deadline that passed over it, does not wait for that.
   */
  async close(): Promise<void> {
    const login = this.#login;
    this.#login = undefined;
    if (login?.kind !== "token" || login.session === undefined) return;
    const now = this.bound.context.clock.now();
    const left = this.#waiting;
    const step = { deadline: now + logoutTimeout };
    const told = this.#send({ method: "DELETE", path: login.session }, step, "settle", login, () => undefined);
    if (left !== undefined && (left.signal?.aborted || left.deadline <= now)) told.catch(() => undefined);
    else await told;
  }

  #send<T>(
    { method, path, headers = acceptHeaders, body, onSent, pace }: Request,
    step: Step,
    phase: Phase,
    login: Login,
    read: (reply: ExchangeReply) => T,
  ): Promise<T> {
    const { transport, origin } = this.bound.context;
    const { pins } = this.bound.device;
    const { deadline, signal } = step;
    this.#waiting = step;
    const request = { method, path, headers, body, phase, deadline, signal, onSent, pace, pins };
    if (login.kind === "basic" && login.authorization !== undefined) {
      const first = body === undefined ? undefined : { method: "GET", path: rootPath };
      return login.authorization.exchange(request, (reply, proved) => this.#seen(reply, proved === true, read), first);
    }
    if (login.kind !== "token") {
      return transport.exchange(origin, request, (reply) => this.#seen(reply, false, read));
    }
    const shown = { ...request, headers: [...headers, "x-auth-token", login.token.reveal()] };
    return transport.exchange(origin, shown, (reply) => this.#seen(reply, false, read));
  }

  #seen<T>(reply: ExchangeReply, proved: boolean, read: (reply: ExchangeReply) => T): T {
    this.#waiting = undefined;
    this.#peer = reply.peer;
    this.#accepted ||= proved;
    return read(reply);
  }

  async #begin(step: Step, phase: Phase): Promise<Login> {
    const { context, device } = this.bound;
    const credentials = await context.credentials?.();
    if (credentials === undefined) return { kind: "none" };
    if (credentials.token !== undefined) return { kind: "token", token: this.#fit(credentials.token) };
    const { auth } = this.plan;
    if (auth === "basic") return { kind: "basic", authorization: authorizationOf(context, device.id, "basic") };
    if (auth === "auto" && !this.origin.startsWith("https:")) {
      const message =
        "Over plain http a login shows the password to the whole way; nothing was sent of it. Use https, or set options.auth to session if the way is safe.";
      throw new FlashwaveError("credentials_failed", message, { phase: "prepare", device: device.id });
    }
    const { username, password } = credentials;
    return this.#logIn({ UserName: username, Password: password.reveal() }, step, phase);
  }

  /** DSP0266 §13.3.4: a session is created by POST; its token goes with every request from then on. */
  async #logIn(user: object, step: Step, phase: Phase): Promise<Login> {
    const root = await this.root(step, phase);
    const path = this.link(root, "/Links/Sessions/@odata.id", "Links.Sessions of its service root", phase);
    const body = Buffer.from(JSON.stringify(user));
    const request: Request = { method: "POST", path, headers: jsonHeaders, body };
    return this.#send(request, step, phase, { kind: "none" }, (reply) => {
      try {
        requireSuccess(reply, replyContext(this.bound, phase, { about: "the login (a session of its own)" }));
      } catch (error) {
        if (!isFlashwaveError(error) || error.code !== "refused") throw error;
        throw inContext(error, {
          message: `The device refused the login (${reply.status}); check the name and password of its credentials.`,
        });
      }
      const token = reply.headers.get("x-auth-token") ?? "";
      if (!tokenForm.test(token)) throw this.unfit("its answer to the login holds no usable X-Auth-Token", phase);
      this.#accepted = true;
      const location = linkOf(reply.headers.get("location"), this.origin);
      const session = "path" in location ? location : linkOf(this.#idOf(reply), this.origin);
      return { kind: "token", token: new Secret(token), ...("path" in session && { session: session.path }) };
    });
  }

  #idOf(reply: ExchangeReply): unknown {
    const json = readJson(reply.body);
    return "value" in json ? valueAt(json.value, "/@odata.id") : undefined;
  }

  #fit(token: Secret): Secret {
    if (tokenForm.test(token.reveal())) return token;
    const message = "The token for this device has characters that no header can carry; nothing was sent.";
    throw new FlashwaveError("credentials_failed", message, { phase: "prepare", device: this.bound.device.id });
  }

  #json(reply: ExchangeReply, what: string, phase: Phase): Resource {
    const context = replyContext(this.bound, phase, { about: `the request for ${what}` });
    if (reply.status === 404 || reply.status === 405) {
      const message = `The device answered ${reply.status} where ${what} should be, though it names the place itself; read it again after its restart.`;
      throw replyError("refused", message, reply, replyContext(this.bound, phase));
    }
    requireSuccess(reply, context);
    const json = readJson(reply.body);
    if ("problem" in json) throw this.unfit(`${what} ${json.problem}`, phase, reply);
    return json.value;
  }

  #noService(reply: ExchangeReply, phase: Phase): FlashwaveError {
    const message = `The device answered 404 at ${rootPath}, where every Redfish service begins; check its address and its delivery.`;
    return replyError("refused", message, reply, replyContext(this.bound, phase));
  }
}
