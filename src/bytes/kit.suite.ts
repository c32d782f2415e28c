import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readdir, readlink, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FlashwaveError } from "../core/errors.ts";
import { isFlashwaveError } from "../core/errors.ts";
import type { Segment } from "../core/payload.ts";

/** Bytes that differ from block to block, so that a block in the wrong place shows. */
export function pattern(length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let index = 0; index < length; index++) bytes[index] = (Math.imul(index, 0x9e3779b1) >>> 13) ^ (index >>> 18);
  return bytes;
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** All bytes of a segment, each chunk copied when it is handed out, as a socket that flushes at once would. */
export async function collect(segment: Segment): Promise<Buffer> {
  if (segment instanceof Uint8Array) return Buffer.from(segment);
  const parts: Buffer[] = [];
  for await (const chunk of segment) parts.push(Buffer.from(chunk));
  return Buffer.concat(parts);
}

/** The error a promise rejects with, which must be ours. */
export async function failure(promise: Promise<unknown>): Promise<FlashwaveError> {
  const error = await promise.then(
    () => new Error("it did not fail"),
    (thrown: unknown) => thrown,
  );
  if (!isFlashwaveError(error)) throw error;
  return error;
}

export class Folder implements AsyncDisposable {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  static async make(): Promise<Folder> {
    return new Folder(await mkdtemp(join(tmpdir(), "flashwave-bytes-")));
  }

  async file(name: string, bytes: Uint8Array): Promise<string> {
    const path = join(this.path, name);
    await writeFile(path, bytes);
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

/** How many descriptors of this process lead into `folder`. */
export async function openIn(folder: string): Promise<number> {
  const links = await Promise.all(
    (await readdir("/proc/self/fd")).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => "")),
  );
  return links.filter((link) => link.startsWith(folder)).length;
}

/** A peer that reads in small sips, a turn of the loop apart, and knows the digest of what it was sent. */
export class SlowPeer implements AsyncDisposable {
  readonly socket: Socket;
  readonly #digest: Promise<string>;
  readonly #close: () => Promise<void>;

  private constructor(socket: Socket, digest: Promise<string>, close: () => Promise<void>) {
    this.socket = socket;
    this.#digest = digest;
    this.#close = close;
  }

  static async start(): Promise<SlowPeer> {
    const { promise, resolve } = Promise.withResolvers<string>();
    const server = createServer({ highWaterMark: 16_384 }, (peer) => {
      const hash = createHash("sha256");
      peer.on("error", () => undefined);
      peer.on("data", (chunk) => {
        hash.update(chunk);
        peer.pause();
        setImmediate(() => peer.resume());
      });
      peer.on("end", () => resolve(hash.digest("hex")));
      peer.on("close", () => resolve("closed early"));
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    // As undici opens its sockets; the types do not know the last option.
    const options = { port: (server.address() as AddressInfo).port, host: "127.0.0.1", highWaterMark: 65_536 };
    const socket = connect(options);
    socket.on("error", () => undefined);
    await once(socket, "connect");
    return new SlowPeer(socket, promise, async () => {
      socket.destroy();
      await new Promise((done) => server.close(done));
    });
  }

  /** Ends the sending and tells what arrived. */
  async received(): Promise<string> {
    this.socket.end();
    return this.#digest;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#close();
  }
}

/** Sends a segment by the law: waits for the flush when `write` says so, else asks for the next chunk at once. */
export async function sendLawfully(socket: Socket, segment: Segment): Promise<void> {
  for await (const chunk of segment instanceof Uint8Array ? [segment] : segment) {
    if (!socket.write(chunk)) await once(socket, "drain");
  }
}
