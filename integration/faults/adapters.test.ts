import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openArtifact } from "../../src/index.ts";
import { type Adapter, adapters, image, type Station } from "../adapters.ts";
import { isLong } from "../long.ts";
import { type AdapterCell, type Rig, version, watchedClient } from "./adapter-cell.ts";
import { answersMeanwhile, fetches } from "./adapter-fetches.ts";
import { reads } from "./adapter-reads.ts";
import { largeImage, sendsBrokenOff, sendsToTheEnd } from "./adapter-sends.ts";
import { sources } from "./adapter-sources.ts";
import { ways } from "./adapter-ways.ts";
import { startDeaf } from "./gate.ts";
import { matrix, type Place } from "./matrix.ts";
import { unable } from "./unable.ts";

const cells: readonly AdapterCell[] = [
  ...[...ways, ...sendsToTheEnd, ...sendsBrokenOff],
  ...[...fetches, ...answersMeanwhile, ...reads, ...sources],
];

/**
 * The cells before the last byte that an adapter is tried on. In `npm test` each cell is one of some adapters', and the
 * generic one has all of them in the matrix; in the long run each is every adapter's.
 */
const shareOf = (adapter: Adapter): readonly AdapterCell[] =>
  sendsBrokenOff.filter((_, at) => isLong || (at + adapters.indexOf(adapter)) % 4 === 0);

const shows = (cell: AdapterCell, adapter: Adapter, station: Station) => cell.shows?.(adapter, station) ?? true;

describe("the fault matrix through every adapter", () => {
  const tried = new Set<Place>();
  let rig: Rig;
  let deaf: Awaited<ReturnType<typeof startDeaf>>;
  beforeAll(async () => {
    deaf = await startDeaf();
    const small = await openArtifact(image, { version, frozen: true });
    const large = await openArtifact(largeImage, { version, frozen: true });
    rig = {
      ...{ small, large },
      bytesOf: new Map([
        [small, image],
        [large, largeImage],
      ]),
      deaf: deaf.port,
      directory: await mkdtemp(join(tmpdir(), "flashwave-adapters-")),
    };
  });
  afterAll(async () => {
    await Promise.all([rig.small[Symbol.asyncDispose](), rig.large[Symbol.asyncDispose]()]);
    await deaf[Symbol.asyncDispose]();
    await rm(rig.directory, { recursive: true });
  });

  /** All of these that the adapter's devices can show, `atOnce` at a time: what is work takes its time. */
  async function play(adapter: Adapter, all: readonly AdapterCell[], atOnce = all.length): Promise<void> {
    await using station = await adapter.start();
    const left = all.filter((cell) => shows(cell, adapter, station));
    const wrong: Record<string, string> = {};
    const next = async () => {
      for (let cell = left.shift(); cell !== undefined; cell = left.shift()) {
        const { place, name, run } = cell;
        tried.add(place);
        await run(adapter, rig).catch((error: unknown) => {
          wrong[`${place}: ${name}`] = String(error);
        });
      }
    };
    await Promise.all(Array.from({ length: atOnce }, next));
    expect(wrong).toEqual({});
  }

  describe.each(adapters)("$name", { timeout: 300_000 }, (adapter) => {
    it("on the way to it", () => play(adapter, ways));
    it("as it is sent to, or given its order", () => play(adapter, sendsToTheEnd));
    it("the artifact's own source", () => play(adapter, sources, 2));
    if (adapter.pulls) {
      it("what it fetches", () => play(adapter, fetches));
      it("what it answers while it fetches", () => play(adapter, answersMeanwhile, 6));
    } else it("while it is sent to", () => play(adapter, shareOf(adapter), 3));
  });

  // These wait for what does not come: at the same time.
  it.concurrent.each(adapters)("$name: what is read once it was sent to: nothing is sent twice", (adapter) =>
    play(adapter, reads),
  );

  it.each(adapters.filter(({ pulls }) => pulls))(
    "$name: what it fetched and found to be damaged is not updated",
    async (adapter) => {
      await using station = await adapter.start();
      station.faultFetch?.({ kind: "corrupt" });
      await using client = watchedClient(station, [], { verification: { deadline: 500, stableFor: 0 } });
      // By the device's own verdict where it has one, else by what it runs.
      expect(await client.update(station.device, rig.small)).toMatchObject({
        status: "failed",
        error: { code: expect.stringMatching(/^(not_updated|device_error)$/) },
      });
      expect(station.running()).toBe("1.0.0");
    },
  );

  it.each(adapters)("$name: each cell is shown, or there is a reason why it cannot be", async (adapter) => {
    await using station = await adapter.start();
    const shown = new Set(cells.filter((cell) => shows(cell, adapter, station)).map(({ place }) => place));
    const excused = unable.filter((row) => row.adapters.includes(adapter.name)).flatMap(({ places }) => places);
    const places = [...matrix.keys()];
    expect(places.filter((place) => !shown.has(place) && !excused.includes(place))).toEqual([]);
    expect(excused.filter((place) => shown.has(place) || !matrix.has(place))).toEqual([]);
  });

  it("has a reason only for adapters that there are, and tries every cell on some of them", () => {
    const names = adapters.map(({ name }) => name);
    expect(unable.flatMap((row) => row.adapters).filter((name) => !names.includes(name))).toEqual([]);
    expect([...matrix.keys()].filter((place) => !tried.has(place))).toEqual([]);
  });
});
