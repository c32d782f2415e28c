// A resumable upload whose whereabouts outlive this process. Run: node examples/tus.ts <firmware> <version> <address> <token file>
// Interrupt it and run it again: it goes on at the byte that the device tells.
import { open, readFile, rename, rm } from "node:fs/promises";
import { tus } from "../src/delivery/tus/index.ts";
import { createClient, openArtifact, type ResumeToken } from "../src/index.ts";

const [file = "", version = "", address = "", kept = ""] = process.argv.slice(2);

/** Durable before it returns: the next byte leaves only then. */
async function keep(token: ResumeToken): Promise<void> {
  await using handle = await open(`${kept}.new`, "w");
  await handle.writeFile(JSON.stringify(token));
  await handle.sync();
  await rename(`${kept}.new`, kept);
}

async function find(): Promise<ResumeToken | undefined> {
  const text = await readFile(kept, "utf8").catch(() => undefined);
  return text === undefined ? undefined : JSON.parse(text);
}

await using client = createClient({
  deliveries: [tus()],
  addressPolicy: { permit: ["127.0.0.0/8"] },
  verification: { deadline: 60_000, stableFor: 1_000 },
  onEvent(event) {
    if (event.type === "attempt-failed") console.log(`Attempt ${event.attempt}: ${event.error.code}.`);
  },
});
await using artifact = await openArtifact(file, { version });

const resume = await find();
if (resume !== undefined) console.log(`Going on: the device had at least ${resume.offset} bytes.`);
const outcome = await client.update({ id: "pos-001", address }, artifact, {
  onResumable: keep,
  ...(resume && { resume }),
});
console.log(`${outcome.status} after ${outcome.attempts} attempt(s).`);
// Whether it worked or failed for good, the token has served; only what is unknown may still be asked about.
if (outcome.status !== "unknown") await rm(kept, { force: true });
if (outcome.status !== "updated") process.exitCode = 1;
