import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { until } from "../../../mocks/until.ts";
import { pattern } from "../suite/trial.suite.ts";
import { bytes, device, fetchedYet, get, open, published, sha256, start, stuckReader, takeSome } from "./rig.suite.ts";

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
    const stuck = stuckReader(publication.url);
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
