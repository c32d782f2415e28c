import { malformedReplies } from "./malformed.ts";
import type { RawEnding, RawStep } from "./raw.ts";
import type { Endpoint } from "./records.ts";

/** How a connection is ended: an orderly FIN, or a reset. */
export type Ending = "fin" | "rst";

/**
 * One thing that a device does wrong, as plain data. Times are in milliseconds, sizes in bytes. A fault that names a
 * byte counts bytes of the request's body.
 */
export type Fault =
  /** Answers rightly, `ms` late. */
  | { readonly kind: "delay"; readonly ms: number }
  /** Reads `bytesPerSecond`, or stops reading at `stopAt` for `stopMs` (default for ever). Kernel buffers hide some MB. */
  | {
      readonly kind: "slow-reader";
      readonly bytesPerSecond?: number;
      readonly stopAt?: number;
      readonly stopMs?: number;
    }
  /**
   * Ends the connection: at a byte of the body; once all was `received` (nothing installed, nothing answered); once it
   * was `installed` (nothing answered); or after `reply` bytes of the answer. `headers` is byte 0. Default ending: rst.
   */
  | {
      readonly kind: "cut";
      readonly at: number | "headers" | "received" | "installed" | { readonly reply: number };
      readonly ending?: Ending;
    }
  /**
   * Answers `status`: after the body by default, or once `afterBytes` of it came (0: after the headers). Then `drain`s
   * the rest and stays (default), stops reading (`hold`), or ends the connection. `installs` (default false): the
   * image, if it comes whole, is installed all the same.
   */
  | {
      readonly kind: "status";
      readonly status: number;
      readonly afterBytes?: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
      readonly afterwards?: "drain" | "hold" | Ending;
      readonly installs?: boolean;
    }
  /** Installs, but reports this version (and digest) from then on. */
  | { readonly kind: "wrong-version"; readonly version: string; readonly digest?: string }
  /** Answers 2xx and does nothing. */
  | { readonly kind: "lying-200" }
  /** Installs, and falls back to the old version with a new boot, `afterMs` after having come up. */
  | { readonly kind: "silent-rollback"; readonly afterMs: number }
  /** Answers one byte each `everyMs`: the body (default), or all of it. */
  | { readonly kind: "drip"; readonly everyMs: number; readonly part?: "all" | "body" }
  /** Interim answers, `count` of them (default without end), one each `everyMs` (default as fast as they are taken). */
  | { readonly kind: "information-flood"; readonly status?: number; readonly everyMs?: number; readonly count?: number }
  /** A right answer with this much header, or body, too many. Infinity is allowed. `framing` default: length. */
  | { readonly kind: "oversize-headers"; readonly bytes: number }
  | { readonly kind: "oversize-body"; readonly bytes: number; readonly framing?: "length" | "chunked" | "close" }
  /** One part of the answer that never ends. */
  | { readonly kind: "endless"; readonly part: "status-line" | "header" | "chunk-extension" | "trailers" }
  /** A reply that is not HTTP, by its name in `malformedReplies` or as raw text (latin1), after the body or at once (`early`); then an ending. */
  | {
      readonly kind: "malformed";
      readonly reply: string | { readonly raw: string };
      readonly early?: boolean;
      readonly afterwards?: "hold" | Ending;
    }
  /**
   * Plays these steps on the bare connection in place of an answer: after the body, or once `at` bytes of it came.
   * `fetched`, of an order: it is followed, and answered so once that many bytes were fetched; then the fetch is given
   * up. Default ending: fin.
   */
  | {
      readonly kind: "raw";
      readonly steps: readonly RawStep[];
      readonly at?: number;
      readonly fetched?: number;
      readonly ending?: RawEnding;
    }
  | { readonly kind: "redirect"; readonly location: string; readonly status?: number }
  /** Another body under a 200: garbage where JSON should be. */
  | { readonly kind: "body"; readonly body: string; readonly type?: string }
  /** The JSON answer with these members changed (null removes one): another id, another version, another digest. */
  | { readonly kind: "report"; readonly members: Readonly<Record<string, unknown>> }
  /** Reads all, answers nothing. `installs`, default false. */
  | { readonly kind: "blackhole"; readonly installs?: boolean }
  /** Reads no further, answers nothing. */
  | { readonly kind: "hold" }
  /** A second, unsolicited answer behind the first: `body` is what it claims. */
  | { readonly kind: "poison"; readonly body?: string; readonly afterMs?: number };

export type FaultKind = Fault["kind"];

/**
 * What a fault waits for. `connect` is the moment a connection is accepted, before TLS; `other` is a request of no
 * purpose of its own, the opening of a websocket for one; `any` is any request.
 */
export type FaultMoment = Endpoint | "connect" | "other" | "any";

export interface ScriptEntry {
  readonly on: FaultMoment;
  readonly fault: Fault;
  /** How often it happens. @default 1 */
  readonly times?: number;
  /** How many matching requests pass before it begins to happen. @default 0 */
  readonly skip?: number;
  /** Only what is asked at this path, without its query. @default any */
  readonly path?: string;
}

const atConnect: readonly FaultKind[] = ["delay", "cut", "malformed", "hold", "blackhole"];
const atInstall: readonly FaultKind[] = ["wrong-version", "lying-200", "silent-rollback"];
const installers: readonly FaultMoment[] = ["update", "activate"];

function check({ on, fault, times = 1, skip = 0 }: ScriptEntry): void {
  const fits =
    on === "connect" ? atConnect.includes(fault.kind) : !atInstall.includes(fault.kind) || installers.includes(on);
  if (!fits) throw new TypeError(`a "${fault.kind}" fault means nothing on "${on}"`);
  if (fault.kind === "malformed" && typeof fault.reply === "string" && !(fault.reply in malformedReplies)) {
    throw new RangeError(`there is no malformed reply named "${fault.reply}"`);
  }
  if (!(times >= 0) || !(skip >= 0)) throw new RangeError("times and skip are counts");
}

/** The faults a device has before it: for each request, the first entry that waits for it is played once. */
export class FaultQueue {
  #entries: { readonly entry: ScriptEntry; times: number; skip: number }[] = [];

  /** Appends entries. @throws TypeError for a fault that could never happen there. */
  script(...entries: readonly ScriptEntry[]): void {
    for (const entry of entries) check(entry);
    // JSON has no Infinity: a null that came over the admin route means it.
    this.#entries.push(
      ...entries.map((e) => ({ entry: e, times: e.times === null ? Infinity : (e.times ?? 1), skip: e.skip ?? 0 })),
    );
  }

  /** Answers the next `times` requests with `status`. */
  failNext(times: number, status = 500, on: FaultMoment = "update"): void {
    this.script({ on, times, fault: { kind: "status", status } });
  }

  alwaysFail(status = 500, on: FaultMoment = "update"): void {
    this.failNext(Infinity, status, on);
  }

  clear(): void {
    this.#entries = [];
  }

  /** Whether anything is still to happen. */
  get pending(): boolean {
    return this.#entries.length > 0;
  }

  take(on: Endpoint | "other" | "connect", path?: string): Fault | undefined {
    for (const [index, row] of this.#entries.entries()) {
      if (row.entry.path !== undefined && row.entry.path !== path?.split("?", 1)[0]) continue;
      if (row.entry.on !== on && (row.entry.on !== "any" || on === "connect")) continue;
      if (row.skip > 0) {
        row.skip--;
        continue;
      }
      if (--row.times <= 0) this.#entries.splice(index, 1);
      return row.entry.fault;
    }
    return undefined;
  }
}
