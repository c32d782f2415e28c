import { Agent, buildConnector, Client, type Dispatcher } from "undici";
import type { Context, Runner } from "../types.ts";
import { asReadable, makeBody } from "./bodies.ts";
import { host, Lazy, pump, pushHeaders, withLength } from "./shared.ts";

/** What a bare handler must do: keep the status, join the body, parse it where the answer is wanted. */
export class Handler implements Dispatcher.DispatchHandler {
  readonly #parse: boolean;
  readonly #done: (error?: unknown) => void;
  #status = 0;
  #body: Buffer | undefined;

  constructor(parse: boolean, done: (error?: unknown) => void) {
    this.#parse = parse;
    this.#done = done;
  }

  onRequestStart(): void {}

  onResponseStart(_controller: Dispatcher.DispatchController, status: number): void {
    this.#status = status;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#body = this.#body === undefined ? chunk : Buffer.concat([this.#body, chunk]);
  }

  onResponseEnd(): void {
    if (this.#status !== 200) this.#done(new Error(`status ${this.#status}`));
    else if (this.#parse && readVersion(this.#body) !== "2.4.0") this.#done(new Error("wrong version"));
    else this.#done();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#done(error);
  }
}

/** The version in a JSON answer, however wrong the answer is. */
export function readVersion(body: Buffer | undefined): unknown {
  return (JSON.parse(body?.toString("latin1") ?? "null") as { version?: unknown } | null)?.version;
}

/**
 * The least undici can do: one Client per device, `dispatch`, a handler without a stream. The variants `agent` and
 * `untuned` leave the choice of connections, and their options, to undici.
 */
export async function prepare({ parameters, port, file }: Context): Promise<Runner> {
  const lanes = lanesOf(parameters.variant, parameters.devices, port);
  const body = await makeBody(parameters, file);
  const get = parameters.method === "GET";
  const plain = parameters.body === undefined || parameters.body === "memory";
  const headers = (plain ? pushHeaders : withLength(parameters.bytes ?? 0)) as string[];
  return {
    run: (ops) =>
      pump(parameters.inFlight, ops, (index, done) => {
        const { dispatcher, origin } = lanes.at(index);
        dispatcher.dispatch(
          get
            ? { origin, path: "/version", method: "GET" }
            : { origin, path: "/update", method: "POST", headers, body: asReadable(body()) },
          new Handler(get, done),
        );
      }),
    close: async () => void (await Promise.all(lanes.made().map(({ dispatcher }) => dispatcher.destroy()))),
  };
}

interface Lane {
  readonly dispatcher: Dispatcher;
  readonly origin: string;
}

function lanesOf(variant: string | undefined, devices: number, port: number): Lazy<Lane> {
  const originOf = (index: number): string => `http://${host(index)}:${port}`;
  if (variant === "agent") {
    const dispatcher = new Agent();
    return new Lazy(devices, (index) => ({ dispatcher, origin: originOf(index) }));
  }
  const connect = buildConnector({ allowH2: false, autoSelectFamily: false });
  const tuned = { allowH2: false, connect, keepAliveTimeout: 600_000, headersTimeout: 60_000, bodyTimeout: 60_000 };
  return new Lazy(devices, (index) => {
    const origin = originOf(index);
    return { dispatcher: variant === "untuned" ? new Client(origin) : new Client(origin, tuned), origin };
  });
}
