import type { Credentials } from "../core/credentials.ts";
import type { Device } from "../core/device.ts";
import { FlashwaveError, isFlashwaveError } from "../core/errors.ts";
import type { ClientOptions } from "./options.ts";

/**
 * What the caller gives for one device, checked for its kind.
 * @throws `credentials_failed`, with nothing of them in the message
 */
export async function askCredentials(
  ask: NonNullable<ClientOptions["credentials"]>,
  device: Device,
): Promise<Credentials | undefined> {
  let credentials: unknown;
  try {
    credentials = await ask(device);
  } catch (cause) {
    if (isFlashwaveError(cause)) throw cause;
    throw failed("could not be had, so nothing was sent. Look at the cause", device, cause);
  }
  if (credentials === undefined || credentials === null) return undefined;
  if (areCredentials(credentials)) return credentials;
  throw failed("must be { username, password } or { token }, with the password or token as a Secret", device);
}

const asked = new WeakMap<object, Promise<Credentials | undefined>>();

/** Asks once for each call. Kept beside the call, not in it: most devices have no login, and a field is memory for all. */
export function once(call: object, ask: () => Promise<Credentials | undefined>): Promise<Credentials | undefined> {
  const known = asked.get(call) ?? ask();
  asked.set(call, known);
  return known;
}

function areCredentials(value: unknown): value is Credentials {
  const { username, password, token } = Object(value) as Partial<Record<keyof Credentials, unknown>>;
  if (token !== undefined) return isSecret(token) && username === undefined && password === undefined;
  return typeof username === "string" && isSecret(password);
}

/** By what is used of it: another copy of this package has a `Secret` of its own. */
function isSecret(value: unknown): boolean {
  const { reveal } = Object(value) as { readonly reveal?: unknown };
  return typeof reveal === "function" && typeof reveal.call(value) === "string";
}

function failed(told: string, { id }: Device, cause?: unknown): FlashwaveError {
  return new FlashwaveError("credentials_failed", `The credentials for this device ${told}.`, {
    phase: "prepare",
    device: id,
    ...(cause !== undefined && { cause }),
  });
}
