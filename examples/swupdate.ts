// A device that runs SWUpdate. Run: node examples/swupdate.ts <image.swu> <version> <address> [user password]
import { httpProbe } from "../src/delivery/http/index.ts";
import { swupdate } from "../src/delivery/swupdate/index.ts";
import { createClient, openArtifact, Secret } from "../src/index.ts";

const [file = "", version = "", address = "", username = "", password = ""] = process.argv.slice(2);

await using client = createClient({
  deliveries: [swupdate()],
  // SWUpdate cannot be asked for its version; this device's web server has it in a file.
  probers: [httpProbe({ inspect: { path: "/version" }, health: false })],
  credentials: async () => (username === "" ? undefined : { username, password: new Secret(password) }),
  addressPolicy: { permit: ["127.0.0.0/8"] },
  verification: { deadline: 60_000, stableFor: 1_000 },
});
await using artifact = await openArtifact(file, { version });

const outcome = await client.update({ id: "board-1", address, probe: "http" }, artifact);
console.log(outcome.status === "updated" ? `It runs ${outcome.evidence.version}.` : `It is ${outcome.status}.`);
if ("error" in outcome) {
  console.error(`${outcome.error.code}: ${outcome.error.message}`);
  if (outcome.error.reply?.excerpt) console.error(`The device says: ${outcome.error.reply.excerpt}`);
}
if (outcome.status !== "updated" && outcome.status !== "skipped") process.exitCode = 1;
