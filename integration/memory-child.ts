// Pushes one file to one sink, in a process that does nothing else, and tells by how much it grew meanwhile.
import { readFileSync } from "node:fs";
import { createClient, openArtifact } from "../src/index.ts";

const [path = "", url = "", digest = ""] = process.argv.slice(2);

/** The highest resident set of this process, in bytes. On Linux the usual count is inherited from whoever started it. */
function peak(): number {
  try {
    const [, kib] = /VmHWM:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
    if (kib !== undefined) return Number(kib) * 1024;
  } catch {
    // Elsewhere the system's own count will do.
  }
  return process.resourceUsage().maxRSS * 1024;
}

await using client = createClient({ addressPolicy: { permit: ["127.0.0.0/8"] } });
await using artifact = await openArtifact(path, { version: "2.0.0", digest });
const receipt = await client.push({ id: "sink", address: url }, artifact);
process.send?.({ peak: peak(), bytes: receipt.bytes });
