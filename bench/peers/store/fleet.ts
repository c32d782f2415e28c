import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DeviceFilter, DeviceInput, Registry } from "../../../src/core/registry.ts";
import type * as Transfer from "../../../src/registry/transfer/index.ts";
import type { Context, Operation, Parameters, Runner } from "../../types.ts";
import { pick, pumpPromises } from "../shared.ts";
import { BesideYoung } from "./beside-young.ts";
import { load, OwnDatabase, openEmpty, openMemory, openSqlite } from "./open.ts";
import { expectRows, type Operate } from "./operations.ts";

const deviceId = (n: number): string => `pos-${String(n).padStart(6, "0")}`;

/** One of a hundred thousand: fifty sites, twenty groups, tags, a note, one of ten profiles. */
const device = (n: number): DeviceInput => ({
  id: deviceId(n),
  address: `http://10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`,
  name: `Terminal ${n}`,
  group: `g${n % 20}`,
  site: `s${n % 50}`,
  tags: [`t${n % 7}`, n % 2 === 0 ? "even" : "odd"],
  metadata: { serial: `SN${100_000_000 + n}` },
  profileId: `p${n % 10}`,
});

async function putProfiles({ profiles }: Registry): Promise<void> {
  const bases = Array.from({ length: 10 }, (_, n) => ({ id: `p${n}`, name: `Profile ${n}` }));
  await profiles.put(bases);
  await profiles.put(
    bases.flatMap(({ id }) => [
      { id: `${id}-fleet`, name: id, parent: id, requests: { send: { path: `/${id}` } } },
      { id: `${id}-g1`, name: id, parent: `${id}-fleet`, scope: "group" as const, group: "g1" },
    ]),
  );
}

/** A file of devices in pieces of 64 KiB, as a stream reads it: no list of all devices stands in memory. */
function* pieces(csv: boolean, count: number): Generator<Uint8Array, void> {
  let text = csv ? "id,address,name,group,site,tags,metadata,profileId\n" : "";
  for (let n = 0; n < count; n++) {
    text += csv ? csvLine(device(n)) : `${JSON.stringify(device(n))}\n`;
    if (text.length < 65_536 && n < count - 1) continue;
    yield Buffer.from(text);
    text = "";
  }
}

/** The columns that every device of the fleet has; its one value with commas and quotes in quotes. */
const csvLine = ({ id, address, name, group, site, tags = [], metadata, profileId }: DeviceInput): string =>
  `${id},${address},${name},${group},${site},${tags.join(";")},"${JSON.stringify(metadata).replaceAll('"', '""')}",${profileId}\n`;

type Format = NonNullable<Parameters["format"]>;

async function importFleet(root: string, registry: Registry, count: number, format: Format): Promise<void> {
  const { importDevices } = await load<typeof Transfer>(root, "src/registry/transfer/index.ts");
  const report = await importDevices(registry.devices, pieces(format === "csv", count), { format });
  expectRows(report.created, count);
}

/** As many rows as there are, read as they come. */
async function exportFleet(root: string, registry: Registry, count: number, format: Format): Promise<void> {
  const { exportDevices } = await load<typeof Transfer>(root, "src/registry/transfer/index.ts");
  let lines = 0;
  for await (const text of exportDevices(registry.devices, { format })) lines += text.split("\n").length - 1;
  expectRows(lines, format === "csv" ? count + 1 : count);
}

async function prepareImport(context: Context): Promise<Runner> {
  const { parameters, root } = context;
  const opened = await openEmpty(context);
  await putProfiles(opened.registry);
  return {
    run: async (ops) => {
      const apart = new BesideYoung();
      await importFleet(root, opened.registry, ops, parameters.format ?? "ndjson");
      return { counts: { "bytes kept": await opened.bytes(), ...apart.end() } };
    },
    close: async () => opened[Symbol.asyncDispose](),
  };
}

async function prepareExport(context: Context): Promise<Runner> {
  const { parameters, root } = context;
  const registry = await openImported(context);
  return {
    run: async (ops) => {
      const apart = new BesideYoung();
      await exportFleet(root, registry, ops, parameters.format ?? "ndjson");
      return { counts: apart.end() };
    },
    close: async () => registry[Symbol.asyncDispose](),
  };
}

/** Imports a fleet within the round, exports one, or asks one that was imported once for the whole run. */
export async function prepare(context: Context): Promise<Runner> {
  const { parameters } = context;
  if (parameters.operation === "import") return prepareImport(context);
  if (parameters.operation === "export") return prepareExport(context);
  await using stack = new AsyncDisposableStack();
  const registry = stack.use(await openImported(context));
  const operate = fleetOperations(registry, parameters.devices)[parameters.operation ?? "fleet-page"];
  if (operate === undefined) throw new Error(`There is no ${parameters.operation} of a fleet.`);
  await operate(0);
  const owned = stack.move();
  return { run: (ops) => pumpPromises(1, ops, operate), close: async () => owned.disposeAsync() };
}

async function openImported(context: Context): Promise<Registry> {
  const { parameters, root, folder, postgres } = context;
  const { variant = "sqlite", devices } = parameters;
  const path = join(folder, `fleet-${devices}.db`);
  const done = join(folder, `fleet-${devices}-${variant}`);
  const open = async (): Promise<Registry> => {
    if (variant === "memory") return openMemory(root);
    if (variant === "postgres") return OwnDatabase.shared(root, postgres ?? "", `fleet_${devices}`);
    return openSqlite(root, path);
  };
  const registry = await open();
  if (variant !== "memory" && existsSync(done)) return registry;
  await putProfiles(registry);
  await importFleet(root, registry, devices, "ndjson");
  await registry.devices.observe(
    Array.from({ length: devices }, (_, n) => ({
      id: deviceId(n),
      seenAt: n,
      status: "online",
      firmware: `1.${n % 30}.0`,
    })),
  );
  writeFileSync(done, "");
  return registry;
}

function fleetOperations({ devices, profiles }: Registry, count: number): Partial<Record<Operation, Operate>> {
  const pageOf = async (filter: DeviceFilter, offset: number): Promise<void> => {
    const { items } = await devices.page(filter, { limit: 100, offset });
    expectRows(items.length, 100);
  };
  // A page's cursor says where it ended, so each call goes on where the one before stopped.
  let after: string | undefined;
  const lists = Array.from({ length: 50 }, (_, list) =>
    Array.from({ length: 100 }, (_, i) => deviceId((list * 1_999 + i * 17) % count)),
  );
  return {
    "fleet-page": async () => {
      const page = await devices.page({}, { limit: 100, ...(after === undefined ? {} : { after }) });
      expectRows(page.items.length, 100);
      after = page.next;
    },
    "fleet-offset": () => pageOf({}, 0.9 * count),
    "fleet-filter": (index) => pageOf({ site: `s${index % 50}`, tags: ["even"].slice(index % 2) }, 0),
    "fleet-firmware": () => pageOf({ firmware: { min: "1.20.0", below: "1.22.0" } }, 0),
    "fleet-resolve": async (index) => {
      const found = await devices.getMany(pick(lists, index));
      const resolved = await profiles.resolveMany([...found.values()]);
      expectRows(resolved.size, 100);
    },
  };
}
