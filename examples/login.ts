// A device that wants a login.
// Run: DEVICE_PASSWORD=… node examples/login.ts <firmware> <version> <address> <user>
import { http } from "../src/delivery/http/index.ts";
import { createClient, isFlashwaveError, openArtifact, Secret } from "../src/index.ts";

const [file = "", version = "", address = "", username = ""] = process.argv.slice(2);
const password = new Secret(process.env["DEVICE_PASSWORD"] ?? "");

await using client = createClient({
  addressPolicy: { permit: ["127.0.0.0/8"] },
  verification: { deadline: 60_000, stableFor: 1_000 },
  // Asked once for each device. What it gives goes to that device's own origin, and is never printed.
  credentials: (device) => (device.id === "pos-001" ? { username, password } : undefined),
  deliveries: [http({ send: { method: "PUT", path: "/update" }, auth: "digest" })],
});

try {
  await using artifact = await openArtifact(file, { version });
  const outcome = await client.update({ id: "pos-001", address }, artifact);
  if (outcome.status === "updated") console.log(`updated to ${outcome.evidence.version}`);
  else if ("error" in outcome) console.log(`${outcome.status}: ${outcome.error.code}: ${outcome.error.message}`);
} catch (error) {
  if (!isFlashwaveError(error)) throw error;
  console.error(`${error.code} during ${error.phase}: ${error.message}`);
  process.exitCode = 1;
}
