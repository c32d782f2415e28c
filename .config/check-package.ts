// Packs the package as it would be published and checks the tarball: its file list, its exports, its types, and that a
// consumer in an empty folder compiles against it and pushes with it.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const root = dirname(import.meta.dirname);
const bin = join(root, "node_modules", ".bin");
const work = mkdtempSync(join(tmpdir(), "flashwave-package-"));

function run(command: string, args: readonly string[], cwd: string): string {
  const result = spawnSync(command, args, { cwd, encoding: "utf8" });
  if (result.status === 0) return result.stdout;
  throw new Error(`${command} ${args.join(" ")} ended with ${result.status}\n${result.stdout}\n${result.stderr}`);
}

const consumer = `
import { createHash } from "node:crypto";
import { createClient, type DeviceOutcome, openArtifact } from "flashwave";
import { http } from "flashwave/delivery/http";
import { createMemoryRegistry } from "flashwave/registry/memory";
import { openPostgresRegistry } from "flashwave/registry/postgres";
import { makeFirmware, startDeviceServer } from "flashwave/testing";
import { generateKeys, readPrivateKey, signDocument, writeManifest } from "flashwave/trust";

await using device = await startDeviceServer({ id: "pos-001", version: "1.0.0" });
await using registry = createMemoryRegistry();
await registry.devices.put([{ id: "pos-001", address: device.url }]);
const firmware = makeFirmware({ version: "2.0.0", length: 300_000 });
const keys = generateKeys();
const document = writeManifest({
  name: "till",
  version: "2.0.0",
  sequence: 1,
  length: firmware.length,
  sha256: createHash("sha256").update(firmware).digest("hex"),
  expires: "2099-12-31T00:00:00Z",
});
const manifest = { document, signatures: [signDocument(document, readPrivateKey(keys.privateKey))] };
await using client = createClient({
  deliveries: [http()],
  registry,
  admission: { keys: [keys.publicKey] },
  addressPolicy: { permit: ["127.0.0.0/8"] },
  verification: { deadline: 10_000, stableFor: 100 },
});
await using artifact = await openArtifact(firmware, { version: "2.0.0", manifest });
const outcome: DeviceOutcome = await client.update("pos-001", artifact);
if (outcome.status !== "updated") throw new Error(JSON.stringify(outcome));
const refused = await openPostgresRegistry("postgres://127.0.0.1/none").catch((error: Error) => error);
if (!(refused instanceof Error && refused.message.includes("npm install pg"))) throw new Error("pg was not missed");
console.log(outcome.evidence.version);
`;

try {
  const [packed] = JSON.parse(run("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", work], root));
  const files: string[] = packed.files.map((file: { path: string }) => file.path);
  const foreign = files.filter(
    (file) =>
      !/^(dist\/(src|mocks)\/.+\.(js|d\.ts)|docs\/[\w-]+\.(md|schema\.json)|package\.json|[A-Z]+\.md|LICENSE)$/.test(
        file,
      ),
  );
  const tests = files.filter((file) => /\.test\.|fakes\//.test(file));
  if (foreign.length + tests.length > 0)
    throw new Error(`packed, but should not be: ${[...foreign, ...tests].join(", ")}`);
  const tarball = join(work, packed.filename);
  run(join(bin, "publint"), ["run", tarball, "--strict"], root);
  run(join(bin, "attw"), [tarball, "--profile", "esm-only"], root);

  writeFileSync(join(work, "package.json"), JSON.stringify({ name: "consumer", private: true, type: "module" }));
  run(
    "npm",
    ["install", "--ignore-scripts", "--omit=optional", "--omit=peer", "--no-audit", "--no-fund", tarball],
    work,
  );
  writeFileSync(join(work, "consumer.ts"), consumer);
  run(
    join(bin, "tsc"),
    [
      "--noEmit",
      "--strict",
      "--module",
      "nodenext",
      "--target",
      "esnext",
      "--types",
      "node",
      "--typeRoots",
      join(root, "node_modules", "@types"),
      "consumer.ts",
    ],
    work,
  );
  const version = execFileSync(process.execPath, ["consumer.ts"], { cwd: work, encoding: "utf8" }).trim();
  if (version !== "2.0.0") throw new Error(`the consumer saw ${version}`);
  const help = execFileSync(
    process.execPath,
    [join("node_modules", "flashwave", "dist", "src", "cli", "main.js"), "--help"],
    { cwd: work, encoding: "utf8" },
  );
  if (!help.includes("update")) throw new Error("the packed command line has no update");
  console.log(
    `package: ${files.length} files, ${packed.unpackedSize} bytes unpacked; a consumer compiled, pushed and verified`,
  );
} finally {
  rmSync(work, { recursive: true, force: true });
}
