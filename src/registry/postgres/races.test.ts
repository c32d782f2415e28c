// Writes of two processes that meet in one fleet: the transaction of one is still open when the other asks. All that give
// out revisions wait for the fleet's row; what they had read before the wait must not be what they decide by.
import pg from "pg";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { describePostgres, type PostgresServer, startPostgres } from "../../../integration/peers/postgres.ts";
import type { Registry } from "../../core/registry.ts";
import type { PostgresPool, PostgresQuery } from "../../store/postgres/index.ts";
import { accept, device } from "../driver.suite.ts";
import { openPostgresRegistry } from "./index.ts";

type Write = (registry: Registry) => Promise<unknown>;

describePostgres("writes that meet in one fleet", () => {
  let server: PostgresServer;
  let pool: pg.Pool;
  let admin: pg.Client;
  let client: pg.Client;
  let fleet = "";
  let fleets = 0;
  let first: Registry;
  let second: Registry;

  beforeAll(async () => {
    server = await startPostgres();
    pool = new pg.Pool({ connectionString: server.url(), max: 2, application_name: "second" });
    [admin, client] = [new pg.Client(server.url()), new pg.Client(server.url())];
    await Promise.all([admin.connect(), client.connect()]);
  }, 120_000);
  afterAll(async () => {
    await Promise.all([pool.end(), admin.end(), client.end()]);
    await server[Symbol.asyncDispose]();
  });

  /** One connection, so that all which is asked of it is in the transaction that is open on it. */
  const single: PostgresPool = {
    connect: async () => ({
      query: (query: PostgresQuery) => client.query(query as pg.QueryConfig),
      release() {},
      on() {},
      off() {},
    }),
  };

  beforeEach(async () => {
    fleets += 1;
    fleet = `fleet ${fleets}`;
    second = await openPostgresRegistry(pool, { fleet });
    first = await openPostgresRegistry(single, { fleet });
    await accept(second.profiles, ...["p", "q1", "q2"].map((id) => ({ id, name: id })));
    await accept(second.devices, ...["d", "e1", "e2"].map((id) => device(id)));
  });

  /** Has the first one write without committing, then the second one ask and wait, and then the first one commit. */
  async function meet(writeFirst: Write, writeSecond: Write): Promise<unknown> {
    await client.query("BEGIN");
    await writeFirst(first);
    let isOver = false;
    const asked = Promise.allSettled([writeSecond(second)]).then(([result]) => {
      isOver = true;
      return result;
    });
    const waiting = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'second' AND wait_event_type = 'Lock'";
    while (!isOver && (await admin.query(waiting)).rowCount === 0);
    await client.query("COMMIT");
    const result = await asked;
    if (result.status === "rejected") throw result.reason;
    return result.value;
  }

  /** What there is of the sequence: every revision once, none left out, the fleet's own the last. */
  async function revisions(): Promise<readonly number[]> {
    const { rows } = await admin.query({
      text: `SELECT r.revision::int4 FROM flashwave.fleet f CROSS JOIN LATERAL (
          SELECT revision FROM flashwave.device_change WHERE fleet = f.key
          UNION ALL SELECT revision FROM flashwave.profile_version WHERE fleet = f.key
          UNION ALL SELECT f.revision + 1) r
        WHERE f.name = $1 ORDER BY 1`,
      values: [fleet],
      rowMode: "array",
    });
    return rows.flat() as number[];
  }

  type PairedWrite = (registry: Registry, whose: 1 | 2) => Promise<unknown>;
  const writes = Object.entries({
    "devices put": ({ devices }, whose) => accept(devices, device(`a${whose}`), device(`b${whose}`)),
    "devices removed": async ({ devices }, whose) => expect(await devices.remove([`e${whose}`])).toBe(1),
    "profiles put": ({ profiles }, whose) =>
      accept(profiles, { id: `a${whose}`, name: "A" }, { id: `b${whose}`, name: "B", parent: "p" }),
    "profiles removed": async ({ profiles }, whose) =>
      expect(await profiles.remove([`q${whose}`])).toEqual({ removed: 1, inUse: [] }),
  } satisfies Record<string, PairedWrite>);
  const pairs = writes.flatMap(([one, first]) => writes.map(([other, second]) => [one, other, first, second] as const));

  it.each(pairs)("give out each revision once: %s, then %s", async (_first, _second, one, other) => {
    const before = (await revisions()).length;
    const [{ feed }, { feed: profileFeed }] = [await second.devices.page(), await second.profiles.page()];
    await meet(
      (registry) => one(registry, 1),
      (registry) => other(registry, 2),
    );
    const after = await revisions();
    expect(after).toEqual(after.map((_, i) => i + 1));
    const [devices, profiles] = [await second.devices.changes(feed), await second.profiles.changes(profileFeed)];
    expect(devices.changes.length + profiles.changes.length).toBe(after.length - before);
  });

  const over = { id: "o", name: "O", parent: "p", scope: "device", device: "d" } as const;
  const meetings: readonly (readonly [first: string, second: string, one: Write, other: Write, result: unknown])[] = [
    [
      "an override for a device is put",
      "the device removed: the override goes with it",
      ({ profiles }) => accept(profiles, over),
      async ({ devices, profiles }) => [await devices.remove(["d"]), await profiles.getMany(["o"])],
      [1, new Map()],
    ],
    [
      "a device is removed",
      "an override put for it: it is refused",
      ({ devices }) => devices.remove(["d"]),
      ({ profiles }) => profiles.put([over]),
      [expect.objectContaining({ result: "invalid_device" })],
    ],
    [
      "a profile is removed",
      "an override of it put: it is refused",
      ({ profiles }) => profiles.remove(["p"]),
      ({ profiles }) => profiles.put([over]),
      [expect.objectContaining({ result: "invalid_parent" })],
    ],
    [
      "an override is put",
      "its parent removed: both go",
      ({ profiles }) => accept(profiles, over),
      async ({ profiles }) => [await profiles.remove(["p"]), await profiles.getMany(["p", "o"])],
      [{ removed: 2, inUse: [] }, new Map()],
    ],
    [
      "a device is put that names a profile",
      "the profile removed: it is in use",
      ({ devices }) => accept(devices, device("x", { profileId: "p" })),
      ({ profiles }) => profiles.remove(["p"]),
      { removed: 0, inUse: ["p"] },
    ],
    [
      "a profile is removed",
      "a device put that names it: it is refused",
      ({ profiles }) => profiles.remove(["p"]),
      ({ devices }) => devices.put([device("x", { profileId: "p" })]),
      [expect.objectContaining({ result: "invalid_profile" })],
    ],
    [
      "a device is put",
      "the same one put as a new one: it is a conflict",
      ({ devices }) => accept(devices, device("x")),
      ({ devices }) => devices.put([device("x", { ifRevision: 0 })]),
      [{ id: "x", result: "conflict", revision: 7 }],
    ],
    [
      "an own profile is put",
      "the same one put for another device: it is kept once",
      ({ devices }) => accept(devices, device("x", { profile: { send: { path: "/own" } } })),
      async ({ devices }) => {
        await accept(devices, device("y", { profile: { send: { path: "/own" } } }));
        const both = await devices.getMany(["x", "y"]);
        return both.get("x")?.profile === both.get("y")?.profile;
      },
      true,
    ],
    [
      "a device is removed",
      "it is observed: it is unknown",
      ({ devices }) => devices.remove(["d"]),
      ({ devices }) => devices.observe([{ id: "d", seenAt: 1 }]),
      { unknown: ["d"], invalid: [] },
    ],
    [
      "a report is appended",
      "the same one appended: it is known",
      ({ reports }) => reports.append([{ id: "r", device: "d", kind: "log" }]),
      ({ reports }) => reports.append([{ id: "r", device: "d", kind: "log" }]),
      [{ id: "r", result: "known" }],
    ],
  ];

  it.each(meetings)(
    "are decided by what is there when they are done: %s, then %s",
    async (_first, _second, one, other, result) => {
      expect(await meet(one, other)).toEqual(result);
    },
  );
});
