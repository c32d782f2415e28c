import { describe, expect, it } from "vitest";
import { startDeviceServer } from "../../mocks/index.ts";
import { openArtifact } from "../../src/index.ts";
import { fastClient, settled } from "../kit.ts";

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
