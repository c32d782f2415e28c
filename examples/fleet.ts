// Many devices at once, each with its own outcome. Run: node examples/fleet.ts <firmware> <version> <address…>
import { createClient, openArtifact } from "../src/index.ts";

const [file = "", version = "", ...addresses] = process.argv.slice(2);

await using client = createClient({
  addressPolicy: { permit: ["127.0.0.0/8"] },
  verification: { deadline: 60_000, stableFor: 1_000 },
  limits: { inFlight: 16 },
});
await using artifact = await openArtifact(file, { version });

const devices = addresses.map((address, index) => ({ id: `device-${index + 1}`, address }));
for await (const outcome of client.pushMany(devices, artifact)) {
  const why = "error" in outcome ? `: ${outcome.error.code}` : "";
  console.log(`${outcome.device} ${outcome.status}${why}`);
  // Only `updated` claims that the device runs the artifact. `unknown` asks to be read before anything else is done.
  if (outcome.status === "failed" || outcome.status === "unknown") process.exitCode = 1;
}
