/** What stands wherever a secret would be shown. */
const shown = "[secret]";

/**
 * Text that does not print: not in a message, not in JSON, not in a log, not to `console.log` or `util.inspect`, and a
 * clone has none of it. Only `reveal` gives it.
 */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
    Object.freeze(this);
  }

  /** The text itself, for the one place that has to put it on the wire. */
  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return shown;
  }

  toJSON(): string {
    return shown;
  }

  // What Node's `util.inspect` asks for, from the registry of symbols, so that nothing of Node is imported.
  static {
    Object.defineProperty(Secret.prototype, Symbol.for("nodejs.util.inspect.custom"), { value: () => shown });
  }
}

/**
 * What a device wants to be shown before it listens: a user's name and password (Basic, Digest, a Redfish session), or
 * a bearer token (RFC 6750). They are meant for one device and go to its origin alone.
 */
export type Credentials =
  | { readonly username: string; readonly password: Secret; readonly token?: never }
  | { readonly token: Secret; readonly username?: never; readonly password?: never };

/**
 * Where a secret is to be had: an environment variable, or a file (one line break at its end is not part of it). Plain
 * JSON, so a configuration or a database may keep it; it is looked up each time that it is used, and never stored.
 */
export type SecretReference =
  | { readonly env: string; readonly file?: never }
  | { readonly file: string; readonly env?: never };

/** A device's credentials, by reference alone: what a registry may hold. */
export type DeviceCredentials =
  | { readonly username: string; readonly password: SecretReference; readonly token?: never }
  | { readonly token: SecretReference; readonly username?: never; readonly password?: never };
