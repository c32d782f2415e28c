// A device that fetches its firmware itself, from a server of ours. Run: node examples/serve.ts <firmware> <version> <address>
import { createArtifactServer } from "../src/delivery/serve/index.ts";
import { shellyGen2 } from "../src/delivery/shelly/index.ts";
import { createClient, openArtifact } from "../src/index.ts";

const [file = "", version = "", address = ""] = process.argv.slice(2);

// Devices on a network need an address that they can reach: { host: "10.0.0.2", port: 8080 }.
await using server = await createArtifactServer();
await using client = createClient({
  addressPolicy: { permit: ["127.0.0.0/8"] },
  deliveries: [shellyGen2({ publisher: server })],
  verification: { deadline: 60_000, stableFor: 1_000 },
});
await using artifact = await openArtifact(file, { version });
const outcome = await client.update({ id: "relay-1", address }, artifact);
if (outcome.status === "updated") {
  console.log(`It fetched ${outcome.receipt.bytes} bytes and runs ${outcome.evidence.version}.`);
} else {
  console.error(outcome.status, "error" in outcome ? outcome.error.message : "");
  process.exitCode = 1;
}
