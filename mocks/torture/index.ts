import { malformedReplies } from "../malformed.ts";
import { type Behaviour, one } from "./behaviour.ts";
import { bodyBehaviours } from "./bodies.ts";
import { headBehaviours } from "./heads.ts";
import { cutBehaviours, early } from "./moments.ts";

export type { Behaviour } from "./behaviour.ts";
export { badFrames, badOpenings } from "./channels.ts";
export { type Front, type Handshake, handshakes, startHandshake, startTlsFront } from "./handshakes.ts";

const malformed = Object.entries(malformedReplies).map(([name, text]) => one(name, text));

/** What a device may answer once it has a whole request, of whatever purpose: each on a bare connection, as data. */
export const lateBehaviours: readonly Behaviour[] = [
  ...malformed,
  ...headBehaviours,
  ...bodyBehaviours,
  ...cutBehaviours,
];

/** What it may do before it has the whole body: at once, and at byte `half`. */
export function earlyBehaviours(half: number): readonly Behaviour[] {
  return [...early("at the headers", 0), ...early("half-way", half)];
}
