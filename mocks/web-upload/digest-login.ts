import { createHash, randomBytes } from "node:crypto";
import type { RequestHead } from "../records.ts";

/** The server's side of Digest (RFC 7616) with `qop=auth`, for one user. A nonce's count may only go up. */
export class DigestLogin {
  readonly #realm: string;
  readonly #username: string;
  readonly #password: string;
  readonly #algorithm: "MD5" | "SHA-256";
  readonly #counts = new Map<string, number>();

  constructor(realm: string, username: string, password: string, algorithm: "MD5" | "SHA-256" = "MD5") {
    this.#realm = realm;
    this.#username = username;
    this.#password = password;
    this.#algorithm = algorithm;
  }

  /** A fresh challenge, as the value of `www-authenticate`. */
  challenge(): string {
    const nonce = randomBytes(16).toString("hex");
    this.#counts.set(nonce, 0);
    return `Digest realm="${this.#realm}", nonce="${nonce}", algorithm=${this.#algorithm}, qop="auth"`;
  }

  holds({ method, path, headers }: RequestHead): boolean {
    const text = headers["authorization"] ?? "";
    if (!text.startsWith("Digest ")) return false;
    const given = new Map<string, string>();
    for (const [, name = "", quoted, bare] of text.slice(7).matchAll(/(\w+)=(?:"([^"]*)"|([^\s,"]+))/g)) {
      given.set(name.toLowerCase(), quoted ?? bare ?? "");
    }
    const { nonce = "", nc = "", cnonce = "", response } = Object.fromEntries(given);
    const known = this.#counts.get(nonce);
    const count = Number.parseInt(nc, 16);
    if (known === undefined || !(count > known) || given.get("qop") !== "auth" || given.get("uri") !== path)
      return false;
    if (given.get("username") !== this.#username || given.get("realm") !== this.#realm) return false;
    this.#counts.set(nonce, count);
    const secret = this.#hash(`${this.#username}:${this.#realm}:${this.#password}`);
    return response === this.#hash(`${secret}:${nonce}:${nc}:${cnonce}:auth:${this.#hash(`${method}:${path}`)}`);
  }

  #hash(text: string): string {
    return createHash(this.#algorithm.replace("-", "").toLowerCase()).update(text).digest("hex");
  }
}
