import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request as plainRequest } from "node:http";
import { request as secureRequest } from "node:https";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { onTestFinished } from "vitest";
import { openArtifact } from "../../bytes/index.ts";
import type { Artifact } from "../../core/artifact.ts";
import type { Device } from "../../core/device.ts";
import type { Publication } from "../../core/publication.ts";
import { pattern } from "../suite/trial.suite.ts";
import { type ArtifactServer, type ArtifactServerOptions, createArtifactServer } from "./index.ts";

export const device: Device = { id: "dev-1", address: "http://127.0.0.1:1" };

export async function start(options: ArtifactServerOptions = {}): Promise<ArtifactServer> {
  const server = await createArtifactServer(options);
  onTestFinished(() => server.close());
  return server;
}

export async function open(bytes: Uint8Array): Promise<Artifact> {
  const artifact = await openArtifact(bytes, { name: "fw.bin", version: "2.0.0" });
  onTestFinished(() => artifact[Symbol.asyncDispose]());
  return artifact;
}

/** A file on its own, read anew at every send. */
export async function file(bytes: Uint8Array): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "flashwave-serve-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, "fw.bin");
  await writeFile(path, bytes);
  return path;
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export interface Fetched {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Buffer;
}

/** One request on a connection of its own. Rejects when the answer ends before its announced length. */
export function get(
  url: string,
  headers: Readonly<Record<string, string>> = {},
  { method = "GET", ca }: { readonly method?: string; readonly ca?: string } = {},
): Promise<Fetched> {
  return new Promise((resolve, reject) => {
    const options = { method, headers, agent: false as const, ...(ca !== undefined && { ca }) };
    const request = url.startsWith("https:") ? secureRequest(url, options) : plainRequest(url, options);
    request.on("error", reject);
    request.on("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) });
      });
    });
    request.end();
  });
}

/** Sends exactly these bytes and gives everything that comes until the server ends the connection. */
export function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(text, "latin1"));
    let answer = "";
    socket.setEncoding("latin1");
    socket.on("data", (chunk) => {
      answer += chunk;
    });
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(answer));
  });
}

/** Asks for all, and takes nothing: what has not left stands between the server and the kernel. */
export function stuckReader(url: string): Socket {
  const { hostname, port, pathname } = new URL(url);
  const socket = connect(Number(port), hostname, () => socket.write(`GET ${pathname} HTTP/1.1\r\nhost: x\r\n\r\n`));
  return socket.pause().on("error", () => undefined);
}

/** Takes bytes until `enough`, then resets the connection. */
export function takeSome(url: string, enough: number, headers: Readonly<Record<string, string>> = {}): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const request = plainRequest(url, { headers, agent: false });
    request.on("error", reject);
    request.on("response", (response) => {
      const chunks: Buffer[] = [];
      let length = 0;
      response.on("error", () => undefined);
      response.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        length += chunk.length;
        if (length < enough) return;
        response.socket.resetAndDestroy();
        resolve(Buffer.concat(chunks).subarray(0, enough));
      });
    });
    request.end();
  });
}

/** What is served where its size does not matter. */
export const bytes: Uint8Array = pattern(1_000_000);

export interface Published {
  readonly server: ArtifactServer;
  readonly artifact: Artifact;
  readonly publication: Publication;
  readonly url: string;
}

export async function published(content: Uint8Array = bytes): Promise<Published> {
  const server = await start();
  const artifact = await open(content);
  const publication = await server.publish(artifact.payload, device);
  return { server, artifact, publication, url: publication.url };
}

export const fetchedYet = async (fetched: Promise<void>): Promise<"fetched" | "not yet"> =>
  Promise.race([fetched.then(() => "fetched" as const), pause(30).then(() => "not yet" as const)]);
