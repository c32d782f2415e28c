import type { Frame as AnyFrame, DeviceStatus } from "./frames.ts";

/** All but what decides nothing. */
type Frame = Exclude<AnyFrame, { readonly type: "step" }>;

/**
 * One upload as SWUpdate tells of it, on two connections that nothing keeps in step: the answer to the upload, which
 * says no more than that the bytes came (or does not come at all), and the websocket, which says what became of them.
 *
 *     events ──fold──▶ state ──decide──▶ what to do now
 *
 * No clock and no I/O in here: every order in which the two can speak is a row of a table in the test.
 */
export type VerdictEvent =
  /** The upload begins. Whatever the websocket says of an update before its next beginning is not about this one. */
  | { readonly kind: "sending"; readonly at: number }
  | { readonly kind: "frame"; readonly frame: Frame; readonly at: number }
  /** The answer: the bytes came; or it certainly took none of them; */
  | { readonly kind: "received" | "refused" }
  /** or there is none to rely on. `wholly`: all bytes had left. */
  | { readonly kind: "broken"; readonly wholly: boolean; readonly at: number }
  | { readonly kind: "channel-lost" };

export interface VerdictState {
  readonly stage: "idle" | "busy" | "sending" | "received" | "refused" | "broken";
  /** By its latest status the device is at an update, whosever it is. */
  readonly working: boolean;
  /** When it told its latest status. */
  readonly heardAt: number;
  /** Since the upload began the device has taken one on. */
  readonly takenOn: boolean;
  /** Since the upload began the device began an update: from then on its verdict is about ours, for it does one at a time. */
  readonly began: boolean;
  /** It found the image in order and began with what is in it. */
  readonly accepted: boolean;
  readonly verdict?: "installed" | "failed" | "unsaid";
  readonly deaf: boolean;
  readonly wholly: boolean;
  /** When the verdict came, and when the answer broke. */
  readonly judgedAt: number;
  readonly brokenAt: number;
  /** The device's complaints about this upload, the latest last. */
  readonly complaints: readonly string[];
}

export type Decision =
  | { readonly next: "wait"; readonly until?: number }
  /** Another update is under way: send nothing. */
  | { readonly next: "busy" }
  /** The device has failed and answers nothing: break the upload off. */
  | { readonly next: "stop" }
  /** The answer stands for itself. */
  | { readonly next: "refused" }
  | { readonly next: "installed" }
  /** `interrupted`: it was at work on a good image when the connection broke. What is wrong with an image it answers. */
  | { readonly next: "failed"; readonly interrupted: boolean }
  /** The verdict can no longer be had. */
  | { readonly next: "lost" };

/** Milliseconds to hear from the websocket that an upload without an answer had begun at all. Seen: within 2. */
const hearing = 1_000;
/** Milliseconds from a broken upload to the device's FAILURE, and from FAILURE to its answer. Seen: within 5. */
const patience = 5_000;
/** Milliseconds from FAILURE to the words for it: it says them by another thread. Seen: within 2, before or after. */
const manners = 250;
/**
 * Milliseconds for which a status holds that says "at work". It tells them by several threads: a DOWNLOAD was seen after the
 * FAILURE that it belongs before. What says nothing more is asked: a busy device answers the head of an upload.
 */
const current = 2_000;
const complaintsKept = 8;

export const initialState: VerdictState = Object.freeze({
  stage: "idle",
  working: false,
  heardAt: 0,
  takenOn: false,
  began: false,
  accepted: false,
  deaf: false,
  wholly: false,
  judgedAt: 0,
  brokenAt: 0,
  complaints: [],
});

export function fold(state: VerdictState, event: VerdictEvent): VerdictState {
  switch (event.kind) {
    case "sending": {
      const { working, heardAt, deaf } = state;
      const busy = working && event.at < heardAt + current;
      return { ...initialState, working, heardAt, deaf, stage: busy ? "busy" : "sending" };
    }
    case "received":
    case "refused":
      return { ...state, stage: event.kind };
    case "broken":
      return { ...state, stage: "broken", wholly: event.wholly, brokenAt: event.at };
    case "channel-lost":
      return { ...state, deaf: true };
    case "frame":
      return foldFrame(state, event.frame, event.at);
    default:
      return event satisfies never;
  }
}

function foldFrame(state: VerdictState, frame: Frame, at: number): VerdictState {
  if (frame.type === "complaint") {
    const complaints = [...state.complaints, frame.text].slice(-complaintsKept);
    return state.began || state.takenOn ? { ...state, complaints } : state;
  }
  if (frame.type === "taken-on") return { ...state, takenOn: state.stage !== "idle" };
  return foldStatus({ ...state, heardAt: at }, frame.status, at);
}

function foldStatus(state: VerdictState, status: DeviceStatus, at: number): VerdictState {
  switch (status) {
    case "DOWNLOAD":
    case "START": {
      const accepted = state.accepted || (status === "START" && state.stage !== "idle");
      return { ...state, working: true, began: state.stage !== "idle", accepted };
    }
    case "RUN":
    case "SUBPROCESS":
      return { ...state, working: true };
    case "SUCCESS":
      // Until DONE it was seen to take an image on and then never answer.
      return { ...concluded(state, "installed", at), working: state.working };
    case "FAILURE":
      return concluded(state, "failed", at);
    case "DONE":
    case "IDLE":
      // After its verdict, as always; without one it was missed.
      return concluded(state, "unsaid", at);
    default:
      return status satisfies never;
  }
}

/** The first word holds; and one about an update that began before ours says nothing of ours. */
function concluded(state: VerdictState, verdict: NonNullable<VerdictState["verdict"]>, at: number): VerdictState {
  const idle = { ...state, working: false };
  if (!(state.began || state.takenOn) || state.verdict !== undefined) return idle;
  return { ...idle, verdict, judgedAt: at };
}

export function decide(state: VerdictState, now: number): Decision {
  switch (state.stage) {
    case "idle":
      return { next: "lost" };
    case "busy":
    case "refused":
      return { next: state.stage };
    case "sending":
      // The answer decides, if it comes: another's failure must not be taken for ours while a refusal is on its way.
      return state.verdict === "failed" ? waitOr("stop", state.judgedAt + patience, now) : { next: "wait" };
    case "received":
    case "broken":
      return verdictOf(state, now) ?? unheard(state, now);
    default:
      return state.stage satisfies never;
  }
}

function verdictOf(state: VerdictState, now: number): Decision | undefined {
  const { verdict, stage, accepted, complaints, judgedAt } = state;
  if (verdict === "installed") return { next: "installed" };
  if (verdict === "failed") {
    const wordless = complaints.length === 0 && !state.deaf && now < judgedAt + manners;
    if (wordless) return { next: "wait", until: judgedAt + manners };
    return { next: "failed", interrupted: stage === "broken" && accepted };
  }
  return verdict === "unsaid" || state.deaf ? { next: "lost" } : undefined;
}

function unheard({ stage, began, wholly, brokenAt }: VerdictState, now: number): Decision {
  // It has all bytes, or most likely: it takes as long as installing takes.
  if (stage === "received" || (began && wholly)) return { next: "wait" };
  return waitOr("lost", brokenAt + (began ? patience : hearing), now);
}

function waitOr(next: "stop" | "lost", until: number, now: number): Decision {
  return now >= until ? { next } : { next: "wait", until };
}
