import { FlashwaveError } from "../core/errors.ts";
import type { CallOptions } from "../core/page.ts";

/** What every call to a registry passes first. */
export class Gate {
  #closed = false;

  /** @throws `registry_failed` once closed, `aborted` when the caller's signal had aborted before the call. */
  enter(options: CallOptions | undefined): void {
    if (this.#closed) {
      throw new FlashwaveError("registry_failed", "the registry is closed; open it again to go on", {
        phase: "registry",
      });
    }
    const signal = options?.signal;
    if (signal?.aborted) {
      throw new FlashwaveError(
        "aborted",
        "the signal had aborted before the registry was asked; this call did nothing",
        {
          phase: "registry",
          cause: signal.reason,
        },
      );
    }
  }

  close(): void {
    this.#closed = true;
  }
}
