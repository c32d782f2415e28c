import { Buffer } from "node:buffer";
import type { HashAlgorithm } from "../../core/payload.ts";
import type { ReplyHeaders } from "../../core/transport.ts";

/* tus 1.0.0 (https://tus.io/protocols/resumable-upload), as far as it is pure. */

export const version = "1.0.0";

/** Headers that are the protocol's own: nobody else may set them. */
export const reserved: ReadonlySet<string> = new Set([
  "content-type",
  "tus-resumable",
  "upload-checksum",
  "upload-concat",
  "upload-defer-length",
  "upload-length",
  "upload-metadata",
  "upload-offset",
  "x-http-method-override",
]);

/** What a server says of itself when it is asked by OPTIONS. */
export interface Server {
  readonly creation: boolean;
  readonly creationWithUpload: boolean;
  readonly termination: boolean;
  /** The best of its checksum algorithms that we have too. */
  readonly checksum: HashAlgorithm | undefined;
  /** Most bytes of one upload. */
  readonly maxSize: number | undefined;
}

/** Strongest first. The whole artifact's sha256 is known from opening it, so a small artifact's costs nothing. */
const algorithms: readonly HashAlgorithm[] = ["sha256", "sha1", "md5"];

/** "The response MUST contain the Tus-Version header": without it, or without ours in it, this is another endpoint. */
export function readServer(headers: ReplyHeaders): Server | undefined {
  if (!listed(headers.get("tus-version")).includes(version)) return undefined;
  const extensions = listed(headers.get("tus-extension"));
  const offered = extensions.includes("checksum") ? listed(headers.get("tus-checksum-algorithm")) : [];
  return {
    creation: extensions.includes("creation") || extensions.includes("creation-with-upload"),
    creationWithUpload: extensions.includes("creation-with-upload"),
    termination: extensions.includes("termination"),
    checksum: algorithms.find((algorithm) => offered.includes(algorithm)),
    maxSize: readSize(headers.get("tus-max-size")),
  };
}

function listed(value: string | undefined): readonly string[] {
  return (value ?? "").split(",").map((item) => item.trim().toLowerCase());
}

/** A number of bytes. "The value MUST be a non-negative integer." */
export function readSize(value: string | undefined): number | undefined {
  const text = value?.trim() ?? "";
  const size = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(size) ? size : undefined;
}

/** "The key MUST NOT contain spaces and commas and MUST NOT be empty. The key SHOULD be ASCII encoded." */
export function isMetadataKey(key: string): boolean {
  return /^[\x21-\x2b\x2d-\x7e]{1,128}$/.test(key);
}

/** `Upload-Metadata`: keys with their values in Base64, separated by commas. */
export function metadataOf(pairs: ReadonlyMap<string, string>): string {
  return [...pairs]
    .map(([key, value]) => `${key} ${Buffer.from(value.toWellFormed()).toString("base64")}`.trim())
    .join(",");
}

/**
 * Where the part that begins at `offset` ends: after at most `most` bytes (0: all that is left), and on a boundary of
 * our own blocks, so that no block is read for two parts after a resume in its middle.
 */
export function endOfPart(offset: number, length: number, most: number, block: number): number {
  if (most === 0 || length - offset <= most) return length;
  return Math.max(offset + 1, Math.floor((offset + most) / block) * block);
}
