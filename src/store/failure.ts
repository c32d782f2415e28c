import { FlashwaveError } from "../core/errors.ts";

/** What is known of a failure beside its words. */
export interface FailureContext {
  /** What failed, told before everything else: a file's path, or a server and its database; never a login. */
  readonly place?: string | undefined;
  readonly cause?: unknown;
  /** Whether trying again can help. @default false */
  readonly again?: boolean;
}

export function failed(
  message: string,
  { place, cause, again = false }: FailureContext = {},
): FlashwaveError<"registry_failed"> {
  const told = place === undefined ? message : `${JSON.stringify(place)}: ${message}`;
  return new FlashwaveError("registry_failed", told, { phase: "registry", retryable: again, cause });
}

export function closed(place: string | undefined, cause?: unknown): FlashwaveError<"registry_failed"> {
  return failed("the database was closed meanwhile; open it again to go on", { place, cause });
}
