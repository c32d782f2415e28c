import type { RawEnding, RawStep } from "../raw.ts";

/** One thing that a device does on the bare connection instead of answering. */
export interface Behaviour {
  readonly name: string;
  readonly steps: readonly RawStep[];
  /** The byte of the request's body at which it begins; absent: after the last. */
  readonly at?: number;
  /** What becomes of the connection then. @default "fin" */
  readonly ending?: RawEnding;
}

/** Never ends by itself. */
export const endless: number = Number.POSITIVE_INFINITY;
/** Slower than anybody wants, faster than any limit on a pause. */
export const drop = 20;

/** What all the answers claim to be running: no device ever does. */
export const claim = '{"version":"9.9.9"}';
export const type = "content-type: application/json\r\n";
export const length: string = `content-length: ${claim.length}\r\n`;
export const head: string = `HTTP/1.1 200 OK\r\n${type}`;
/** An answer with nothing wrong about it. */
export const whole: string = `${head}${length}\r\n${claim}`;
export const chunked: string = `${head}transfer-encoding: chunked\r\n\r\n`;
export const chunk: string = `${claim.length.toString(16)}\r\n${claim}\r\n`;

export function one(name: string, text: string, ending?: RawEnding, at?: number): Behaviour {
  const steps = text === "" ? [] : [{ write: text }];
  return { name, steps, ...(at !== undefined && { at }), ...(ending && { ending }) };
}

export function several(name: string, steps: readonly RawStep[], ending?: RawEnding, at?: number): Behaviour {
  return { name, steps, ...(at !== undefined && { at }), ...(ending && { ending }) };
}

/** An answer with this status, these header lines, and this body behind its length. */
export function reply(status: number, lines = "", body: string = claim): string {
  return `HTTP/1.1 ${status} Scripted\r\n${type}${lines}content-length: ${Buffer.byteLength(body, "latin1")}\r\n\r\n${body}`;
}
