import { FlashwaveError } from "../core/errors.ts";
import type { CallOptions } from "../core/page.ts";
import { invalidOption } from "./failures.ts";
import { only } from "./filter.ts";
import { namesOf } from "./plain.ts";

const callOptions = namesOf<CallOptions>({ signal: true });

/** What every call to a registry passes first. */
export class Gate {
  #closed = false;

  /**
   * @param names of the options that the call takes
   * @throws `registry_failed` once closed, `invalid_option` for an option that there is not, `aborted` when the caller's
   * signal had aborted before the call
   */
  enter(options: CallOptions | undefined, names: readonly string[] = callOptions): void {
    if (this.#closed) {
      throw new FlashwaveError("registry_failed", "the registry is closed; open it again to go on", {
        phase: "registry",
      });
    }
    if (options === undefined) return;
    only(options, names, "options");
    const { signal } = options;
    if (signal === undefined) return;
    if (typeof signal?.aborted !== "boolean") throw invalidOption("options.signal must be an AbortSignal");
    if (signal.aborted) {
      throw new FlashwaveError("aborted", "the signal had aborted; nothing more was asked of the registry", {
        phase: "registry",
        cause: signal.reason,
      });
    }
  }

  close(): void {
    this.#closed = true;
  }
}
