import { describe, expect, it } from "vitest";
import { until } from "../../../mocks/until.ts";
import { createBufferPool, openArtifact } from "../../bytes/index.ts";
import { pattern } from "../suite/trial.suite.ts";
import { bytes, device, file, get, open, published, raw, start, stuckReader } from "./rig.suite.ts";

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
    const stuck = stuckReader(publication.url);
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
    const stuck = stuckReader(url);
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
