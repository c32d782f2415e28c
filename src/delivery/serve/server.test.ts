import { writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import { createCertificateAuthority } from "../../../mocks/index.ts";
import { until } from "../../../mocks/until.ts";
import { createBufferPool, openArtifact } from "../../bytes/index.ts";
import { systemClock } from "../../core/clock.ts";
import { pattern } from "../suite/trial.suite.ts";
import { createArtifactServer } from "./index.ts";
import { device, file, get, open, raw, sha256, start, takeSome } from "./rig.suite.ts";

const bytes = pattern(1_000_000);

async function published(size = bytes) {
  const server = await start();
  const artifact = await open(size);
  const publication = await server.publish(artifact.payload, device);
  return { server, artifact, publication, url: publication.url };
}

const fetchedYet = async (fetched: Promise<void>) =>
  Promise.race([fetched.then(() => "fetched"), pause(30).then(() => "not yet")]);

describe("what is served", () => {
  it("GET gives all of it, with length, tag and digest", async () => {
    const { artifact, publication, url } = await published();
    const { status, headers, body } = await get(url);
    expect([status, sha256(body)]).toEqual([200, artifact.digest]);
    expect(headers).toMatchObject({
      "content-length": "1000000",
      "accept-ranges": "bytes",
      etag: `"${artifact.digest}"`,
      "repr-digest": `sha-256=:${Buffer.from(artifact.digest, "hex").toString("base64")}:`,
      "cache-control": "no-store",
      connection: "close",
    });
    expect(headers).not.toHaveProperty("transfer-encoding");
    await publication.fetched;
    expect(publication.progress()).toMatchObject({
      requests: 1,
      bytes: 1_000_000,
      covered: 1_000_000,
      held: 0,
    });
  });

  it("HEAD says the same and gives nothing, and is no fetch", async () => {
    const { publication, url, artifact } = await published();
    const { status, headers, body } = await get(url, { range: "bytes=0-9" }, { method: "HEAD" });
    expect([status, body.length, headers["content-length"]]).toEqual([200, 0, "1000000"]);
    expect(headers["etag"]).toBe(`"${artifact.digest}"`);
    expect(publication.progress()).toMatchObject({ requests: 1, bytes: 0, covered: 0 });
    expect(await fetchedYet(publication.fetched)).toBe("not yet");
  });

  it("a range gives its bytes", async () => {
    const { url } = await published();
    for (const [range, start, end] of [
      ["bytes=0-0", 0, 1],
      ["bytes=262143-262144", 262_143, 262_145],
      ["bytes=999999-", 999_999, 1_000_000],
      ["bytes=-300000", 700_000, 1_000_000],
      ["bytes=100000-899999", 100_000, 900_000],
      ["bytes=0-99,100-199", 0, 200],
    ] as const) {
      const { status, headers, body } = await get(url, { range });
      expect([status, headers["content-range"]]).toEqual([206, `bytes ${start}-${end - 1}/1000000`]);
      expect(headers["content-length"]).toBe(String(end - start));
      expect(Buffer.compare(body, bytes.subarray(start, end))).toBe(0);
    }
  });

  it("a range beyond the end is refused with the length", async () => {
    const { url } = await published();
    const { status, headers, body } = await get(url, { range: "bytes=1000000-" });
    expect([status, headers["content-range"], body.length]).toEqual([416, "bytes */1000000", 0]);
  });

  it("If-Range decides between the rest and the whole", async () => {
    const { url, artifact } = await published();
    const ask = async (tag: string) => (await get(url, { range: "bytes=10-", "if-range": tag })).status;
    expect(await ask(`"${artifact.digest}"`)).toBe(206);
    expect(await ask(`W/"${artifact.digest}"`)).toBe(200);
    expect(await ask('"of another image"')).toBe(200);
  });

  it("conditions on the tag are kept", async () => {
    const { url, artifact } = await published();
    const tag = `"${artifact.digest}"`;
    const ask = async (headers: Record<string, string>) => (await get(url, headers)).status;
    expect(await ask({ "if-none-match": tag })).toBe(304);
    expect(await ask({ "if-none-match": `W/${tag}, "x"` })).toBe(304);
    expect(await ask({ "if-none-match": '"x"' })).toBe(200);
    expect(await ask({ "if-match": '"x"' })).toBe(412);
    expect(await ask({ "if-match": tag })).toBe(200);
  });

  it("over TLS too", async () => {
    const authority = createCertificateAuthority();
    const { key, cert } = authority.issue();
    const server = await start({ tls: { key, cert } });
    const artifact = await open(bytes);
    const publication = await server.publish(artifact.payload, device);
    expect(publication.url).toMatch(/^https:/);
    const { body } = await get(publication.url, {}, { ca: authority.cert });
    expect(sha256(body)).toBe(artifact.digest);
    await publication.fetched;
  });

  it("says what its URLs begin with, and takes the path that a proxy hands on", async () => {
    const server = await start({ publicUrl: "https://updates.example.com/fw/" });
    const artifact = await open(bytes);
    const { url, origin } = await server.publish(artifact.payload, device);
    expect(url).toMatch(/^https:\/\/updates\.example\.com\/fw\/[\w-]{43}\/fw\.bin$/);
    expect(origin).toBe("https://updates.example.com");
    const { pathname } = new URL(url);
    const local = `http://127.0.0.1:${server.port}`;
    expect((await get(local + pathname)).status).toBe(200);
    expect((await get(local + pathname.replace("/fw/", "/"))).status).toBe(200);
    expect((await get(`${local}/x${pathname}`)).status).toBe(404);
  });
});

describe("what counts as fetched", () => {
  it("parts that make the whole, in any order", async () => {
    const { publication, url } = await published();
    await get(url, { range: "bytes=500000-" });
    await get(url, { range: "bytes=0-300000" });
    expect(await fetchedYet(publication.fetched)).toBe("not yet");
    await get(url, { range: "bytes=200000-600000" });
    await publication.fetched;
    expect(publication.progress()).toMatchObject({ requests: 3, covered: 1_000_000 });
  });

  it("a cut answer counts as far as the client goes on from", async () => {
    const { publication, url } = await published();
    const first = await takeSome(url, 400_000);
    await until(() => publication.progress().open === 0);
    expect(await fetchedYet(publication.fetched)).toBe("not yet");
    const rest = await get(url, { range: "bytes=400000-" });
    expect(sha256(Buffer.concat([first, rest.body]))).toBe(sha256(bytes));
    await publication.fetched;
  });

  it("also where the cut falls within a piece that had not wholly left", async () => {
    const server = await start();
    const content = pattern(20_000_000);
    const artifact = await open(content);
    const publication = await server.publish(artifact.payload, device);
    // A client that takes nothing holds a piece between us and the kernel.
    const stuck = connect(server.port, "127.0.0.1", () => {
      stuck.write(`GET ${new URL(publication.url).pathname} HTTP/1.1\r\nhost: x\r\n\r\n`);
    });
    stuck.pause().on("error", () => undefined);
    let flushed = -1;
    await until(() => {
      const { bytes } = publication.progress();
      const stands = bytes > 0 && bytes === flushed;
      flushed = bytes;
      return stands;
    }, 100);
    stuck.resetAndDestroy();
    await until(() => publication.progress().open === 0);
    await get(publication.url, { range: `bytes=${flushed + 1_000}-` });
    await publication.fetched;
  });

  it("a client that resets before it has read to the end has not fetched, though all bytes left", async () => {
    const { publication, url } = await published(pattern(100_000));
    await new Promise<void>((resolve) => {
      const { port, pathname } = new URL(url);
      const socket = connect(Number(port), "127.0.0.1", () => {
        socket.write(`GET ${pathname} HTTP/1.1\r\nhost: x\r\n\r\n`);
        void until(() => publication.progress().covered === 100_000).then(() => socket.resetAndDestroy());
      });
      socket.pause();
      socket.on("close", () => resolve());
    });
    await until(() => publication.progress().open === 0);
    expect(publication.progress().covered).toBe(100_000);
    expect(await fetchedYet(publication.fetched)).toBe("not yet");
    // Where it goes on, it says itself that it has what lies before.
    await get(url, { range: "bytes=99990-" });
    await publication.fetched;
  });

  it("tells of bytes that left, rising", async () => {
    const server = await start();
    const artifact = await open(bytes);
    const seen: number[] = [];
    const publication = await server.publish(artifact.payload, device, { onSent: (sent) => seen.push(sent) });
    await get(publication.url);
    await get(publication.url);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(seen.at(-1)).toBe(1_000_000);
    expect(publication.progress()).toMatchObject({ bytes: 2_000_000, covered: 1_000_000 });
  });
});

describe("what leads nowhere", () => {
  it("a URL whose publication has ended", async () => {
    const { publication, url, server } = await published();
    expect((await get(url)).status).toBe(200);
    await publication.fetched;
    await publication[Symbol.asyncDispose]();
    await publication[Symbol.asyncDispose]();
    expect((await get(url)).status).toBe(404);
    expect(server.statistics()).toMatchObject({ publications: 0, refused: 1 });
  });

  it("a URL that ends while a reader takes nothing: the connection ends with it, and the artifact has its lease back", async () => {
    const pool = createBufferPool();
    const server = await start();
    await using artifact = await openArtifact(await file(pattern(20_000_000)), { cacheBytes: 0, pool });
    const publication = await server.publish(artifact.payload, device);
    const stuck = connect(server.port, "127.0.0.1", () => {
      stuck.write(`GET ${new URL(publication.url).pathname} HTTP/1.1\r\nhost: x\r\n\r\n`);
    });
    stuck.pause().on("error", () => undefined);
    await until(() => publication.progress().bytes > 0);
    await publication[Symbol.asyncDispose]();
    // Long before the minute that a reader may stall.
    await until(() => server.statistics().connections === 0 && pool.statistics().leased === 0);
    expect(publication.progress()).toMatchObject({ open: 0 });
    stuck.destroy();
  });

  it("a URL that has expired", async () => {
    const server = await start({ expiry: 20 });
    const artifact = await open(bytes);
    const publication = await server.publish(artifact.payload, device);
    await expect(publication.fetched).rejects.toMatchObject({ code: "client_closed", bytesOut: "none" });
    expect((await get(publication.url)).status).toBe(404);
  });

  it("another device's URL after its own end, while this one's stands", async () => {
    const { server, artifact, publication, url } = await published();
    const other = await server.publish(artifact.payload, { ...device, id: "dev-2" });
    expect(other.url).not.toBe(url);
    await other[Symbol.asyncDispose]();
    expect((await get(other.url)).status).toBe(404);
    expect((await get(url)).status).toBe(200);
    expect(publication.progress().requests).toBe(1);
  });

  it("guesses, listings, tricks with paths and other methods", async () => {
    const { server, url } = await published();
    const { pathname } = new URL(url);
    const [, token = "", name = ""] = pathname.split("/");
    const tricks = [
      "/",
      "/fw.bin",
      `/${token}`,
      `/${token}/`,
      `/${token}/${name}/`,
      `/${token}/${name}?`,
      `/${token}/${name}?x=1`,
      `/${token}/${name}#x`,
      `//${token}/${name}`,
      `/./${token}/${name}`,
      `/x/../${token}/${name}`,
      `/%2e/${token}/${name}`,
      `/${token}/fw%2ebin`,
      `/${token}/other.bin`,
      `/${token}/..%2f..%2fetc%2fpasswd`,
      `/${token.toUpperCase()}/${name}`,
      `/${token.startsWith("A") ? "B" : "A"}${token.slice(1)}/${name}`,
      `/${"A".repeat(43)}/${name}`,
      "/../../etc/passwd",
      "*",
      "/__proto__/constructor",
    ];
    const answers = new Set<string>();
    for (const path of tricks) {
      const answer = await raw(server.port, `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`);
      answers.add(answer.replace(/date: .*\r\n/i, ""));
    }
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "TRACE"]) {
      const answer = await raw(server.port, `${method} ${pathname} HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n`);
      answers.add(answer.replace(/date: .*\r\n/i, ""));
    }
    expect([...answers]).toEqual([expect.stringMatching(/^HTTP\/1\.1 404 Not Found\r\n/)]);
    expect(await raw(server.port, `GET http://any.example${pathname} HTTP/1.1\r\nhost: x\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 200 OK\r\n/,
    );
  });

  it("a server that was closed, also for what was being served", async () => {
    const { server, publication, url, artifact } = await published(pattern(20_000_000));
    const stuck = connect(server.port, "127.0.0.1", () => {
      stuck.write(`GET ${new URL(url).pathname} HTTP/1.1\r\nhost: x\r\n\r\n`);
    });
    stuck.pause().on("error", () => undefined);
    await until(() => publication.progress().bytes > 0);
    await server.close();
    await server.close();
    await expect(publication.fetched).rejects.toMatchObject({ code: "client_closed", bytesOut: "some" });
    await expect(get(url)).rejects.toMatchObject({ code: "ECONNREFUSED" });
    await expect(server.publish(artifact.payload, device)).rejects.toMatchObject({ code: "client_closed" });
    stuck.destroy();
    await until(() => server.statistics().connections === 0);
    expect(server.statistics().publications).toBe(0);
  });
});

describe("readers that ask too much", () => {
  it("more requests than a publication has are told to go", async () => {
    const server = await start({ limits: { requests: 2 } });
    const artifact = await open(bytes);
    const { url } = await server.publish(artifact.payload, device);
    const statuses = [await get(url), await get(url), await get(url)].map(({ status }) => status);
    expect(statuses).toEqual([200, 200, 429]);
  });

  it("more at once than a publication has are told to wait", async () => {
    const server = await start({ limits: { concurrent: 1 } });
    const artifact = await open(pattern(20_000_000));
    const publication = await server.publish(artifact.payload, device);
    const stuck = connect(server.port, "127.0.0.1", () => {
      stuck.write(`GET ${new URL(publication.url).pathname} HTTP/1.1\r\nhost: x\r\n\r\n`);
    });
    stuck.pause().on("error", () => undefined);
    await until(() => publication.progress().open === 1);
    expect(await get(publication.url)).toMatchObject({ status: 503, headers: { "retry-after": "1" } });
    stuck.destroy();
    await until(() => publication.progress().open === 0);
    expect((await get(publication.url)).status).toBe(200);
  });

  it("a reader that takes nothing loses its connection, and the artifact its lease", async () => {
    const pool = createBufferPool();
    const server = await start({ timeouts: { stall: 100 } });
    await using artifact = await openArtifact(await file(pattern(20_000_000)), { cacheBytes: 0, pool });
    const publication = await server.publish(artifact.payload, device);
    const stuck = connect(server.port, "127.0.0.1", () => {
      stuck.write(`GET ${new URL(publication.url).pathname} HTTP/1.1\r\nhost: x\r\n\r\n`);
    });
    stuck.pause().on("error", () => undefined);
    await until(() => publication.progress().bytes > 0);
    await until(() => publication.progress().open === 0 && pool.statistics().leased === 0);
    expect(publication.progress().covered).toBeLessThan(20_000_000);
    stuck.destroy();
  });

  it("heads that do not end, or are too long, or never come, end the connection", async () => {
    const server = await start({ timeouts: { headers: 200 } });
    expect(await raw(server.port, "GET / HTTP/1.1\r\nx-a: ")).toMatch(/^HTTP\/1\.1 408/);
    expect(await raw(server.port, `GET / HTTP/1.1\r\nhost: x\r\nx-a: ${"a".repeat(10_000)}`)).toMatch(
      /^HTTP\/1\.1 431/,
    );
    await raw(server.port, "");
    expect(server.statistics().requests).toBe(0);
    await until(() => server.statistics().connections === 0);
  });

  it("connections beyond the limit are dropped", async () => {
    const server = await start({ limits: { connections: 1 } });
    const artifact = await open(bytes);
    const { url } = await server.publish(artifact.payload, device);
    const idle = connect(server.port, "127.0.0.1");
    await until(() => server.statistics().connections === 1);
    await expect(get(url)).rejects.toMatchObject({ code: "ECONNRESET" });
    idle.destroy();
    await until(() => server.statistics().connections === 0);
    expect((await get(url)).status).toBe(200);
  });
});

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
    const stuck = publications.map(({ url }) => {
      const socket = connect(server.port, "127.0.0.1", () => {
        socket.write(`GET ${new URL(url).pathname} HTTP/1.1\r\nhost: x\r\n\r\n`);
      });
      return socket.pause().on("error", () => undefined);
    });
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

describe("options", () => {
  it.each([
    [{ host: "" }, "host"],
    [{ host: "0.0.0.0" }, "publicUrl"],
    [{ port: 70_000 }, "port"],
    [{ publicUrl: "ftp://x" }, "publicUrl"],
    [{ publicUrl: "http://user:secret@x" }, "publicUrl"],
    [{ publicUrl: "http://x/?a" }, "publicUrl"],
    [{ tls: { key: "no", cert: "no" } }, "tls"],
    [{ bytesPerSecond: 0 }, "bytesPerSecond"],
    [{ limits: { requests: 0 } }, "limits.requests"],
    [{ timeouts: { stall: -1 } }, "timeouts.stall"],
    [{ hots: "x" }, "hots"],
  ])("%o is refused", async (options, name) => {
    const error = await createArtifactServer(options as object).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "invalid_option", phase: "prepare" });
    expect((error as Error).message).toContain(name);
    expect((error as Error).message).not.toContain("secret");
  });

  it("a port that is taken is told", async () => {
    const { port } = await start();
    await expect(createArtifactServer({ port })).rejects.toMatchObject({
      code: "invalid_option",
      message: expect.stringContaining("EADDRINUSE"),
    });
  });
});
