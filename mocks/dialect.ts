import type { SimulatedDevice } from "./device.ts";
import type { Endpoint, Received, RequestHead } from "./records.ts";
import { type Answer, answer, type Effect, type EndpointPaths, endpointOf } from "./routes.ts";

/** One whole request: its head, and either a small body as text or what an update brought. */
export interface Asked {
  readonly head: RequestHead;
  readonly body: string;
  /** The artifact, where the request was an update. */
  readonly received?: Received;
  /** What stood around the artifact, where it came wrapped. */
  readonly form?: Form;
}

/** What a form brought besides the bytes of its file. */
export interface Form {
  /** Parts without a filename, by name. */
  readonly fields: Readonly<Record<string, string>>;
  /** Every part in order. */
  readonly parts: readonly FormPart[];
  readonly file?: FormPart;
  /** MD5 of the file's bytes, lower-case hexadecimal. */
  readonly md5: string;
  /** What is wrong with the body as a form; nothing when it is as RFC 7578 has it. */
  readonly problem?: string;
}

export interface FormPart {
  readonly name: string;
  readonly filename?: string;
  readonly contentType?: string;
}

/** Takes an artifact out of a body, piece by piece. */
export interface Unwrapping {
  write(chunk: Buffer): readonly Buffer[];
  end(): Form;
}

/**
 * How devices of one protocol are asked and what they answer. Sockets, faults and records are the same for all; a
 * device without a dialect speaks plain HTTP at the paths of `EndpointPaths`.
 */
export interface Dialect {
  endpointOf(head: RequestHead): Endpoint | "other";
  /** Absent: the body of an update is the artifact. */
  unwrap?(head: RequestHead): Unwrapping;
  answer(device: SimulatedDevice, endpoint: Endpoint | "other", asked: Asked, effect: Effect): Answer;
}

export function plainDialect(paths: EndpointPaths): Dialect {
  return { endpointOf: ({ path }) => endpointOf(path, paths), answer };
}
