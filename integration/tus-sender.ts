// Pushes one file by tus, and keeps where it could go on in a file that survives it. Started again, it goes on there.
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { tus } from "../src/delivery/tus/index.ts";
import { createClient, openArtifact, type ResumeToken } from "../src/index.ts";

const [path = "", url = "", kept = "", bytesPerSecond = "", chunkBytes = "0"] = process.argv.slice(2);

function keep(token: ResumeToken): void {
  const file = openSync(`${kept}.new`, "w");
  writeSync(file, JSON.stringify(token));
  fsyncSync(file);
  closeSync(file);
  renameSync(`${kept}.new`, kept);
}

await using client = createClient({
  deliveries: [tus({ chunkBytes: Number(chunkBytes), health: false })],
  addressPolicy: { permit: ["127.0.0.0/8"] },
  retry: { base: 5, cap: 20, busyBase: 5, quietPeriod: 20 },
});
await using artifact = await openArtifact(path, { version: "2.0.0" });
const resume: ResumeToken | undefined = existsSync(kept) ? JSON.parse(readFileSync(kept, "utf8")) : undefined;
const receipt = await client.push({ id: "pos-001", address: url }, artifact, {
  onResumable: keep,
  ...(resume && { resume }),
  ...(bytesPerSecond !== "" && { bytesPerSecond: Number(bytesPerSecond) }),
});
rmSync(kept, { force: true });
process.send?.({ receipt, resumed: resume?.offset });
