// A process that writes to a fleet until it is killed. Every line it prints is a write that was acknowledged.
// Arguments: the file or the connection string, the writer's name, how many devices (0: until killed).
import type { Registry } from "../src/core/registry.ts";
import { openPostgresRegistry } from "../src/registry/postgres/index.ts";
import { openSqliteRegistry } from "../src/registry/sqlite/index.ts";

const [store = "", name = "", count = "0"] = process.argv.slice(2);
const registry: Registry = await (store.startsWith("postgres:") ? openPostgresRegistry : openSqliteRegistry)(store);
const most = Number(count) || Number.POSITIVE_INFINITY;
const device = (id: string) => ({ id, address: "http://10.0.0.1", tags: [name] });

async function write(lane: number): Promise<void> {
  for (let i = lane; i < most; i += 4) {
    const [put] = await registry.devices.put([device(`${name}-${i}`)]);
    if (put?.result !== "created") throw new Error(JSON.stringify(put));
    await registry.devices.observe([{ id: put.id, seenAt: i, firmware: `1.${i}.0` }]);
    process.stdout.write(`${put.id} ${put.revision} ${i}\n`);
  }
}

await Promise.all([0, 1, 2, 3].map(write));
await registry[Symbol.asyncDispose]();
