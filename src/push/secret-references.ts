import { open } from "node:fs/promises";
import { isAbsolute, join, normalize } from "node:path";
import { type Credentials, type DeviceCredentials, Secret, type SecretReference } from "../core/credentials.ts";
import type { Device } from "../core/device.ts";
import { FlashwaveError } from "../core/errors.ts";
import { invalidOption } from "./options.ts";

export interface ReferencedCredentialsOptions {
  /** The folder that files of references are in, below it included. Without it no file is read. */
  readonly folder?: string;
  /** What the names of variables must begin with. @default "FLASHWAVE_SECRET_" */
  readonly prefix?: string;
  /** @default process.env */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

const longest = 65_536;

/**
 * Finds a device's `credentials` where they point to. Whoever can write a registry can make a reference to anything, and
 * name the address that the secret is then shown to: so only variables with a prefix are read, and files of one folder.
 *
 * @throws `credentials_failed` for a reference to anything else, and where there is nothing
 *
 * @example createClient({ registry, credentials: referencedCredentials({ folder: "/run/secrets/flashwave" }) })
 */
export function referencedCredentials(
  options: ReferencedCredentialsOptions = {},
): (device: Device) => Promise<Credentials | undefined> {
  const { folder, prefix = "FLASHWAVE_SECRET_", env = process.env } = options;
  if (folder !== undefined && (typeof folder !== "string" || folder === ""))
    throw invalidOption("folder", "the path of a folder", folder);
  if (typeof prefix !== "string") throw invalidOption("prefix", "text", prefix);
  return async ({ id, credentials }) => {
    if (credentials === undefined) return undefined;
    const secret = async (reference: SecretReference) => {
      const text =
        reference.env === undefined
          ? await readSecretFile(reference.file, folder, id)
          : readVariable(reference.env, prefix, env, id);
      if (text === "") throw failed("is empty. Put the secret there", id);
      return new Secret(text);
    };
    return resolve(credentials, secret);
  };
}

async function resolve(
  { username, password, token }: DeviceCredentials,
  secret: (reference: SecretReference) => Promise<Secret>,
): Promise<Credentials> {
  return token === undefined ? { username, password: await secret(password) } : { token: await secret(token) };
}

function readVariable(
  name: string,
  prefix: string,
  env: NonNullable<ReferencedCredentialsOptions["env"]>,
  device: string,
): string {
  if (!name.startsWith(prefix)) {
    throw failed(`names a variable that does not begin with ${prefix}. Only those are read`, device);
  }
  const text = env[name];
  if (text === undefined) throw failed(`names the variable ${name}, which is not set. Set it`, device);
  return text;
}

async function readSecretFile(file: string, folder: string | undefined, device: string): Promise<string> {
  if (folder === undefined) {
    throw failed("names a file, but no folder of secrets was given. Give referencedCredentials one", device);
  }
  const path = normalize(file);
  if (isAbsolute(path) || path.split(/[/\\]/).includes("..")) {
    throw failed("names a file outside of the folder of secrets. Name one in it", device);
  }
  try {
    await using handle = await open(join(folder, path));
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(longest + 1), 0, longest + 1, 0);
    if (bytesRead > longest) throw failed("names a file of more than 64 KiB. That is no secret", device);
    // An editor ends a file with a line break that nobody typed as part of the secret.
    return buffer.toString("utf8", 0, bytesRead).replace(/\r?\n$/, "");
  } catch (cause) {
    if (cause instanceof FlashwaveError) throw cause;
    throw failed("names a file that cannot be read. Look at the cause", device, cause);
  }
}

function failed(told: string, device: string, cause?: unknown): FlashwaveError {
  return new FlashwaveError("credentials_failed", `The reference to this device's credentials ${told}.`, {
    phase: "prepare",
    device,
    ...(cause !== undefined && { cause }),
  });
}
