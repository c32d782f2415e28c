import { exitCodes } from "./exit-codes.ts";

/** What this room uses of `process`. */
export interface Interruptible {
  on(signal: "SIGINT", listener: () => void): unknown;
  off(signal: "SIGINT", listener: () => void): unknown;
  exit(code: number): void;
}

export interface Interrupt extends Disposable {
  readonly signal: AbortSignal;
}

/** The first SIGINT aborts, so that what is known can still be told; the second ends the process at once. */
export function watchInterrupt(process: Interruptible): Interrupt {
  const controller = new AbortController();
  const onSignal = () => {
    if (controller.signal.aborted) return process.exit(exitCodes.interrupted);
    controller.abort(new Error("interrupted"));
  };
  process.on("SIGINT", onSignal);
  return { signal: controller.signal, [Symbol.dispose]: () => process.off("SIGINT", onSignal) };
}
