import { exitCodes } from "./exit-codes.ts";

type Signal = "SIGINT" | "SIGTERM";

/** What this room uses of `process`. */
export interface Interruptible {
  on(signal: Signal, listener: () => void): unknown;
  off(signal: Signal, listener: () => void): unknown;
  exit(code: number): void;
}

export interface Interrupt extends Disposable {
  readonly signal: AbortSignal;
  /** What the process then ends with. Absent: nobody interrupted it. */
  readonly exitCode: number | undefined;
}

const codes = { SIGINT: exitCodes.interrupted, SIGTERM: exitCodes.terminated } as const;
/** What the signal's reason says of it, as the first word of a line. */
const words = { SIGINT: "Interrupted", SIGTERM: "Terminated" } as const;

/**
 * The first SIGINT or SIGTERM aborts, so that what is known can still be told; the second, of either kind, ends the
 * process at once.
 */
export function watchInterrupt(process: Interruptible): Interrupt {
  const controller = new AbortController();
  let exitCode: number | undefined;
  const onSignal = (name: Signal) => {
    if (exitCode !== undefined) return process.exit(codes[name]);
    exitCode = codes[name];
    controller.abort(new Error(words[name]));
  };
  const watches = (["SIGINT", "SIGTERM"] as const).map((name) => [name, () => onSignal(name)] as const);
  for (const [name, listener] of watches) process.on(name, listener);
  return {
    signal: controller.signal,
    get exitCode() {
      return exitCode;
    },
    [Symbol.dispose]: () => {
      for (const [name, listener] of watches) process.off(name, listener);
    },
  };
}
