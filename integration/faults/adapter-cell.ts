import { expect } from "vitest";
import { sha256 } from "../../mocks/index.ts";
import type { Artifact, Client, ClientOptions, Device, DeviceOutcome, Receipt } from "../../src/index.ts";
import { createClient, isFlashwaveError } from "../../src/index.ts";
import type { BareOutcome } from "../../src/push/record/record.ts";
import type { Adapter, Station } from "../adapters.ts";
import type { Place } from "./matrix.ts";
import { type Mark, markOf } from "./trace.ts";

/** What all adapters' cells are tried with. */
export interface Rig {
  /** A simulated image; and one of which the kernels hold less than half. */
  readonly small: Artifact;
  readonly large: Artifact;
  readonly bytesOf: ReadonlyMap<Artifact, Uint8Array>;
  /** A port at which nobody accepts. */
  readonly deaf: number;
  /** For files that are spoilt. */
  readonly directory: string;
}

/** One way in which a device of any protocol shows a cell of the matrix. */
export interface AdapterCell {
  readonly place: Place;
  readonly name: string;
  /** Whose devices can show it. @default everybody's */
  readonly shows?: (adapter: Adapter, station: Station) => boolean;
  /** Throws what is wrong. */
  readonly run: (adapter: Adapter, rig: Rig) => Promise<void>;
}

export const version = "2.0.0";
export const old = "1.0.0";
const retry: NonNullable<ClientOptions["retry"]> = {
  ...{ attempts: 2, base: 1, cap: 1, busyBase: 1, quietPeriod: 10 },
};
const permit: Pick<ClientOptions, "addressPolicy"> = { addressPolicy: { permit: ["127.0.0.0/8"] } };

/** A client for a station's devices that notes what it tells, before its own listener hears of it. */
export const watchedClient = (station: Station, trace: Mark[], { onEvent, ...options }: ClientOptions = {}): Client =>
  createClient({
    ...station.client,
    ...permit,
    retry,
    ...options,
    onEvent(event) {
      trace.push(...markOf(event));
      onEvent?.(event);
    },
  });

export const reply = (status: number, lines = ""): string =>
  `HTTP/1.1 ${status} Scripted\r\n${lines}content-length: 0\r\n\r\n`;

/** I2: also of what was broken off, a part of the artifact and nothing else. */
export function rightBytes(station: Station, image: Uint8Array = new Uint8Array()): void {
  for (const { start, bytes, sha256: seen } of station.stretches()) {
    expect(seen, `bytes ${start} to ${start + bytes}`).toBe(sha256(image.subarray(start, start + bytes)));
  }
}

export const portOf = ({ address }: Device): number => Number(new URL(address).port);
export const atPort = (device: Device, port: number): Device => ({
  ...device,
  address: device.address.replace(/:\d+$/, `:${port}`),
});

/** A push as an outcome: what it threw is what it failed with. */
export async function pushed(call: Promise<Receipt>, device: string, { ref }: Artifact): Promise<BareOutcome> {
  const base = { device, artifact: ref, attempts: 0, duration: 0 };
  try {
    return { status: "sent", ...base, receipt: await call };
  } catch (error) {
    if (!isFlashwaveError(error)) throw error;
    return { status: error.code === "outcome_unknown" ? "unknown" : "failed", ...base, error };
  }
}

/** `updated`, `sent`, or the status and the error's code. */
export const summary = (outcome: BareOutcome | DeviceOutcome): string =>
  "error" in outcome ? `${outcome.status} ${outcome.error.code}` : outcome.status;

export const receiptOf = (outcome: BareOutcome): Receipt | undefined =>
  "receipt" in outcome ? outcome.receipt : undefined;
