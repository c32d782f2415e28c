import { createHash, hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import type { BodySource, Parameters } from "../types.ts";
import { noise } from "./shared.ts";

/** One request's body: plain bytes, or a fresh iteration each time it is asked for. */
export type Body = () => Buffer | AsyncIterable<Uint8Array>;

/** The bodies that a client without our source would send. */
export async function makeBody(parameters: Parameters, file: string): Promise<Body> {
  const length = parameters.bytes ?? 0;
  const source: BodySource = parameters.body ?? "memory";
  switch (source) {
    case "memory": {
      const buffer = noise(length);
      return () => buffer;
    }
    case "file":
    case "stream":
      return () => createReadStream(file);
    case "stream-hash":
      return () => hashed(file);
    case "memory-hash": {
      const buffer = noise(length);
      return () => {
        hash("sha256", buffer, "hex");
        return buffer;
      };
    }
    case "ring":
      throw new Error("The ring is ours: it has a peer of its own.");
    default:
      return source satisfies never;
  }
}

/** undici's types know streams, its client takes any async iterable. */
export function asReadable(body: Buffer | AsyncIterable<Uint8Array>): Buffer | Readable {
  return body as Buffer | Readable;
}

/** For clients that take streams alone. */
export function asStream(body: Buffer | AsyncIterable<Uint8Array>): Buffer | Readable {
  return Buffer.isBuffer(body) || body instanceof Readable ? body : Readable.from(body, { objectMode: false });
}

async function* hashed(file: string): AsyncGenerator<Uint8Array, void> {
  const running = createHash("sha256");
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    running.update(chunk);
    yield chunk;
  }
  running.digest("hex");
}
