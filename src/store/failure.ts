import { FlashwaveError } from "../core/errors.ts";

export function failed(message: string, cause?: unknown, again = false): FlashwaveError<"registry_failed"> {
  return new FlashwaveError("registry_failed", message, { phase: "registry", retryable: again, cause });
}

export function closed(cause?: unknown): FlashwaveError<"registry_failed"> {
  return failed("the database was closed meanwhile; open it again to go on", cause);
}
