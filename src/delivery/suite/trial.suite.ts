import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, vi } from "vitest";
import { type BufferPool, createBufferPool, openArtifact } from "../../bytes/index.ts";
import type { Artifact } from "../../core/artifact.ts";
import { systemClock } from "../../core/clock.ts";
import type { DeliveryContext, DeliverySession, Probe, SendStep } from "../../core/delivery.ts";
import { type FlashwaveError, isFlashwaveError } from "../../core/errors.ts";
import type { Acknowledgement, Receipt } from "../../core/outcome.ts";
import type { Profile } from "../../core/profile.ts";
import type { Transport } from "../../core/transport.ts";
import { createTransport } from "../../http/index.ts";
import type { DeliverySuiteOptions, Rig } from "./rig.suite.ts";

/** More than the kernel's socket buffers hide, so that a device that stops reading is seen to. */
export const largerThanBuffers: number = 16 * 1_048_576;

/** One device, one transport and the files that one test needs; at its end nothing may be left of them. */
export class Trial implements AsyncDisposable {
  readonly rig: Rig;
  readonly transport: Transport;
  readonly pool: BufferPool;
  readonly context: DeliveryContext;
  readonly #options: DeliverySuiteOptions;
  readonly #stack: AsyncDisposableStack;

  private constructor(options: DeliverySuiteOptions, rig: Rig, stack: AsyncDisposableStack) {
    this.#options = options;
    this.#stack = stack;
    this.rig = rig;
    this.pool = createBufferPool();
    const { tls } = options;
    const addressPolicy = { permit: ["127.0.0.0/8"] };
    this.transport = stack.use(createTransport({ addressPolicy, ...(tls && { tls }) }));
    const origin = this.transport.origin(rig.device.address);
    this.context = { transport: this.transport, origin, clock: systemClock };
  }

  static async start(options: DeliverySuiteOptions, device: { id?: string; name?: string } = {}): Promise<Trial> {
    await using stack = new AsyncDisposableStack();
    const rig = stack.use(await options.start(device));
    return new Trial(options, rig, stack.move());
  }

  bind(profile?: Profile): DeliverySession {
    const context = profile === undefined ? this.context : { ...this.context, profile };
    const session = this.#options.delivery().bind(this.rig.device, context);
    this.#stack.defer(() => session.close?.());
    return session;
  }

  probe(): Probe {
    const prober = this.#options.prober?.() ?? this.#options.delivery().prober;
    if (prober === undefined) throw new Error("the suite needs a prober for this delivery");
    return prober.bind(this.rig.device, this.context);
  }

  /** A file of `size` bytes or with these, read anew and checked block by block at every send. */
  async open(content: number | Uint8Array, version = "2.0.0"): Promise<Artifact> {
    const bytes = typeof content === "number" ? pattern(content) : content;
    const folder = await mkdtemp(join(tmpdir(), "flashwave-delivery-"));
    this.#stack.defer(() => rm(folder, { recursive: true, force: true }));
    const path = join(folder, "firmware.bin");
    await writeFile(path, bytes);
    return this.#stack.use(await openArtifact(path, { version, cacheBytes: 0, pool: this.pool }));
  }

  step(changes: Partial<SendStep> = {}): SendStep {
    return { deadline: systemClock.now() + 60_000, attemptId: "attempt-1", pushId: "push-1", ...changes };
  }

  /** Sends, and gives the error that it must end with. */
  async failure(content: number, changes: Partial<SendStep> | (() => Partial<SendStep>) = {}): Promise<FlashwaveError> {
    const artifact = await this.open(content);
    const step = this.step(typeof changes === "function" ? changes() : changes);
    const error: unknown = await this.bind()
      .send(artifact.payload, step)
      .then(
        () => new Error("it was acknowledged"),
        (thrown) => thrown,
      );
    if (!isFlashwaveError(error)) throw error;
    await this.settled();
    return error;
  }

  receipt(artifact: Artifact, { bytes, status, remoteId }: Acknowledgement): Receipt {
    const { id: device } = this.rig.device;
    const { origin } = this.context;
    return {
      ...{ device, origin, delivery: this.#options.delivery().kind, artifact: artifact.ref },
      ...{
        attemptId: "attempt-1",
        attempts: 1,
        bytes,
        status,
        acknowledgedBy: "reply",
        early: false,
        activated: false,
      },
      ...{ startedAt: 0, endedAt: 0, ...(remoteId !== undefined && { remoteId }) },
    };
  }

  async until(condition: () => boolean | Promise<boolean>): Promise<void> {
    await vi.waitUntil(condition, { timeout: 10_000, interval: 10 });
  }

  /** Nothing is in flight and nothing borrowed. */
  async settled(): Promise<void> {
    await this.until(() => this.pool.statistics().leased === 0 && this.transport.statistics().inFlight === 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.settled();
    } finally {
      await this.#stack.disposeAsync();
    }
    expect(this.transport.statistics()).toMatchObject({ connections: 0, inFlight: 0 });
  }
}

/** Bytes of which no two blocks are alike, so that a block out of place changes the digest. */
export function pattern(size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at++) bytes[at] = Math.imul(at, 2_654_435_761) >>> 24;
  return bytes;
}
