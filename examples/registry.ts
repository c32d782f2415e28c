// Devices by id, and what was seen of them kept. Run: node examples/registry.ts <firmware> <version> <address>
import { createClient, openArtifact } from "../src/index.ts";
import { createMemoryRegistry } from "../src/registry/memory/index.ts";

const [file = "", version = "", address = ""] = process.argv.slice(2);

await using registry = createMemoryRegistry();
await registry.devices.put([{ id: "pos-001", address, site: "berlin", tags: ["till"] }]);

await using client = createClient({
  registry,
  addressPolicy: { permit: ["127.0.0.0/8"] },
  verification: { deadline: 60_000, stableFor: 1_000 },
});
await using artifact = await openArtifact(file, { version });

const outcome = await client.update("pos-001", artifact);
const device = (await registry.devices.getMany(["pos-001"])).get("pos-001");
console.log(`${outcome.status}; the registry says ${device?.firmware}, proved by ${device?.evidence?.proved}.`);
if (outcome.status !== "updated") process.exitCode = 1;
