import { describe, expect, it } from "vitest";
import { createCertificateAuthority } from "../../../mocks/index.ts";
import { createArtifactServer } from "./index.ts";
import { bytes, device, fetchedYet, get, open, published, sha256, start } from "./rig.suite.ts";

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
