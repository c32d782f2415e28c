// A camera that tries a new version, and keeps it only once it was proven.
// Run: DEVICE_PASSWORD=… node examples/web-upload.ts <firmware> <version> <address> <user>
import { axis } from "../src/delivery/web-upload/index.ts";
import { createClient, openArtifact, Secret } from "../src/index.ts";

const [file = "", version = "", address = "", username = ""] = process.argv.slice(2);
const password = new Secret(process.env["DEVICE_PASSWORD"] ?? "");

await using client = createClient({
  addressPolicy: { permit: ["127.0.0.0/8"] },
  verification: { deadline: 60_000, stableFor: 1_000 },
  credentials: () => ({ username, password }),
  // It goes back by itself after ten minutes, unless `update` has seen it run the version and told it to keep it.
  deliveries: [axis({ options: { trial: 600 } })],
});
await using artifact = await openArtifact(file, { version });
const outcome = await client.update({ id: "cam-1", address }, artifact);
if (outcome.status === "updated") console.log(`${outcome.evidence.version}, kept`);
else if ("error" in outcome) console.log(`${outcome.status}: ${outcome.error.code}: ${outcome.error.message}`);
