// A server's management controller, by Redfish. Run: node examples/redfish.ts <firmware> <version> <address> [user password]
import { redfish } from "../src/delivery/redfish/index.ts";
import { createClient, openArtifact, Secret } from "../src/index.ts";

const [file = "", version = "", address = "", username = "", password = ""] = process.argv.slice(2);

await using client = createClient({
  // `session` is asked for because the example speaks plain http; over https it is the default.
  deliveries: [redfish({ applyTime: "OnReset", reset: "manager", auth: "session" })],
  credentials: async () => (username === "" ? undefined : { username, password: new Secret(password) }),
  addressPolicy: { permit: ["127.0.0.0/8"] },
  verification: { deadline: 60_000, stableFor: 1_000 },
});
await using artifact = await openArtifact(file, { version });

const outcome = await client.update({ id: "rack-7-bmc", address }, artifact);
console.log(outcome.status === "updated" ? `It runs ${outcome.evidence.version}.` : `It is ${outcome.status}.`);
if ("error" in outcome) console.error(`${outcome.error.code}: ${outcome.error.message}`);
if (outcome.status !== "updated" && outcome.status !== "skipped") process.exitCode = 1;
