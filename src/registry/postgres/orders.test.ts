// Writes of two processes to the same devices, each in an order of its own. Whoever locked rows in the order that it was
// given would wait for the other while the other waits for it.
import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { describePostgres, type PostgresServer, startPostgres } from "../../../integration/peers/postgres.ts";
import { accept, device } from "../driver.suite.ts";
import { openPostgresRegistry, type PostgresRegistry } from "./index.ts";

type Write = (registry: PostgresRegistry, ids: readonly string[]) => Promise<unknown>;

describePostgres("writes to the same devices in two orders", () => {
  let server: PostgresServer;
  let pools: readonly pg.Pool[];
  let [admin, holder]: pg.Client[] = [];
  let fleets = 0;
  let fleet = "";

  beforeAll(async () => {
    server = await startPostgres();
    pools = [1, 2].map(() => new pg.Pool({ connectionString: server.url(), max: 2, application_name: "writer" }));
    [admin, holder] = [new pg.Client(server.url()), new pg.Client(server.url())];
    await Promise.all([admin.connect(), holder.connect()]);
  }, 120_000);
  afterAll(async () => {
    await Promise.all([...pools, admin, holder].map((one) => one?.end()));
    await server[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    fleets += 1;
    fleet = `fleet ${fleets}`;
  });

  const asked = async (client: pg.Client | undefined, sql: string) => (await client?.query(sql))?.rows ?? [];

  /** Has somebody hold the row `m` until both are asked and wait, and then lets them go on. */
  async function meet(sql: string, both: readonly (() => Promise<unknown>)[]): Promise<void> {
    await asked(holder, `BEGIN; ${sql}`);
    let over = 0;
    const results = Promise.all(both.map((write) => write().finally(() => (over += 1))));
    const waiting = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'writer' AND wait_event_type = 'Lock'";
    while ((await asked(admin, waiting)).length + over < 2);
    await asked(holder, "COMMIT");
    await results;
  }

  const writes = Object.entries({
    put: ({ devices }, ids) => accept(devices, ...ids.map((id) => device(id))),
    observe: ({ devices }, ids) => devices.observe(ids.map((id) => ({ id, seenAt: 1, status: "online" }))),
    remove: ({ devices }, ids) => devices.remove(ids),
    "reports append": ({ reports }, ids) => reports.append(ids.map((id) => ({ id: "r", device: id, kind: "log" }))),
    "deliveries append": ({ reports }, ids) =>
      reports.append(ids.map((id) => ({ id: "r", device: id, kind: "delivery" }))),
  } satisfies Record<string, Write>);
  const pairs = writes.flatMap(([one, first]) => writes.map(([other, second]) => [one, other, first, second] as const));

  it.each(pairs)("wait for each other one way: %s beside %s", async (_one, _other, first, second) => {
    const both = await Promise.all(pools.map((pool) => openPostgresRegistry(pool, { fleet })));
    const [a, b] = both as [PostgresRegistry, PostgresRegistry];
    await accept(a.devices, ...["a", "m", "z"].map((id) => device(id)));
    await meet("SELECT 1 FROM flashwave.device WHERE id = 'm' FOR UPDATE", [
      () => first(a, ["a", "m", "z"]),
      () => second(b, ["z", "m", "a"]),
    ]);
    expect(both.map((registry) => registry.statistics().retries)).toEqual([0, 0]);
    for (const registry of both) await registry[Symbol.asyncDispose]();
  });

  describe("are, in each batch,", () => {
    it("done in the order that was given, and told in it", async () => {
      await using registry = await openPostgresRegistry(pools[0] as pg.Pool, { fleet });
      const { devices, reports } = registry;
      expect(await devices.put(["z", "a", "m"].map((id) => device(id)))).toEqual([
        { id: "z", result: "created", revision: 1 },
        { id: "a", result: "created", revision: 2 },
        { id: "m", result: "created", revision: 3 },
      ]);
      const seen = ["z", "nobody", "a", "z", "another"].map((id, i) => ({ id, seenAt: 5, firmware: `1.${i}.0` }));
      expect(await devices.observe(seen)).toMatchObject({ unknown: ["nobody", "another"] });
      expect((await devices.getMany(["z"])).get("z")).toMatchObject({ firmware: "1.3.0" }); // at one moment the later wins
      const rows = [
        { id: "2", device: "z", firmware: "3.0.0" },
        { id: "1", device: "nobody" },
        { id: "1", device: "z", firmware: "2.0.0" },
        { id: "2", device: "z" },
        { id: "1", device: "a" },
      ];
      const at = Date.now();
      const results = await reports.append(rows.map((row) => ({ ...row, at, kind: "heartbeat" })));
      expect(results.map(({ result }) => result)).toEqual([
        ...["appended", "unknown_device", "appended", "known", "appended"],
      ]);
      expect((await devices.getMany(["z"])).get("z")).toMatchObject({ firmware: "2.0.0" });
    });
  });

  it("look for a profile again until it is found", async () => {
    await using registry = await openPostgresRegistry(pools[0] as pg.Pool, { fleet });
    const { devices, profiles } = registry;
    await accept(profiles, { id: "p", name: "P" }, { id: "o", name: "O", parent: "p" });
    const named = ["p", "o", "o", "p", "none", "none", "p"];
    const results = await devices.put(named.map((profileId, i) => device(`d${i}`, { profileId })));
    expect(results.map(({ result }) => result === "created")).toEqual(named.map((id) => id === "p"));
  });

  it("do not hold up reports of others while devices are put", async () => {
    const both = await Promise.all(pools.map((pool) => openPostgresRegistry(pool, { fleet })));
    const [a, b] = both as [PostgresRegistry, PostgresRegistry];
    await accept(a.devices, device("a"), device("m"));
    let appended: unknown;
    await asked(holder, "BEGIN; SELECT 1 FROM flashwave.device WHERE id = 'm' FOR UPDATE");
    const put = a.devices.put([device("m")]);
    const waiting = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'writer' AND wait_event_type = 'Lock'";
    while ((await asked(admin, waiting)).length === 0);
    const append = b.reports.append([{ id: "r", device: "a", kind: "log" }]).then((result) => {
      appended = result;
    });
    while (appended === undefined && (await asked(admin, waiting)).length < 2);
    expect(appended).toEqual([{ id: "r", result: "appended" }]);
    await asked(holder, "COMMIT");
    await Promise.all([put, append]);
    for (const registry of both) await registry[Symbol.asyncDispose]();
  });
});
