import { describe, expect, it } from "vitest";
import { makeFirmware, startFleet } from "../mocks/index.ts";
import { openArtifact } from "../src/index.ts";
import { fastClient, settled } from "./kit.ts";

const version = "2.0.0";
const bytes = makeFirmware({ version, length: 20_000 });
const slow = 30;
const good = 70;

/** Ten sites of ten; the devices of the first three take what they are sent and never answer. */
async function served(inFlightPerSite: number): Promise<{ updated: number; others: number; stuck: number }> {
  await using tarpits = await startFleet({
    count: slow,
    prefix: "tar-",
    chaos: [{ share: 1, script: [{ on: "update", fault: { kind: "blackhole" }, times: 100 }] }],
  });
  await using fleet = await startFleet({ count: good, prefix: "pos-" });
  const at = (site: number) => ({ site: `site-${site}` });
  const devices = [
    ...tarpits.devices.map((device, i) => ({ ...device, ...at(i % 3) })),
    ...fleet.devices.map((device, i) => ({ ...device, ...at(3 + (i % 7)) })),
  ];
  await using client = fastClient({ limits: { inFlight: 20, inFlightPerSite } });
  await using artifact = await openArtifact(bytes, { version });
  let updated = 0;
  let others = 0;
  const leave = new AbortController();
  const stuck = () => tarpits.counters().requests.update;
  const run = async () => {
    for await (const outcome of client.pushMany(devices, artifact, { signal: leave.signal })) {
      if (outcome.status === "updated") updated++;
      else others++;
      if (updated === good) leave.abort();
    }
  };
  const running = run();
  if (inFlightPerSite === 20) {
    // All places are taken, and none will come free.
    await settled(stuck, 20);
    leave.abort();
  }
  await running;
  return { updated, others, stuck: stuck() };
}

describe("30 % tarpits at sites of their own", () => {
  it("that come first keep none of the others from being updated, and hold no more places than their sites have", async () => {
    expect(await served(2)).toEqual({ updated: good, others: slow, stuck: 6 });
  });

  it("keep everybody from being updated where their sites have no cap: what the one before would show then", async () => {
    const { updated, stuck } = await served(20);
    expect([updated, stuck]).toEqual([0, 20]);
  });
});
