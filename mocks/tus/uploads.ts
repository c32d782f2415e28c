import { ImageReader, type ImageReport } from "../image.ts";

/** One upload as its server sees it. Plain data. */
export interface UploadRecord {
  /** Where it is, below the server's origin. */
  readonly path: string;
  readonly length: number;
  readonly offset: number;
  /** SHA-256 of what came so far, lower-case hexadecimal. */
  readonly sha256: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** One upload. It keeps its bytes: what a fault takes back can be sent again. */
export class StoredUpload {
  readonly path: string;
  readonly length: number;
  readonly metadata: Readonly<Record<string, string>>;
  #pieces: Buffer[] = [];
  #offset = 0;

  constructor(path: string, length: number, metadata: Readonly<Record<string, string>>) {
    this.path = path;
    this.length = length;
    this.metadata = metadata;
  }

  get offset(): number {
    return this.#offset;
  }

  append(chunk: Buffer): void {
    this.#pieces.push(Buffer.from(chunk));
    this.#offset += chunk.length;
  }

  /** The bytes from `start` on. */
  since(start: number): Buffer {
    return Buffer.concat(this.#pieces).subarray(start);
  }

  truncate(offset: number): void {
    this.#pieces = [Buffer.from(Buffer.concat(this.#pieces).subarray(0, offset))];
    this.#offset = Math.min(offset, this.#offset);
  }

  image(): ImageReport {
    const reader = new ImageReader();
    for (const piece of this.#pieces) reader.write(piece);
    return reader.finish();
  }

  record(): UploadRecord {
    const { path, length, offset, metadata } = this;
    return { path, length, offset, sha256: this.image().sha256, metadata };
  }
}

/** `Upload-Metadata`, read strictly; nothing when it is not well formed. */
export function readMetadata(value: string | undefined): Readonly<Record<string, string>> | undefined {
  if (value === undefined) return {};
  const found: Record<string, string> = Object.create(null);
  for (const pair of value.split(",")) {
    const [, key, text = ""] = /^([^\s,]+)(?: ([A-Za-z\d+/]*={0,2}))?$/.exec(pair) ?? [];
    if (key === undefined || key in found) return undefined;
    found[key] = Buffer.from(text, "base64").toString();
  }
  return { ...found };
}
