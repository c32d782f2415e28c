import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { makeFirmware } from "../../mocks/index.ts";
import { openArtifact } from "../../src/index.ts";
import { settled } from "../kit.ts";
import { isLong } from "../long.ts";
import { type AdapterCell, old, portOf, receiptOf, rightBytes, version, watchedClient } from "./adapter-cell.ts";
import { countDials } from "./dials.ts";
import { lawOfCell } from "./laws.ts";
import { matrix } from "./matrix.ts";
import { type Spoil, sourceBytes, spoilMidway, spoils } from "./sources.ts";
import type { Mark } from "./trace.ts";

const image = makeFirmware({ version, length: sourceBytes });

/** An update whose artifact's file is spoilt before the first byte, or once some have left. */
const cellOf = (spoil: Spoil): AdapterCell => ({
  place: spoil.place,
  name: spoil.name,
  async run(adapter, { directory }) {
    const path = join(directory, `${adapter.name}, ${spoil.name}.bin`);
    await writeFile(path, image);
    await using station = await adapter.start();
    await using artifact = await openArtifact(path, { version, cacheBytes: 0 });
    if (spoil.when === "before") spoil.spoil(path);
    const dials = countDials(portOf(station.device));
    const trace: Mark[] = [];
    await using client = watchedClient(station, trace, { verification: { deadline: 600 } });
    const over = new AbortController();
    const spoiling = spoil.when === "midway" ? spoilMidway(spoil, path, station.arrived, over.signal) : undefined;
    const outcome = await client.update(station.device, artifact);
    over.abort();
    await spoiling;
    // Nothing of it comes, or is completed, behind our back.
    await settled(() => client.statistics().inFlight, 0);
    await settled(() => station.stretches().length, station.sends());
    rightBytes(station, image);
    const wire = { dials: dials.count, heard: 0, arrived: station.arrived() };
    lawOfCell(matrix.get(spoil.place) ?? "", { trace, outcome, receipt: receiptOf(outcome), wire });
    // A form's head leaves ahead of the bytes, and counts as some.
    const ahead = adapter.wraps === true || spoil.when === "midway";
    expect(outcome).toMatchObject({ error: { bytesOut: ahead ? "some" : "none" } });
    expect(station.sends()).toBeLessThanOrEqual(1);
    expect(station.running()).toBe(old);
    await rm(path, { force: true });
  },
});

const one = (when: Spoil["when"]) => spoils.filter((spoil) => spoil.when === when).slice(0, isLong ? undefined : 1);

export const sources: readonly AdapterCell[] = [...one("before"), ...one("midway")].map(cellOf);
