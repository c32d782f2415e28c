// One fake device, one session and one artifact, for this adapter's own tests.
import { startTusDevice, type TusDevice, type TusDeviceOptions } from "../../../mocks/index.ts";
import { openArtifact } from "../../bytes/index.ts";
import type { Artifact } from "../../core/artifact.ts";
import { systemClock } from "../../core/clock.ts";
import type { DeliveryContext, DeliverySession, ResumeToken, SendStep } from "../../core/delivery.ts";
import { type FlashwaveError, isFlashwaveError } from "../../core/errors.ts";
import type { Acknowledgement } from "../../core/outcome.ts";
import { createTransport } from "../../http/index.ts";
import { pattern } from "../suite/trial.suite.ts";
import { type TusOptions, tus } from "./index.ts";

export interface Stage extends AsyncDisposable {
  readonly server: TusDevice;
  readonly session: DeliverySession;
  readonly artifact: Artifact;
  /** Every token that was told, in order. */
  readonly tokens: ResumeToken[];
  send(changes?: Partial<SendStep>): Promise<Acknowledgement>;
  failure(changes?: Partial<SendStep>): Promise<FlashwaveError>;
  step(changes?: Partial<SendStep>): SendStep;
  /** A token as an earlier process may have left it. */
  token(upload: string, offset?: number): ResumeToken;
  /** Methods and paths of all requests so far. */
  requests(): readonly string[];
  /** A session that knows nothing of the first. */
  another(context?: Partial<DeliveryContext>): DeliverySession;
}

export async function stage(fake: TusDeviceOptions, options: TusOptions = {}, size = 1_000_000): Promise<Stage> {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startTusDevice(fake));
  const transport = stack.use(createTransport({ addressPolicy: { permit: ["127.0.0.0/8"] } }));
  const artifact = stack.use(
    await openArtifact(pattern(size), { name: "fw 1.bin", version: "2.0.0", allowEmpty: true }),
  );
  const device = { id: "sim-001", address: server.url };
  const origin = transport.origin(device.address);
  const tokens: ResumeToken[] = [];
  const another = (context: Partial<DeliveryContext> = {}) =>
    tus(options).bind(device, { transport, origin, clock: systemClock, ...context });
  const session = another();
  const step = (changes: Partial<SendStep> = {}): SendStep => ({
    deadline: systemClock.now() + 30_000,
    pushId: "push-1",
    attemptId: "attempt-1",
    onResumable: async (token) => void tokens.push(token),
    ...changes,
  });
  const send = async (changes?: Partial<SendStep>) => session.send(artifact.payload, step(changes));
  const kept = stack.move();
  return {
    ...{ server, session, artifact, tokens, send, step, another },
    async failure(changes) {
      const error: unknown = await send(changes).then(
        () => new Error("it was acknowledged"),
        (thrown) => thrown,
      );
      if (isFlashwaveError(error)) return error;
      throw error;
    },
    token: (upload, offset = 0) => ({
      ...{ delivery: "tus", device: device.id, origin, digest: artifact.digest, length: size, offset },
      state: { upload },
    }),
    requests: () => server.control.requests().map(({ method, path }) => `${method} ${path}`),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

export type Tamper = NonNullable<TusDeviceOptions["tamper"]>;

/** Answers requests of one method, or one method's `nth`, in its own way. */
export function answering(
  method: string,
  change: (reply: Parameters<Tamper>[0]) => Parameters<Tamper>[0],
  nth?: number,
): Tamper {
  let seen = 0;
  return (reply, head) => {
    if (head.method !== method) return reply;
    return nth === undefined || ++seen === nth ? change(reply) : reply;
  };
}

export const withHeaders =
  (headers: Readonly<Record<string, string>>) =>
  (reply: Parameters<Tamper>[0]): Parameters<Tamper>[0] => ({ ...reply, headers: { ...reply.headers, ...headers } });
