import { describe, expect, it } from "vitest";
import {
  createCertificateAuthority,
  type DeviceServer,
  type DeviceServerOptions,
  makeFirmware,
  startDeviceServer,
} from "../mocks/index.ts";
import { type Client, type ClientOptions, type DeviceOutcome, openArtifact } from "../src/index.ts";
import { cells, imageBytes } from "./fault-table.ts";
import { asDevice, contradictions, fastClient, settled } from "./kit.ts";

const version = "2.0.0";
const image = makeFirmware({ version, length: imageBytes });
const id = "pos-001";
const tight: ClientOptions = {
  timeouts: { connect: 700, response: 700, stall: 700 },
  verification: { stableFor: 30, deadline: 1_500 },
};

const summary = (outcome: DeviceOutcome) =>
  "error" in outcome ? `${outcome.status} ${outcome.error.code}` : outcome.status;

async function play(
  server: DeviceServer,
  options: ClientOptions,
  look: (client: Client, outcome: DeviceOutcome) => void | Promise<void>,
): Promise<void> {
  await using client = fastClient({ ...tight, ...options });
  await using artifact = await openArtifact(image, { version, frozen: true });
  const outcome = await client.update(asDevice({ id, url: server.url }), artifact);
  await look(client, outcome);
  // Whatever happened: what the client claims, the device does not contradict, and nothing stays in motion.
  expect(contradictions(outcome, server.device)).toEqual([]);
  expect(client.statistics()).toMatchObject({ inFlight: 0 });
}

describe("faults at the device", () => {
  it.each(cells)("$name: $outcome, $sends sent", async ({ script, outcome, sends, by, client }) => {
    await using server = await startDeviceServer({ id, script });
    await play(server, client ?? {}, (_, seen) => {
      expect({ outcome: summary(seen), sends: server.device.counters.requests.update }).toEqual({ outcome, sends });
      if (by !== undefined && "receipt" in seen) expect(seen.receipt).toMatchObject({ acknowledgedBy: by });
      if (outcome !== "updated" && "error" in seen) {
        expect(seen.error).toMatchObject({ device: id, message: expect.stringMatching(/[.]$/) });
      }
    });
  });
});

describe("faults on the way to the device", () => {
  const authority = createCertificateAuthority();
  const certificate = authority.issue();
  const secure = (options: DeviceServerOptions = {}) => startDeviceServer({ id, tls: certificate, ...options });

  it("refused connections: nothing is sent", async () => {
    await using server = await startDeviceServer({ id });
    server.refuse();
    await play(server, {}, (client, outcome) => {
      expect(summary(outcome)).toBe("failed connect_failed");
      expect(outcome).toMatchObject({ attempts: 0, error: { phase: "connect", bytesOut: "none", retryable: true } });
      expect(client.statistics()).toMatchObject({ connections: 0 });
    });
    expect(server.device.counters).toMatchObject({ connections: 0 });
  });

  it("a device that refuses while it restarts is waited for", async () => {
    await using server = await startDeviceServer({ id, rebootMs: 400, whileRebooting: "refuse" });
    await play(server, { verification: { deadline: 10_000, stableFor: 20 } }, (_, outcome) => {
      expect(summary(outcome)).toBe("updated");
      expect(server.device.counters).toMatchObject({ boots: 1, requests: { update: 1 } });
    });
  });

  it.each([
    [
      "the handshake is swallowed, every time",
      "failed connect_timeout",
      Number.POSITIVE_INFINITY,
      { kind: "blackhole" },
    ],
    ["the handshake is swallowed, once", "updated", 1, { kind: "blackhole" }],
    [
      "the handshake is reset, every time",
      "failed connect_failed",
      Number.POSITIVE_INFINITY,
      { kind: "cut", at: "headers" },
    ],
    ["the handshake is reset, once", "updated", 1, { kind: "cut", at: "headers" }],
    ["the handshake is ended, once", "updated", 1, { kind: "cut", at: "headers", ending: "fin" }],
  ] as const)("%s: %s", async (_, wanted, times, fault) => {
    await using server = await secure({ script: [{ on: "connect", times, fault }] });
    await play(server, { tls: { ca: authority.cert } }, (_client, outcome) => {
      expect(summary(outcome)).toBe(wanted);
      expect(server.device.counters.requests.update).toBe(wanted === "updated" ? 1 : 0);
      if (outcome.status === "updated") expect(outcome.evidence.identity).toBe("tls");
    });
  });

  const stranger = createCertificateAuthority("another authority");
  const past = { notBefore: new Date(Date.now() - 7_200_000), notAfter: new Date(Date.now() - 3_600_000) };
  it.each<[string, string, DeviceServerOptions, ClientOptions]>([
    ["an unknown authority", "failed tls_failed", {}, { tls: { ca: stranger.cert } }],
    ["no authority and no pin", "failed tls_failed", {}, {}],
    [
      "another name",
      "failed tls_failed",
      { tls: authority.issue({ hosts: ["pos-1.test"] }) },
      { tls: { ca: authority.cert } },
    ],
    ["an expired certificate", "failed tls_failed", { tls: authority.issue(past) }, { tls: { ca: authority.cert } }],
    [
      "an old protocol",
      "failed tls_failed",
      { tls: { ...certificate, maxVersion: "TLSv1.2" } },
      { tls: { ca: authority.cert, minVersion: "TLSv1.3" } },
    ],
    ["a pin of another key", "failed pin_mismatch", {}, { tls: { pins: [authority.issue().pin] } }],
    [
      "the right authority, a pin of another key",
      "failed pin_mismatch",
      {},
      { tls: { ca: authority.cert, pins: [authority.issue().pin] } },
    ],
    ["the right pin", "updated", {}, { tls: { pins: [certificate.pin] } }],
    ["the right fingerprint", "updated", {}, { tls: { pins: [certificate.fingerprint] } }],
  ])("a certificate: %s: %s", async (_, wanted, device, options) => {
    await using server = await secure(device);
    await play(server, options, (_client, outcome) => {
      expect(summary(outcome)).toBe(wanted);
      const { requests } = server.device.counters;
      // Not even the version is asked of a device that is not who it should be.
      expect(requests).toMatchObject(wanted === "updated" ? { update: 1 } : { update: 0, version: 0 });
      if (outcome.status === "updated") expect(outcome.evidence.identity).toBe("pin");
    });
  });

  it("a certificate that changes between the send and the read: the update is not claimed", async () => {
    const swapped = authority.issue();
    await using server = await secure();
    await using impostor = await startDeviceServer({ id, tls: swapped, port: 0 });
    await using client = fastClient({ ...tight, tls: { ca: authority.cert } });
    await using artifact = await openArtifact(image, { version, frozen: true });
    const device = { ...asDevice({ id, url: server.url }), pins: [certificate.pin] };
    const receipt = await client.push(device, artifact);
    const elsewhere = { ...device, address: impostor.url };
    await expect(client.verify(elsewhere, artifact, { since: receipt })).rejects.toMatchObject({
      code: "pin_mismatch",
    });
    expect(impostor.device.counters.requests.version).toBe(0);
    await settled(() => client.statistics().inFlight, 0);
  });
});
