import { expect, it } from "vitest";
import { createMemoryRegistry } from "../../registry/memory/index.ts";
import { readRecord } from "./recorded.ts";

const evidence = (device: string, version: string) =>
  ({
    device,
    version,
    proved: "version",
    newBoot: "seen",
    health: "ok",
    identity: "address",
    reads: 2,
    firstSeenAt: 1,
    lastSeenAt: 2,
  }) as const;

it("reads every page of what a registry keeps: what was proven, what was seen, who never was", async () => {
  const devices = Array.from({ length: 250 }, (_, index) => ({ id: `d${index}`, address: "http://10.0.0.1" }));
  await using registry = createMemoryRegistry({ devices });
  await registry.devices.observe([
    { id: "d1", seenAt: 2, firmware: "2.0.0", evidence: evidence("d1", "2.0.0") },
    { id: "d2", seenAt: 2, firmware: "2.0.0" },
    { id: "d249", seenAt: 2, firmware: "1.0.0", evidence: evidence("d249", "1.0.0") },
  ]);
  const recorded = await readRecord(registry.devices, "2.0.0");
  expect(recorded.devices).toBe(250);
  expect(recorded.proven).toEqual(new Set(["d1"]));
  expect(recorded.versions).toEqual(
    new Map([
      ["2.0.0", 2],
      ["1.0.0", 1],
    ]),
  );
  expect(recorded.unseen).toHaveLength(247);
});
