import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from "node:crypto";
import { isIP } from "node:net";
import { bits, explicit, implicit, integer, octets, oid, sequence, set, time, utf8, yes } from "./der.ts";

/** PEM, ready for `tls`. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
  /** SHA-256 of the certificate, colon-separated. */
  readonly fingerprint: string;
  /** `sha256/<base64>`: the hash of the public key, which outlives a renewed certificate. */
  readonly pin: string;
}

export interface CertificateOptions {
  /** @default "simulated device" */
  readonly name?: string;
  /** IP addresses and DNS names it is valid for. @default ["127.0.0.1", "localhost"] */
  readonly hosts?: readonly string[];
  /** @default "server" */
  readonly use?: "server" | "client";
  /** @default an hour ago */
  readonly notBefore?: Date;
  /** @default in a day */
  readonly notAfter?: Date;
  /** PEM of a private key to use again: another certificate, the same pin. */
  readonly key?: string;
}

export interface CertificateAuthority {
  /** PEM. */
  readonly cert: string;
  issue(options?: CertificateOptions): Certificate;
}

interface Body {
  readonly subject: string;
  readonly issuer: string;
  readonly publicKey: KeyObject;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly extensions: readonly Buffer[];
}

const ecdsaWithSha256 = sequence(oid("1.2.840.10045.4.3.2"));
const hour = 3_600_000;

const nameOf = (text: string) => sequence(set(sequence(oid("2.5.4.3"), utf8(text))));
const extension = (id: string, value: Buffer) => sequence(oid(id), octets(value));
const criticalExtension = (id: string, value: Buffer) => sequence(oid(id), yes, octets(value));

/** RFC 5280 §4.1: the body, the algorithm, the signature over the body. */
function signed(body: Body, issuerKey: KeyObject): string {
  const tbs = sequence(
    explicit(0, integer(Buffer.from([2]))),
    // The highest bit off, the next on: positive, and never a leading zero.
    integer(Buffer.concat([Buffer.from([0x40]), randomBytes(15)])),
    ecdsaWithSha256,
    nameOf(body.issuer),
    sequence(time(body.notBefore), time(body.notAfter)),
    nameOf(body.subject),
    body.publicKey.export({ type: "spki", format: "der" }),
    explicit(3, sequence(...body.extensions)),
  );
  const der = sequence(tbs, ecdsaWithSha256, bits(sign("sha256", tbs, issuerKey)));
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

/** RFC 5280 §4.2.1.2 leaves the method open: 20 bytes that follow from the key. */
const keyId = (key: KeyObject): Buffer =>
  createHash("sha256")
    .update(key.export({ type: "spki", format: "der" }))
    .digest()
    .subarray(0, 20);

/** RFC 5280 §4.2.1.6: iPAddress is 4 or 16 plain bytes, dNSName is ASCII. */
function alternativeName(host: string): Buffer {
  if (isIP(host) === 4) return implicit(7, Buffer.from(host.split(".").map(Number)));
  if (host === "::1") return implicit(7, Buffer.concat([Buffer.alloc(15), Buffer.from([1])]));
  return implicit(2, Buffer.from(host));
}

function newKey(pem?: string): { readonly publicKey: KeyObject; readonly key: string } {
  if (pem !== undefined) return { publicKey: createPublicKey(pem), key: pem };
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { publicKey, key: privateKey.export({ type: "pkcs8", format: "pem" }).toString() };
}

const span = ({ notBefore, notAfter }: CertificateOptions) => ({
  notBefore: notBefore ?? new Date(Date.now() - hour),
  notAfter: notAfter ?? new Date(Date.now() + 24 * hour),
});

/**
 * A certificate authority of its own, made in memory: no openssl, no files. For tests only; its keys are P-256 and its
 * certificates live for a day.
 */
export function createCertificateAuthority(name = "simulated authority"): CertificateAuthority {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const ownId = keyId(publicKey);
  const extensions = [
    extension("2.5.29.14", octets(ownId)),
    criticalExtension("2.5.29.19", sequence(yes)),
    // keyCertSign, cRLSign.
    criticalExtension("2.5.29.15", bits(Buffer.from([0x06]), 1)),
  ];
  const cert = signed({ subject: name, issuer: name, publicKey, ...span({}), extensions }, privateKey);
  return {
    cert,
    issue(options = {}) {
      const { name: subject = "simulated device", hosts = ["127.0.0.1", "localhost"], use = "server" } = options;
      const { publicKey: leafKey, key } = newKey(options.key);
      const purpose = use === "server" ? "1.3.6.1.5.5.7.3.1" : "1.3.6.1.5.5.7.3.2";
      const leaf = [
        extension("2.5.29.14", octets(keyId(leafKey))),
        extension("2.5.29.35", sequence(implicit(0, ownId))),
        criticalExtension("2.5.29.15", bits(Buffer.from([0x80]), 7)),
        extension("2.5.29.37", sequence(oid(purpose))),
        ...(hosts.length > 0 ? [extension("2.5.29.17", sequence(...hosts.map(alternativeName)))] : []),
      ];
      const pem = signed({ subject, issuer: name, publicKey: leafKey, ...span(options), extensions: leaf }, privateKey);
      const spki = leafKey.export({ type: "spki", format: "der" });
      const pin = `sha256/${createHash("sha256").update(spki).digest("base64")}`;
      return { key, cert: pem, fingerprint: new X509Certificate(pem).fingerprint256, pin };
    },
  };
}
