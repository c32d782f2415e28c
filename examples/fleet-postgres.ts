// A fleet that processes on many machines share: two of them here, one that changes it and one that follows.
// Run: node examples/fleet-postgres.ts <postgres://user:password@host:5432/database> <folder for artifacts>
import { openPostgresRegistry } from "../src/registry/postgres/index.ts";

const [url = "", folder = ""] = process.argv.slice(2);
const open = () => openPostgresRegistry(url, { fleet: "tills", artifacts: folder });

await using office = await open();
await using shop = await open();

let cursor = (await shop.devices.page()).feed;

// Each takes the device as it was; the second to write is told that it was too late.
await office.devices.put([{ id: "pos-001", address: "http://10.0.0.17", site: "berlin", ifRevision: 0 }]);
const [late] = await shop.devices.put([{ id: "pos-001", address: "http://10.0.0.18", ifRevision: 0 }]);
console.log(`the second writer: ${late?.result}`);

const read = await shop.devices.changes(cursor);
cursor = read.cursor;
for (const { change, id } of read.changes) console.log(`${change}: ${id}`);
