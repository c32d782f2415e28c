// Ports played by hand, for this room's own tests: a delivery and a probe that do what a list says.
import type { Artifact } from "../../core/artifact.ts";
import type { Delivery, DeliverySession, DeliveryTraits, Prober, ResumeToken, SendStep } from "../../core/delivery.ts";
import { FlashwaveError, type FlashwaveErrorCode, type FlashwaveErrorContext } from "../../core/errors.ts";
import type { ClientEvent } from "../../core/events.ts";
import type { Acknowledgement, DeviceState } from "../../core/outcome.ts";
import { createVirtualClock, type VirtualClock } from "../../testing/virtual-clock.ts";
import { createClient } from "../client.ts";
import type { ClientOptions } from "../options.ts";
import type { Client } from "../port.ts";

export const device = { id: "d1", address: "http://10.0.0.1" } as const;

export const oldState: DeviceState = { version: "1.0.0", identity: "address", readAt: 0 };
export const newState: DeviceState = { version: "2.0.0", identity: "address", readAt: 0 };

export function fakeArtifact(version = "2.0.0"): Artifact {
  const ref = { name: "fw.bin", version, length: 4, digest: "a".repeat(64) };
  const bytes = new Uint8Array(4);
  return {
    ...ref,
    ref,
    payload: { artifact: ref, slice: (start, end) => bytes.subarray(start, end), hash: async () => ref.digest },
    [Symbol.asyncDispose]: async () => {},
  };
}

export function fault(code: FlashwaveErrorCode, context: Partial<FlashwaveErrorContext> = {}): FlashwaveError {
  return new FlashwaveError(code, `It was ${code}.`, { phase: "send", ...context });
}

/** What one call does: answer, throw, or whatever a function does. */
export type Play<T, A> = T | Error | ((argument: A) => T | Promise<T>);

/** Plays a list; the last entry repeats. */
function playing<T extends object, A>(plays: readonly Play<T, A>[]): (argument: A) => Promise<T> {
  let index = 0;
  return async (argument) => {
    const play = plays[Math.min(index++, plays.length - 1)];
    if (play === undefined) throw new Error("nothing to play");
    if (play instanceof Error) throw play;
    return typeof play === "function" ? play(argument) : play;
  };
}

export interface FakeDelivery extends Delivery {
  readonly steps: SendStep[];
  readonly calls: string[];
}

export interface FakeDeliveryOptions {
  readonly sends?: readonly Play<Acknowledgement, SendStep>[];
  readonly reads?: readonly Play<DeviceState, unknown>[];
  readonly health?: readonly Play<object, unknown>[];
  readonly traits?: Partial<DeliveryTraits>;
  readonly session?: Partial<Omit<DeliverySession, "send" | "traits">>;
}

export function fakeDelivery(options: FakeDeliveryOptions = {}): FakeDelivery {
  const { sends = [{ status: 200, bytes: 4 }], reads, health, traits, session } = options;
  const steps: SendStep[] = [];
  const calls: string[] = [];
  const send = playing(sends);
  const prober = reads && fakeProber(reads, health, calls);
  return {
    kind: "fake",
    steps,
    calls,
    ...(prober && { prober }),
    bind: () => ({
      traits: {
        resumable: false,
        repeat: "unsafe",
        refusals: new Set([403, 429, 503]),
        verdict: "readback",
        activates: "itself",
        ...traits,
      },
      send: (_payload, step) => {
        steps.push(step);
        calls.push("send");
        return send(step);
      },
      close: async () => {
        calls.push("close");
      },
      ...session,
    }),
  };
}

function fakeProber(
  reads: readonly Play<DeviceState, unknown>[],
  health: readonly Play<object, unknown>[] | undefined,
  calls: string[],
): Prober {
  const read = playing(reads);
  const ask = health && playing(health);
  return {
    kind: "fake",
    bind: () => ({
      proves: "version",
      inspect: (step) => {
        calls.push("inspect");
        return read(step);
      },
      ...(ask && {
        health: async (step) => {
          calls.push("health");
          await ask(step);
        },
      }),
    }),
  };
}

/** What a fake delivery tells of an upload of `fakeArtifact` of which the device has `offset` bytes. */
export function tokenAt(offset: number): ResumeToken {
  const { id, address: origin } = device;
  return { delivery: "fake", device: id, origin, digest: "a".repeat(64), length: 4, offset, state: { upload: "/u/1" } };
}

/** An answer that was lost after all bytes had left. */
export const lost: FlashwaveError = fault("connection_lost", { bytesOut: "all" });

export function rig(delivery: FakeDeliveryOptions = {}, options: ClientOptions = {}): Rig {
  const clock = createVirtualClock({ auto: true });
  const fake = fakeDelivery(delivery);
  const events: ClientEvent[] = [];
  const client = createClient({ clock, random: () => 0.5, onEvent: (event) => events.push(event), ...options }, [fake]);
  return { clock, fake, events, client, artifact: fakeArtifact() };
}

export interface Rig {
  readonly clock: VirtualClock;
  readonly fake: FakeDelivery;
  readonly events: ClientEvent[];
  readonly client: Client;
  readonly artifact: Artifact;
}
