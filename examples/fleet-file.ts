// A fleet in a file: how its devices are spoken to, what they run, and the firmware itself outlast the process.
// Run twice: node examples/fleet-file.ts <fleet.db> <firmware> <version> <address>
import { createClient, openArtifact } from "../src/index.ts";
import { openSqliteRegistry } from "../src/registry/sqlite/index.ts";

const [path = "", file = "", version = "", address = ""] = process.argv.slice(2);

await using registry = await openSqliteRegistry(path);
const { devices, profiles, artifacts } = registry;

// One profile for all tills, another method for those in Berlin.
await profiles.put([
  { id: "till", name: "Tills", requests: { send: { method: "PUT", path: "/update" } } },
  {
    id: "berlin",
    name: "Berlin",
    parent: "till",
    scope: "group",
    group: "berlin",
    requests: { send: { method: "POST" } },
  },
]);
await devices.put([{ id: "pos-001", address, group: "berlin", profileId: "till" }]);
console.log(`before: ${(await devices.getMany(["pos-001"])).get("pos-001")?.firmware ?? "never seen"}`);

await using source = await openArtifact(file, { version });
const { digest } = await artifacts.put(source);

await using client = createClient({
  registry,
  addressPolicy: { permit: ["127.0.0.0/8"] },
  verification: { deadline: 60_000, stableFor: 1_000 },
});
await using artifact = await artifacts.open(digest);
const outcome = await client.update("pos-001", artifact);
console.log(`${outcome.status}: ${(await devices.getMany(["pos-001"])).get("pos-001")?.firmware}`);

// Versions compare as versions: 1.10.0 is not below 1.9.0.
const old = await devices.page({ firmware: { below: version } });
console.log(`${old.items.length} devices are older than ${version}`);
if (outcome.status !== "updated" && outcome.status !== "skipped") process.exitCode = 1;
