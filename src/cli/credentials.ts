import { type Credentials, Secret } from "../core/index.ts";
import { readText } from "./files.ts";
import type { Flags } from "./flags.ts";
import { UsageError } from "./usage-error.ts";

/**
 * What `--user` and `--token-…` say, for all devices of the command. A secret comes from a file or the environment: on a
 * command line everybody on the machine could read it.
 * @throws `UsageError`, with nothing of a secret in it
 */
export async function readCredentials(
  flags: Flags,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Credentials | undefined> {
  const { user, passwordFile, passwordEnv, tokenFile, tokenEnv } = flags;
  const password = await readSecret("password", passwordFile, passwordEnv, env);
  const token = await readSecret("token", tokenFile, tokenEnv, env);
  if (token !== undefined && (user !== undefined || password !== undefined))
    throw new UsageError("A token and --user exclude each other.");
  if (token !== undefined) return { token };
  if (user === undefined && password === undefined) return undefined;
  if (user === undefined) throw new UsageError("Give --user, whose password this is.");
  if (user.includes(":"))
    throw new UsageError("--user takes a name alone: its password comes from --password-file or --password-env.");
  if (password === undefined) throw new UsageError("Give --password-file or --password-env for --user.");
  return { username: user, password };
}

/** What `--<what>-file` or `--<what>-env` names. @throws `UsageError`, with nothing of a secret in it */
export async function readSecret(
  what: "password" | "token" | "passphrase",
  file: string | undefined,
  name: string | undefined,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Secret | undefined> {
  if (file !== undefined && name !== undefined)
    throw new UsageError(`--${what}-file and --${what}-env exclude each other.`);
  if (file === undefined && name === undefined) return undefined;
  // An editor ends a file with a line break that nobody typed as part of the secret.
  const text = file === undefined ? env[name ?? ""] : (await readText(`--${what}-file`, file)).replace(/\r?\n$/, "");
  if (text === undefined || text === "") {
    const problem = file === undefined ? `env: this variable is not set, or empty` : `file: this file is empty`;
    throw new UsageError(`--${what}-${problem}.`);
  }
  return new Secret(text);
}
