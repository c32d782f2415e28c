/** Text that does not print: not in a message, not in JSON, not in a log. Only `reveal` gives it. */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** The text itself, for the one place that has to put it on the wire. */
  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return "[secret]";
  }

  toJSON(): string {
    return "[secret]";
  }
}

/**
 * What a device wants to be shown before it listens: a user's name and password (Basic, Digest, a Redfish session), or
 * a bearer token (RFC 6750). They are meant for one device and go to its origin alone.
 */
export type Credentials =
  | { readonly username: string; readonly password: Secret; readonly token?: never }
  | { readonly token: Secret; readonly username?: never; readonly password?: never };
