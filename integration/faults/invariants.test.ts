import { describe, expect, it } from "vitest";
import { startDeviceServer } from "../../mocks/index.ts";
import { openArtifact } from "../../src/index.ts";
import { fastClient, settled } from "../kit.ts";
import { authority, certificate } from "./way.ts";

const version = "2.0.0";
const bytes = Buffer.alloc(100_000, 7);
const id = "pos-001";
const answer = (body: string) =>
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;

describe("I1: no false success", () => {
  // Behind the acknowledgement comes an answer that nobody asked for. A client that has sent its next request by then
  // cannot tell it from the answer to that: one such answer must not be enough.
  it.each([0, 2, 10])("an answer too many, %d ms behind the acknowledgement, proves nothing", async (waitMs) => {
    await using server = await startDeviceServer({ id });
    const steps = [{ write: answer("{}") }, { waitMs }, { write: answer(JSON.stringify({ version })) }];
    server.script({ on: "update", fault: { kind: "raw", steps, ending: "serve" } });
    await using client = fastClient({ verification: { stableFor: 100, deadline: 1_000 } });
    await using artifact = await openArtifact(bytes, { version });
    const outcome = await client.update({ id, address: server.url, profile: { health: false } }, artifact);
    expect(outcome).toMatchObject({ status: "failed", error: { code: "not_updated" } });
    expect(server.device.version).toBe("1.0.0");
  });

  // Where one good read is enough, it must at least be an answer to that read.
  it.each([
    [2, "a device by plain http", {}],
    [10, "a device by plain http", {}],
    [10, "a device known by its pin", { pins: [certificate.pin] }],
  ] as const)(
    "an answer too many, %d ms behind the acknowledgement, is not heard by what proves: %s",
    async (waitMs, _, own) => {
      await using server = await startDeviceServer({ id, ...("pins" in own && { tls: certificate }) });
      const steps = [{ write: answer("{}") }, { waitMs }, { write: answer(JSON.stringify({ version })) }];
      server.script({ on: "update", times: 2, fault: { kind: "raw", steps, ending: "serve" } });
      await using client = fastClient({
        verification: { stableFor: 0, deadline: 300 },
        ...("pins" in own && { tls: { ca: authority.cert } }),
      });
      await using artifact = await openArtifact(bytes, { version });
      const device = { id, address: server.url, profile: { health: false }, ...own } as const;
      const outcome = await client.update(device, artifact);
      expect(outcome).toMatchObject({ status: "failed", error: { code: "not_updated" } });
      // By hand as well: a verification begins on a connection of its own, whatever went before.
      const receipt = await client.push(device, artifact);
      await expect(client.verify(device, artifact, { since: receipt })).rejects.toMatchObject({ code: "not_updated" });
      expect(server.device).toMatchObject({ version: "1.0.0", counters: { requests: { update: 2 } } });
    },
  );

  it("an answer too many to what was refused for now is not heard by the read that decides", async () => {
    await using server = await startDeviceServer({ id });
    const busy = "HTTP/1.1 503 Busy\r\nretry-after: 0\r\ncontent-length: 0\r\n\r\n";
    const steps = [{ write: busy }, { waitMs: 10 }, { write: answer(JSON.stringify({ version })) }];
    server.script({ on: "update", times: 9, fault: { kind: "raw", steps, ending: "serve" } });
    await using client = fastClient({ retry: { attempts: 1 } });
    await using artifact = await openArtifact(bytes, { version });
    const sent = client.push({ id, address: server.url, profile: { health: false } }, artifact);
    await expect(sent).rejects.toMatchObject({ code: "device_busy" });
  });
});

describe("I4: at most one attempt in flight per device within a client", () => {
  it("whatever the call and the address: a device is its id", async () => {
    await using server = await startDeviceServer({ id, script: [{ on: "update", fault: { kind: "blackhole" } }] });
    await using other = await startDeviceServer({ id });
    await using client = fastClient();
    await using artifact = await openArtifact(bytes, { version });
    const caller = new AbortController();
    const device = { id, address: server.url };
    const first = client.push(device, artifact, { signal: caller.signal });
    await settled(() => server.device.counters.requests.update, 1);
    const refused = { code: "attempt_in_flight", bytesOut: "none", retryable: true };
    await expect(client.push(device, artifact)).rejects.toMatchObject(refused);
    await expect(client.update(device, artifact)).rejects.toMatchObject(refused);
    await expect(client.update({ id, address: other.url }, artifact)).rejects.toMatchObject(refused);
    for await (const outcome of client.pushMany([device], artifact)) {
      expect(outcome).toMatchObject({ status: "failed", error: refused });
    }
    expect(other.device.requests).toEqual([]);
    caller.abort();
    await expect(first).rejects.toMatchObject({ code: "aborted" });
    // Free again, and not before.
    const headers = { "x-firmware-version": version };
    expect(await client.push(device, artifact, { headers })).toMatchObject({ attempts: 1, acknowledgedBy: "reply" });
    expect(server.device.counters).toMatchObject({ requests: { update: 2 } });
  });
});
