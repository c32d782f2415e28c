import { FlashwaveError } from "../core/errors.ts";

export function invalidOption(message: string): FlashwaveError<"invalid_option"> {
  return new FlashwaveError("invalid_option", message, { phase: "registry" });
}

export function invalidCursor(message: string): FlashwaveError<"invalid_cursor"> {
  return new FlashwaveError("invalid_cursor", message, { phase: "registry" });
}
