import { describe, expect, it } from "vitest";
import type { Device } from "../../core/device.ts";
import { createMemoryRegistry } from "../../registry/memory/index.ts";
import { createVirtualClock } from "../../testing/virtual-clock.ts";
import { createClient } from "../client.ts";
import { device, fakeArtifact, fault, lost, newState, rig } from "../fakes/index.ts";
import { inhabitants, town } from "../fakes/town.ts";

const shop = { ...device, site: "shop" };
const soon = { deadline: 20_000 };
const gone = fault("connect_failed", { phase: "connect", retryable: true });

describe("a push at a site", () => {
  it("that finds the budget spent is not repeated, and keeps the fault as the cause", async () => {
    const busy = fault("device_busy", { reply: { status: 503 } });
    const { client, artifact, fake } = rig({ sends: [busy] });
    for (let call = 0; call < 60; call++) await client.push(shop, artifact).catch(() => {});
    const before = fake.calls.filter((name) => name === "send").length;
    // Two faults of each call might be tried again: a hundred were paid for.
    expect(before).toBe(60 + 100);
    await expect(client.push(shop, artifact)).rejects.toMatchObject({
      code: "retry_budget_spent",
      attempt: 1,
      device: "d1",
      retryable: true,
      reply: { status: 503 },
      cause: { code: "device_busy" },
      message: expect.stringContaining('site "shop"'),
    });
    await expect(client.push(device, artifact)).rejects.toMatchObject({ code: "device_busy", attempt: 3 });
  });

  it("is read all the same when the budget is spent, and stays unknown where it is", async () => {
    const busy = fault("device_busy", { reply: { status: 503 } });
    const { client, artifact, fake } = rig(
      { sends: [...Array(160).fill(busy), lost, lost], reads: [newState, gone] },
      { verification: soon },
    );
    for (let call = 0; call < 60; call++) await client.push(shop, artifact).catch(() => {});
    fake.calls.length = 0;
    expect(await client.push(shop, artifact)).toMatchObject({ acknowledgedBy: "readback" });
    await expect(client.push(shop, artifact)).rejects.toMatchObject({ code: "outcome_unknown" });
    expect(fake.calls.filter((name) => name === "send")).toHaveLength(2);
  });

  it("that is lost says so without an attempt, and an update ends failed, with nothing sent", async () => {
    const { client, artifact, fake, clock, events } = rig({ sends: [gone], reads: [gone] }, { verification: soon });
    for (let call = 0; call < 10; call++) await client.push({ ...shop, id: `d${call}` }, artifact).catch(() => {});
    await clock.sleep(200_000);
    // The probe that is due, and its repetition has to wait for a site that nobody waits for.
    await expect(client.push(shop, artifact)).rejects.toMatchObject({
      code: "site_unavailable",
      attempt: 1,
      device: "d1",
    });
    fake.calls.length = events.length = 0;
    const outcome = await client.update(shop, artifact);
    expect(outcome).toMatchObject({
      status: "failed",
      attempts: 0,
      error: { code: "site_unavailable", phase: "connect", bytesOut: "none", retryable: true, device: "d1" },
    });
    expect(fake.calls).not.toContain("send");
    expect(events.map(({ type }) => type)).toEqual(["outcome"]);
  });

  it("is unknown where an earlier attempt may have reached the device and the site is lost then", async () => {
    const clock = createVirtualClock({ auto: true });
    const place = town(clock, async ({ id }) => {
      if (id === "shop-0") throw lost;
      // The one that probes takes longer than anybody waits.
      if (id === "shop-1") await clock.sleep(200_000);
      throw gone;
    });
    const options = { clock, random: () => 0.5, retry: { base: 60_000 } };
    await using client = createClient(options, [place.delivery]);
    const [first, prober, ...others] = inhabitants(["shop"], 22);
    const told = (one: Device | undefined) => client.push(one ?? device, fakeArtifact()).catch((error) => error);
    const pending = told(first);
    await Promise.race([Promise.all(others.map(told)), clock.sleep(10_000)]);
    const probing = told(prober);
    expect(await pending).toMatchObject({
      code: "outcome_unknown",
      attempt: 1,
      cause: { code: "site_unavailable" },
    });
    expect(place.asked.filter(({ device: id }) => id === "shop-0")).toHaveLength(1);
    await client.close();
    await probing;
  });

  it("that waits for its site is ended by the caller's signal, and by the client's end", async () => {
    const { client, artifact, clock } = rig({ sends: [gone] }, { retry: { attempts: 1 } });
    for (let call = 0; call < 20; call++) await client.push(shop, artifact).catch(() => {});
    const abort = new AbortController();
    const waiting = client.push(shop, artifact, { signal: abort.signal }).catch(({ code }) => code);
    await clock.sleep(1);
    abort.abort();
    expect(await waiting).toBe("aborted");
    const other = client.push(shop, artifact).catch(({ code }) => code);
    await client.close();
    expect(await other).toBe("client_closed");
  });

  it("gives its place back whatever ends it", async () => {
    const { client, artifact, clock } = rig(
      { sends: [() => clock.sleep(100).then(() => ({ status: 200, bytes: 4 }))] },
      { limits: { inFlightPerSite: 1 } },
    );
    const abort = new AbortController();
    const first = client.push(shop, artifact);
    const second = client.push({ ...shop, id: "d2" }, artifact, { signal: abort.signal });
    const third = client.push({ ...shop, id: "d3" }, artifact);
    abort.abort();
    await expect(second).rejects.toMatchObject({ code: "aborted" });
    await Promise.all([first, third]);
    expect(clock.now()).toBeGreaterThanOrEqual(200);
    await client.push({ ...shop, id: "d2" }, artifact);
  });

  it("is of the site that its registry names", async () => {
    const registry = createMemoryRegistry({ devices: [shop] });
    const { client, artifact } = rig({ sends: [fault("device_busy", { reply: { status: 503 } })] }, { registry });
    for (let call = 0; call < 60; call++) await client.push("d1", artifact).catch(() => {});
    await expect(client.push("d1", artifact)).rejects.toMatchObject({ code: "retry_budget_spent" });
  });

  it.each([0, 0.5, 100_001, "many"])("refuses a cap of %s", (inFlightPerSite) => {
    expect(() => rig({}, { limits: { inFlightPerSite: inFlightPerSite as number } })).toThrow(
      expect.objectContaining({ code: "invalid_option", message: expect.stringContaining("limits.inFlightPerSite") }),
    );
  });

  it("refuses a site that is no text", async () => {
    const { client, artifact } = rig();
    await expect(client.push({ ...device, site: 7 as never }, artifact)).rejects.toMatchObject({
      code: "invalid_option",
    });
  });
});
