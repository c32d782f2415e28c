import type { DeviceCredentials, SecretReference } from "../core/credentials.ts";
import { isPrintable, isRecord } from "./plain.ts";

/** What `readCredentials` asks for. A secret put in place of its reference is refused, and not repeated. */
export const credentialsRule =
  "credentials must be { username, password } or { token }, with { env } or { file } in place of the secret";

/** A frozen copy, or nothing when it is malformed. */
export function readCredentials(value: unknown): DeviceCredentials | undefined {
  if (!isRecord(value)) return undefined;
  const { username, password, token, ...other } = value;
  if (Object.keys(other).length > 0) return undefined;
  if (token !== undefined) {
    const reference = username === undefined && password === undefined ? readReference(token) : undefined;
    return reference && Object.freeze({ token: reference });
  }
  const reference = isPrintable(username, 256) && !username.includes(":") ? readReference(password) : undefined;
  return reference && Object.freeze({ username: username as string, password: reference });
}

function readReference(value: unknown): SecretReference | undefined {
  if (!isRecord(value)) return undefined;
  const { env, file, ...other } = value;
  if (Object.keys(other).length > 0 || (env === undefined) === (file === undefined)) return undefined;
  if (env !== undefined) return isVariable(env) ? Object.freeze({ env }) : undefined;
  return isPrintable(file, 256) ? Object.freeze({ file }) : undefined;
}

const isVariable = (name: unknown): name is string =>
  typeof name === "string" && /^[A-Za-z_][A-Za-z0-9_]{0,255}$/.test(name);
