import { X509Certificate } from "node:crypto";
import { createSecureContext, type SecureContext } from "node:tls";
import { FlashwaveError } from "../core/errors.ts";

type Pem = string | Uint8Array;

/** How devices are authenticated, and this client to them. */
export interface TlsOptions {
  /** Certificate authorities to trust instead of the well-known ones, PEM. */
  readonly ca?: Pem | readonly Pem[];
  /** This client's certificate chain and private key, PEM: both or neither. */
  readonly cert?: Pem | readonly Pem[];
  readonly key?: Pem | readonly Pem[];
  /** @default "TLSv1.2" */
  readonly minVersion?: "TLSv1.2" | "TLSv1.3";
  /**
   * Pins that apply to every device: any one may match, and a plain `http://` device is refused.
   *
   * Devices mostly have self-signed certificates. So without `ca`, a pin that matches is all that is asked: issuer,
   * name and dates are not looked at. With `ca`, the certificate must pass both the authority and a pin.
   */
  readonly pins?: readonly string[];
}

/** TLS settings, checked. The context is made on first use: it loads the trust store, which plain http never needs. */
export class Tls {
  readonly ownAuthority: boolean;
  readonly #options: TlsOptions;
  #context: SecureContext | undefined;

  constructor(options: TlsOptions) {
    this.#options = options;
    this.ownAuthority = options.ca !== undefined;
    const { minVersion, cert, key, ca } = options;
    if (minVersion !== undefined && minVersion !== "TLSv1.2" && minVersion !== "TLSv1.3") {
      throw invalid('tls.minVersion must be "TLSv1.2" or "TLSv1.3"');
    }
    if ((cert === undefined) !== (key === undefined)) throw invalid("tls.cert and tls.key are given both or neither");
    if (ca !== undefined || cert !== undefined) this.context();
  }

  context(): SecureContext {
    if (this.#context !== undefined) return this.#context;
    const { ca, cert, key, minVersion = "TLSv1.2" } = this.#options;
    try {
      // OpenSSL passes over an authority that it cannot read, and would then trust nobody.
      for (const part of list(ca)) new X509Certificate(part);
      this.#context = createSecureContext({ minVersion, ...pem("ca", ca), ...pem("cert", cert), ...pem("key", key) });
    } catch (cause) {
      throw invalid("tls.ca, tls.cert or tls.key is not usable PEM, or the key does not fit the certificate", cause);
    }
    return this.#context;
  }
}

function pem(name: "ca" | "cert" | "key", value: Pem | readonly Pem[] | undefined): object {
  return value === undefined ? {} : { [name]: list(value) };
}

function list(value: Pem | readonly Pem[] = []): (string | Buffer)[] {
  const parts = typeof value === "string" || value instanceof Uint8Array ? [value] : value;
  return parts.map((part) => (typeof part === "string" ? part : Buffer.from(part)));
}

function invalid(message: string, cause?: unknown): FlashwaveError {
  return new FlashwaveError("invalid_option", `${message}.`, { phase: "prepare", cause });
}
