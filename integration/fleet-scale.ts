// Imports a fleet and reads it, in a process of its own; prints what it took as one line of JSON.
// Arguments: the path of a file or a connection string, how many devices.
import { Readable } from "node:stream";
import type { Registry } from "../src/core/registry.ts";
import { openPostgresRegistry } from "../src/registry/postgres/index.ts";
import { openSqliteRegistry } from "../src/registry/sqlite/index.ts";
import { importDevices } from "../src/registry/transfer/index.ts";

const [store = "", wanted = "100000"] = process.argv.slice(2);
const count = Number(wanted);
const registry: Registry = await (store.startsWith("postgres:") ? openPostgresRegistry : openSqliteRegistry)(store);

await registry.profiles.put([
  { id: "till", name: "Till", requests: { send: { path: "/update" } } },
  { id: "over", name: "Over", parent: "till", scope: "group", group: "g7", requests: { send: { method: "PUT" } } },
]);

let peak = 0;
function* lines(): Generator<string> {
  yield "id,address,group,site,tags,profileId\n";
  for (let i = 0; i < count; i += 1) {
    if (i % 1_000 === 0) peak = Math.max(peak, process.memoryUsage().rss);
    yield `pos-${i},http://10.${i >> 16}.${(i >> 8) & 255}.${i & 255},g${i % 50},s${i % 400},t${i % 30};x${i % 3},till\n`;
  }
}

const before = process.memoryUsage().rss;
const start = performance.now();
const report = await importDevices(registry.devices, Readable.from(lines()), { format: "csv" });
const seconds = (performance.now() - start) / 1_000;
if (report.created !== count) throw new Error(JSON.stringify(report));

/** Median milliseconds of a call. */
async function median(call: (i: number) => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < 200; i += 1) {
    const from = performance.now();
    await call(i);
    times.push(performance.now() - from);
  }
  return Number((times.sort((a, b) => a - b)[100] ?? 0).toFixed(3));
}

const { devices, profiles } = registry;
let after: string | undefined;
const ids = Array.from({ length: 100 }, (_, i) => ({ id: `pos-${i * 7}`, group: `g${i % 50}`, profileId: "till" }));
const figures = {
  count,
  devicesPerSecond: Math.round(count / seconds),
  megabytesGrown: Math.round((peak - before) / 1_048_576),
  page100: await median(async () => {
    const page = await devices.page({}, { limit: 100, ...(after === undefined ? {} : { after }) });
    after = page.next;
  }),
  pageOfSite: await median((i) => devices.page({ site: `s${i}` }, { limit: 100 })),
  pageOfTagAndGroup: await median((i) => devices.page({ tags: [`t${i % 30}`], group: `g${i % 50}` }, { limit: 100 })),
  one: await median((i) => devices.getMany([`pos-${i}`])),
  resolve100: await median(() => profiles.resolveMany(ids)),
  put1: await median((i) => devices.put([{ id: `pos-${i}`, address: "http://10.9.9.9" }])),
};
console.log(JSON.stringify(figures));
await registry[Symbol.asyncDispose]();
