import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { until } from "../../../mocks/until.ts";
import { createBufferPool, openArtifact } from "../../bytes/index.ts";
import { pattern } from "../suite/trial.suite.ts";
import { bytes, device, file, get, open, raw, start, stuckReader } from "./rig.suite.ts";

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
    const stuck = stuckReader(publication.url);
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
    const stuck = stuckReader(publication.url);
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
