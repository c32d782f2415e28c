import { describe, expect, it } from "vitest";
import { type Fault, malformedReplies, startDeviceServer } from "../mocks/index.ts";
import { type ClientOptions, openArtifact } from "../src/index.ts";
import { asDevice, failure, fastClient, tally } from "./kit.ts";

const id = "pos-001";
/** What the malformed replies claim to be running; bytes that are no image take it from a header. */
const version = "9.9.9";
const bytes = Buffer.alloc(100_000, 7);
const headers = { "x-firmware-version": version };
const always = Number.POSITIVE_INFINITY;
/** Long enough for all of them at once on a machine that is busy; only what is never answered waits for it. */
const patient: ClientOptions = { verification: { stableFor: 0, deadline: 60_000 } };
const impatient = { ...patient, timeouts: { response: 1_000 } };

/** Runs `one` for each name at once, and gathers what became of it by name. */
async function each<K extends string | number, T>(names: readonly K[], one: (name: K) => Promise<T>) {
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await one(name)] as const)));
}

const names = Object.keys(malformedReplies);
const same = <T>(value: T): Record<string, T> => Object.fromEntries(names.map((name) => [name, value]));

/** The one that is whole, whatever came with it, and settles the send by itself. */
const redirect = "not-modified-with-body";

describe("malformed replies", () => {
  it.each(["fin", "rst", "hold"] as const)(
    "to a send, then %s: the device is read, and nothing is sent twice",
    async (afterwards) => {
      const seen = await each(names, async (reply) => {
        await using server = await startDeviceServer({ id });
        server.script({ on: "update", fault: { kind: "malformed", reply, afterwards } });
        await using client = fastClient(reply === redirect ? patient : impatient);
        await using artifact = await openArtifact(bytes, { version });
        const outcome = await client.update(asDevice({ id, url: server.url }, {}), artifact, { headers });
        return { ...tally([outcome]), sends: server.device.counters.requests.update };
      });
      expect(seen).toEqual({
        ...same({ updated: 1, sends: 1 }),
        [redirect]: { "failed redirected": 1, sends: 1 },
      });
    },
  );

  const whole = ["nul-in-reason", "header-high-bytes", "header-proto"];
  /** Who is to be believed may take its time; for the others it would never be enough. */
  const reader = (believed: readonly string[], reply: string) =>
    fastClient({ verification: { stableFor: 0, deadline: believed.includes(reply) ? 60_000 : 1_500 } });

  it("to a read of text, with the new version in them: only those are believed that say where they end", async () => {
    const inspect = { pattern: '"version":"([^"]+)"' };
    const believed = [...whole, "garbage-after", "second-reply"];
    const seen = await each(names, async (reply) => {
      await using server = await startDeviceServer({ id });
      server.script({ on: "update", fault: { kind: "lying-200" } });
      server.script({ on: "version", skip: 1, times: always, fault: { kind: "malformed", reply } });
      await using client = reader(believed, reply);
      await using artifact = await openArtifact(bytes, { version });
      return tally([
        await client.update(asDevice({ id, url: server.url }, { health: false, inspect }), artifact, { headers }),
      ]);
    });
    expect(names.filter((name) => seen[name]?.["updated"] !== undefined)).toEqual(believed);
  });

  it("to a read, with the new version in them: only those are believed that are whole all the same", async () => {
    // Read to the end of the connection, as RFC 9112 §6.3 has it; or with something behind it, which is thrown away.
    const ended = ["coding-unknown", "coding-chunked-twice", "no-length", "garbage-after", "second-reply"];
    const believed = [...whole, ...ended];
    const seen = await each(names, async (reply) => {
      await using server = await startDeviceServer({ id });
      server.script({ on: "update", fault: { kind: "lying-200" } });
      server.script({ on: "version", skip: 1, times: always, fault: { kind: "malformed", reply } });
      await using client = reader(believed, reply);
      await using artifact = await openArtifact(bytes, { version });
      return tally([await client.update(asDevice({ id, url: server.url }, { health: false }), artifact, { headers })]);
    });
    expect(names.filter((name) => seen[name]?.["updated"] !== undefined)).toEqual(believed);
    const wrong = names.filter(
      (name) =>
        !/^(updated|unknown unverified|failed (refused|redirected|no_version))$/.test(
          Object.keys(seen[name] ?? {}).join(),
        ),
    );
    expect(wrong).toEqual([]);
  });

  it("to a health check: the device is called neither well nor ill", async () => {
    const torn = ["no-http", "truncated-header", "truncated-body", "status-letters", "empty", "chunk-size-letters"];
    const seen = await each(torn, async (reply) => {
      await using server = await startDeviceServer({ id });
      server.script({ on: "health", times: always, fault: { kind: "malformed", reply } });
      await using client = reader([], reply);
      await using artifact = await openArtifact(bytes, { version });
      return tally([await client.update(asDevice({ id, url: server.url }, {}), artifact, { headers })]);
    });
    expect(new Set(Object.values(seen).map((one) => Object.keys(one).join()))).toEqual(new Set(["unknown unverified"]));
  });
});

/** What a status comes to, once it is answered to every send: the code, and the sends begun. */
const statuses: Readonly<Record<number, readonly [code: string, sends: number]>> = {
  400: ["refused", 1],
  401: ["refused", 1],
  403: ["refused", 1],
  404: ["refused", 1],
  500: ["device_error", 3],
  502: ["device_error", 3],
  503: ["device_busy", 3],
  504: ["device_error", 3],
};
const codes = Object.keys(statuses).map(Number);

async function deviceWith(on: "update" | "version" | "health", fault: Fault, times = always) {
  const server = await startDeviceServer({ id });
  server.script({ on, fault, times });
  return server;
}

describe("statuses", () => {
  it("to every send", async () => {
    const seen = await each(codes, async (status) => {
      await using server = await deviceWith("update", { kind: "status", status });
      await using client = fastClient(patient);
      await using artifact = await openArtifact(bytes, { version });
      const { code } = await failure(() => client.push(asDevice({ id, url: server.url }, {}), artifact, { headers }));
      expect(server.device.version).toBe("1.0.0");
      return [code, server.device.counters.requests.update];
    });
    expect(seen).toEqual(statuses);
  });

  it("to the first send alone: those that pass are got over", async () => {
    const seen = await each(codes, async (status) => {
      await using server = await deviceWith("update", { kind: "status", status }, 1);
      await using client = fastClient(patient);
      await using artifact = await openArtifact(bytes, { version });
      const outcome = await client.update(asDevice({ id, url: server.url }, {}), artifact, { headers });
      return [tally([outcome]), server.device.counters.requests.update];
    });
    const final = [{ "failed refused": 1 }, 1];
    const passing = [{ updated: 1 }, 2];
    expect(seen).toEqual(Object.fromEntries(codes.map((status) => [status, status < 500 ? final : passing])));
  });

  it("to the first read: nothing is sent", async () => {
    const seen = await each(codes, async (status) => {
      await using server = await deviceWith("version", { kind: "status", status });
      await using client = fastClient(patient);
      await using artifact = await openArtifact(bytes, { version });
      const outcome = await client.update(asDevice({ id, url: server.url }, {}), artifact, { headers });
      const { update, version: reads } = server.device.counters.requests;
      return { ...tally([outcome]), update, reads };
    });
    expect(seen).toEqual(
      Object.fromEntries(
        codes.map((status) => {
          const [code, tries] = statuses[status] ?? [];
          return [status, { [`failed ${code}`]: 1, update: 0, reads: tries }];
        }),
      ),
    );
  });

  it("to no send at all: a refused connection", async () => {
    await using server = await startDeviceServer({ id });
    server.refuse();
    await using client = fastClient(patient);
    await using artifact = await openArtifact(bytes, { version });
    const device = asDevice({ id, url: server.url }, {});
    const attempts: string[] = [];
    await using told = fastClient({
      ...patient,
      onEvent: (event) => event.type === "attempt-failed" && attempts.push(`${event.error.code} ${event.next}`),
    });
    expect(await failure(() => told.push(device, artifact))).toMatchObject({
      code: "connect_failed",
      bytesOut: "none",
    });
    expect(attempts).toEqual(["retry", "retry", "give-up"].map((next) => `connect_failed ${next}`));
    expect(await failure(() => client.inspect(device))).toMatchObject({ code: "connect_failed", phase: "connect" });
    // Nothing is held against a device that comes back.
    await server.accept();
    expect(await client.push(device, artifact, { headers })).toMatchObject({ status: 200, attempts: 1 });
  });
});
