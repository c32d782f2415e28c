import { writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import { until } from "../../../mocks/until.ts";
import { createBufferPool, openArtifact } from "../../bytes/index.ts";
import { systemClock } from "../../core/clock.ts";
import { pattern } from "../suite/trial.suite.ts";
import { device, file, get, open, sha256, start, stuckReader } from "./rig.suite.ts";

describe("right bytes", () => {
  it("from poisoned pool memory, over a slow reader", async () => {
    const pool = createBufferPool({ capacity: 3, poison: true });
    const content = pattern(12_000_000);
    const server = await start();
    await using artifact = await openArtifact(await file(content), { cacheBytes: 0, pool });
    const { url } = await server.publish(artifact.payload, device);
    const received = await new Promise<Buffer>((resolve) => {
      const chunks: Buffer[] = [];
      const socket = connect(server.port, "127.0.0.1", () => {
        socket.write(`GET ${new URL(url).pathname} HTTP/1.1\r\nhost: x\r\n\r\n`);
      });
      socket.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        // Every so often it lets the sender run into full buffers.
        if (chunks.length % 16 === 0) setTimeout(() => socket.resume(), 2) && socket.pause();
      });
      socket.on("end", () => resolve(Buffer.concat(chunks)));
    });
    expect(sha256(received.subarray(received.indexOf("\r\n\r\n") + 4))).toBe(artifact.digest);
    expect(pool.statistics().leased).toBe(0);
  });

  it("never those of a file that changed: the answer does not complete", async () => {
    const content = pattern(20_000_000);
    const path = await file(content);
    const server = await start();
    await using artifact = await openArtifact(path, { cacheBytes: 0 });
    const publication = await server.publish(artifact.payload, device);
    const taken = await new Promise<Buffer>((resolve) => {
      const chunks: Buffer[] = [];
      const socket = connect(server.port, "127.0.0.1", () => {
        socket.write(`GET ${new URL(publication.url).pathname} HTTP/1.1\r\nhost: x\r\n\r\n`);
      });
      socket.pause();
      socket.on("data", (chunk: Buffer) => chunks.push(chunk));
      socket.on("error", () => undefined);
      socket.on("close", () => resolve(Buffer.concat(chunks)));
      void vi
        .waitUntil(() => publication.progress().bytes > 0)
        .then(() => writeFile(path, Buffer.alloc(content.length, 1)))
        .then(() => socket.resume());
    });
    const body = taken.subarray(taken.indexOf("\r\n\r\n") + 4);
    expect(body.length).toBeLessThan(content.length);
    expect(Buffer.compare(body, content.subarray(0, body.length))).toBe(0);
    await expect(publication.fetched).rejects.toMatchObject({ code: "artifact_changed" });
    expect((await get(publication.url)).status).toBe(404);
  });

  it("none of an artifact that was disposed", async () => {
    const server = await start();
    const artifact = await openArtifact(pattern(20_000_000), { frozen: true });
    const publication = await server.publish(artifact.payload, device, { pace: { take: () => pause(1) } });
    const taken = get(publication.url).catch((error: unknown) => error);
    await until(() => publication.progress().bytes > 0);
    await artifact[Symbol.asyncDispose]();
    await expect(publication.fetched).rejects.toMatchObject({ code: "artifact_disposed" });
    expect(await taken).toMatchObject({ code: "ECONNRESET" });
  });

  it("to a hundred at once, from one copy in memory", { timeout: 120_000 }, async () => {
    const content = pattern(10_000_000);
    const server = await start();
    const artifact = await open(content);
    const publications = await Promise.all(
      Array.from({ length: 100 }, (_, index) => server.publish(artifact.payload, { ...device, id: `dev-${index}` })),
    );
    const before = process.memoryUsage().arrayBuffers;
    const stuck = publications.map(({ url }) => stuckReader(url));
    // All are under way, none is done: what they hold now is all they ever hold.
    await until(() => publications.every((publication) => publication.progress().bytes > 0));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(content.length);
    for (const socket of stuck) socket.destroy();
    const digests = await Promise.all(publications.map(async ({ url }) => sha256((await get(url)).body)));
    expect(new Set(digests)).toEqual(new Set([artifact.digest]));
    await Promise.all(publications.map(({ fetched }) => fetched));
  });

  it("at no more than the server's rate, whoever fetches", async () => {
    let elapsed = 0;
    // Time passes only where the rate makes somebody wait.
    const sleep = async (ms: number) => {
      elapsed += ms;
    };
    const clock = { ...systemClock, now: () => elapsed, sleep };
    const server = await start({ bytesPerSecond: 100_000, clock });
    const artifact = await open(pattern(100_000));
    const publish = () => server.publish(artifact.payload, device);
    const publications = await Promise.all([publish(), publish()]);
    const bodies = await Promise.all(publications.map(async ({ url }) => sha256((await get(url)).body)));
    expect(bodies).toEqual([artifact.digest, artifact.digest]);
    // Two seconds' worth, a tenth of one of it at once.
    expect(elapsed).toBeGreaterThan(1_800);
    expect(elapsed).toBeLessThan(2_000);
  });

  it("at a publication's own pace, without losing patience with the reader", async () => {
    const server = await start({ timeouts: { stall: 100 } });
    const artifact = await open(pattern(100_000));
    const publication = await server.publish(artifact.payload, device, {
      pace: { take: () => pause(10) },
    });
    expect(sha256((await get(publication.url)).body)).toBe(artifact.digest);
    expect(publication.progress().held).toBeGreaterThan(0);
  });
});
