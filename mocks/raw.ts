import { createHash } from "node:crypto";
import type { Socket } from "node:net";
import type { RequestHead } from "./records.ts";

/** Text (latin1) on the bare connection: once, `times` over, or one byte each `everyMs`; or a pause. */
export type RawStep =
  | { readonly write: string; readonly times?: number; readonly everyMs?: number }
  | { readonly waitMs: number };

/**
 * What becomes of the connection behind the steps: an orderly FIN or a reset; `mute` reads all and says no more, `hold`
 * reads no more either, `serve` goes on with the next request as if this one had been answered rightly.
 */
export type RawEnding = "fin" | "rst" | "mute" | "hold" | "serve";

/** What a bare answer is played on. */
export interface RawHands {
  write(bytes: Buffer, sent: () => void): void;
  pour(filler: Buffer, total: number, done: () => void): void;
  after(ms: number, run: () => void): void;
  end(ending: RawEnding): void;
}

/** The hands of a socket that nobody else looks after. `pause` keeps whoever reads from it from reading on. */
export function handsOn(socket: Socket, pause: () => void = () => void socket.pause()): RawHands {
  const timers = new Set<NodeJS.Timeout>();
  socket.on("close", () => timers.forEach(clearTimeout));
  const write = (bytes: Buffer, sent: () => void): void => {
    if (socket.writable) socket.write(bytes, () => sent());
  };
  const pour = (block: Buffer, left: number, done: () => void): void => {
    if (left <= 0) done();
    // Through the event loop each time: a reader that keeps up must not starve everybody else.
    else
      write(block.subarray(0, Math.min(left, block.length)), () =>
        setImmediate(pour, block, left - block.length, done),
      );
  };
  return {
    write,
    pour,
    after: (ms, run) => void timers.add(setTimeout(run, ms)),
    end(ending) {
      if (ending === "rst") socket.resetAndDestroy();
      else if (ending === "fin") socket.end();
      else if (ending === "hold") pause();
    },
  };
}

/** RFC 6455 §1.3. */
const magic = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** `{accept}` stands for the proof that a websocket's opening asks for. */
function bytesOf(text: string, { headers }: Pick<RequestHead, "headers">): Buffer {
  const proof = () => createHash("sha1").update(`${headers["sec-websocket-key"]}${magic}`).digest("base64");
  return Buffer.from(text.replace("{accept}", proof), "latin1");
}

/** Plays the steps one after the other, each once the last was taken, and then the ending. */
export function playRaw(
  hands: RawHands,
  head: Pick<RequestHead, "headers">,
  steps: readonly RawStep[],
  ending: RawEnding,
): void {
  const [step, ...rest] = steps;
  const next = () => playRaw(hands, head, rest, ending);
  if (step === undefined) hands.end(ending);
  else if ("waitMs" in step) hands.after(step.waitMs, next);
  else {
    const bytes = bytesOf(step.write, head);
    const { times = 1, everyMs } = step;
    if (everyMs !== undefined) drip(hands, bytes, bytes.length * times, everyMs, next);
    else if (times === 1) hands.write(bytes, next);
    else hands.pour(repeated(bytes, times), bytes.length * times, next);
  }
}

/** Enough of it to be poured in blocks. */
function repeated(bytes: Buffer, times: number): Buffer {
  return Buffer.concat(Array(Math.min(times, Math.ceil(65_536 / bytes.length))).fill(bytes));
}

function drip(hands: RawHands, bytes: Buffer, total: number, everyMs: number, done: () => void, at = 0): void {
  if (at < total) {
    const from = at % bytes.length;
    hands.write(bytes.subarray(from, from + 1), () => {});
    hands.after(everyMs, () => drip(hands, bytes, total, everyMs, done, at + 1));
  } else done();
}
