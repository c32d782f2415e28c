// Signs an artifact by two keys, and sends it under a policy that asks for both.
// Run: node examples/signed.ts <firmware> <version> <address>
import { createClient, openArtifact, type SignedDocument } from "../src/index.ts";
import { generateKeys, readPrivateKey, signDocument, writeManifest } from "../src/trust/index.ts";

const [path = "", version = "", address = ""] = process.argv.slice(2);

// Where releases are made. The private keys stay there, each with its owner.
const owners = [generateKeys(), generateKeys()];
async function release(): Promise<SignedDocument> {
  await using built = await openArtifact(path, { version });
  const { name, length, digest: sha256 } = built;
  const document = writeManifest({ name, version, sequence: 1, length, sha256, expires: "2099-12-31T00:00:00Z" });
  return { document, signatures: owners.map((keys) => signDocument(document, readPrivateKey(keys.privateKey))) };
}

// Where they are sent from. The public keys are all that is trusted.
const [releaseKey = "", secondKey = ""] = owners.map(({ publicKey }) => publicKey);
const local = { addressPolicy: { permit: ["127.0.0.0/8"] }, verification: { stableFor: 100 } };
await using client = createClient({ ...local, admission: { keys: [releaseKey, secondKey], threshold: 2 } });
const whole = await release();
for (const manifest of [{ ...whole, signatures: whole.signatures.slice(1) }, whole]) {
  await using artifact = await openArtifact(path, { version, manifest });
  const outcome = await client.update({ id: "pos-001", address }, artifact);
  console.log("error" in outcome ? `${outcome.status}: ${outcome.error.code}` : outcome.status);
}
