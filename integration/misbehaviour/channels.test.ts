import { describe, expect, it } from "vitest";
import {
  type Behaviour,
  badFrames,
  badOpenings,
  makeFirmware,
  startSwupdate,
  startTusDevice,
} from "../../mocks/index.ts";
import { httpProbe } from "../../src/delivery/http/index.ts";
import { swupdate } from "../../src/delivery/swupdate/index.ts";
import { tus } from "../../src/delivery/tus/index.ts";
import type { Device, DeviceOutcome } from "../../src/index.ts";
import { openArtifact } from "../../src/index.ts";
import { contradictions, fastClient } from "../kit.ts";
import { figure } from "../long.ts";

const version = "2.0.0";
const image = makeFirmware({ version, length: 100_000 });
const probers = [httpProbe({ health: false, inspect: { also: { bootId: "/bootId", digest: "/digest" } } })];
const ending = (outcome: DeviceOutcome) =>
  "error" in outcome ? `${outcome.status} ${outcome.error.code}` : outcome.status;

async function each(all: readonly Behaviour[], one: (behaviour: Behaviour) => Promise<string>) {
  const seen = await Promise.all(all.map(async (behaviour) => [behaviour.name, await one(behaviour)] as const));
  figure("misbehaviour", { "websockets and offsets broken": all.length });
  return Object.fromEntries(seen);
}

/** One update of a SWUpdate whose websocket misbehaves, and what it was sent. */
async function updated({ steps, ending: last = "fin" }: Behaviour, response: number): Promise<string> {
  await using server = await startSwupdate({ id: "board-1", uptime: 3_600 });
  server.script({ on: "other", path: "/ws", fault: { kind: "raw", steps, ending: last } });
  await using client = fastClient({
    deliveries: [swupdate()],
    probers,
    timeouts: { response, connect: response },
    retry: { attempts: 1 },
    verification: { deadline: 1_500, stableFor: 10 },
  });
  await using artifact = await openArtifact(image, { version, frozen: true });
  const device: Device = { id: "board-1", address: server.url, probe: "http" };
  const outcome = await client.update(device, artifact);
  expect(contradictions(outcome, server.device)).toEqual([]);
  await client.close();
  expect(client.statistics()).toMatchObject({ connections: 0, inFlight: 0 });
  return `${ending(outcome)}, ${server.device.counters.requests.update} sent`;
}

describe("websockets that misbehave", () => {
  it("at their opening: nothing is sent", async () => {
    const limited = /silence|drips/;
    const quick = badOpenings.filter(({ name }) => !limited.test(name));
    const seen = {
      ...(await each(quick, (behaviour) => updated(behaviour, 20_000))),
      ...(await each(
        badOpenings.filter(({ name }) => limited.test(name)),
        (behaviour) => updated(behaviour, 400),
      )),
    };
    const wrong = Object.entries(seen).filter(([, end]) => !/^failed \w+, 0 sent$/.test(end));
    expect(Object.fromEntries(wrong)).toEqual({});
  });

  it("once they are open: what the device then runs decides", async () => {
    const seen = await each(badFrames, (behaviour) => updated(behaviour, 20_000));
    const wrong = Object.entries(seen).filter(([, end]) => end !== "updated, 1 sent");
    expect(Object.fromEntries(wrong)).toEqual({});
  });
});

/** What a device may say of how far an upload got, where 50,000 of 100,000 bytes is the truth. */
const offsets = [
  ...["", "-1", "-0", "NaN", "Infinity", "1e5", "0x186a0", "50000.5", "50000, 50000", "+50000", "five", "\x0050000"],
  ...["100001", "9007199254740993", "18446744073709551616", "9".repeat(400), "00000", "٥"],
];
const told = (value: string, status = "200 OK") =>
  `HTTP/1.1 ${status}\r\ntus-resumable: 1.0.0\r\nupload-length: 100000\r\nupload-offset: ${value}\r\ncontent-length: 0\r\n\r\n`;

describe("offsets of a tus upload that are none", () => {
  const uploaded = async (on: "other" | "update", text: string): Promise<string> => {
    await using server = await startTusDevice({ id: "dev-1" });
    // OPTIONS and the creation pass; the first PATCH breaks half-way where the HEAD behind it is to lie.
    if (on === "other") server.script({ on: "update", fault: { kind: "cut", at: 50_000, ending: "fin" } });
    server.script({
      on,
      skip: on === "other" ? 2 : 0,
      fault: { kind: "raw", steps: [{ write: text }], ending: "serve" },
    });
    await using client = fastClient({ deliveries: [tus({ checksum: false })], verification: { deadline: 1_500 } });
    await using artifact = await openArtifact(image, { version, frozen: true });
    const outcome = await client.update({ id: "dev-1", address: server.url }, artifact);
    expect(contradictions({ ...outcome }, server.device).filter((claim) => !claim.includes("other bytes"))).toEqual([]);
    // Whatever it was told: what was put together at the device is the artifact, or was not taken for one.
    expect(["1.0.0", version]).toContain(server.device.version);
    await client.close();
    return ending(outcome);
  };

  it.each(offsets)("in the answer to a HEAD: %j", async (value) => {
    // Never believed: it ends, or begins anew, and what is claimed the device runs.
    expect(await uploaded("other", told(value))).toMatch(
      /^(updated|failed (unreadable_state|malformed_reply|connection_lost))$/,
    );
    figure("misbehaviour", { "websockets and offsets broken": 1 });
  });

  it.each(offsets)("in the answer to the bytes: %j", async (value) => {
    expect(await uploaded("update", told(value, "204 No Content").replace("content-length: 0\r\n", ""))).toMatch(
      /^(updated|failed (malformed_reply|unsupported|connection_lost))$/,
    );
    figure("misbehaviour", { "websockets and offsets broken": 1 });
  });
});
