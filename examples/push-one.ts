// One device, from a file to evidence. Run: node examples/push-one.ts <firmware> <version> <address>
import { createClient, isFlashwaveError, openArtifact } from "../src/index.ts";

const [file = "", version = "", address = ""] = process.argv.slice(2);

await using client = createClient({
  // A device on this machine needs leave: loopback addresses are denied by default.
  addressPolicy: { permit: ["127.0.0.0/8"] },
  verification: { deadline: 60_000, stableFor: 1_000 },
});

try {
  await using artifact = await openArtifact(file, { version });
  const device = { id: "pos-001", address };
  const receipt = await client.push(device, artifact);
  console.log(`The device has ${receipt.bytes} bytes.`);
  const evidence = await client.verify(device, artifact, { since: receipt });
  console.log(`It was seen running ${evidence.version}, proved by ${evidence.proved}, new boot ${evidence.newBoot}.`);
} catch (error) {
  if (!isFlashwaveError(error)) throw error;
  console.error(`${error.code} during ${error.phase}: ${error.message}`);
  process.exitCode = 1;
}
