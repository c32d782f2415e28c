import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { makeFirmware } from "../mocks/index.ts";
import { examineArtifact, openArtifact, readSignedDocument, Secret } from "../src/index.ts";
import {
  generateKeys,
  minisignKeyOf,
  publicKeyOf,
  readPrivateKey,
  signDocument,
  signersOf,
  signMinisign,
  trustedKeys,
} from "../src/trust/index.ts";
import { manifestFor } from "../src/trust/kit.suite.ts";
import { failure } from "./kit.ts";
import { describePeer } from "./peers/peer.ts";

/* The formats are others' as well: what we sign passes with them, and what they sign with us. */

const run = promisify(execFile);
const bytes = makeFirmware({ version: "2.0.0", length: 300_000 });
const document = manifestFor(bytes);
let folder: string;
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashwave-trust-"));
  await writeFile(at("fw.bin"), bytes);
  await writeFile(at("fw.json"), document);
});
afterAll(() => rm(folder, { recursive: true }));

describePeer("openssl", ["openssl"], ({ openssl }) => {
  const ssl = (...args: readonly string[]) => run(openssl, args, { cwd: folder });

  it("checks what we signed", async () => {
    const { privateKey, publicKey } = generateKeys();
    await writeFile(at("ours.pub"), publicKey);
    await writeFile(at("ours.sig"), signDocument(document, readPrivateKey(privateKey)));
    const check = (file: string) =>
      ssl("pkeyutl", "-verify", "-pubin", "-inkey", "ours.pub", "-rawin", "-in", file, "-sigfile", "ours.sig");
    expect((await check("fw.json")).stdout).toContain("Verified Successfully");
    await expect(check("fw.bin")).rejects.toThrow();
  });

  it("reads our keys, encrypted or not, and has the same public key", async () => {
    for (const passphrase of [undefined, "canary"]) {
      const { privateKey, publicKey } = generateKeys(passphrase === undefined ? undefined : new Secret(passphrase));
      await writeFile(at("ours.key"), privateKey);
      const pass = passphrase === undefined ? [] : ["-passin", `pass:${passphrase}`];
      expect((await ssl("pkey", "-in", "ours.key", ...pass, "-pubout")).stdout).toBe(publicKey);
    }
  });

  it("signs what we admit, with keys of its own, encrypted or not", async () => {
    await ssl("genpkey", "-algorithm", "ed25519", "-out", "theirs.key");
    await ssl("pkey", "-in", "theirs.key", "-pubout", "-out", "theirs.pub");
    await ssl("pkeyutl", "-sign", "-inkey", "theirs.key", "-rawin", "-in", "fw.json", "-out", "fw.json.sig");
    const keys = [await readFile(at("theirs.pub"), "utf8")];
    const options = { version: "2.0.0", manifest: at("fw.json") };
    await using artifact = await openArtifact(at("fw.bin"), options);
    const [{ id } = { id: "" }] = trustedKeys("keys", keys);
    expect(await examineArtifact(artifact, { keys })).toMatchObject({ keys: [id], sequence: 7 });
    await ssl("pkey", "-in", "theirs.key", "-aes-256-cbc", "-passout", "pass:canary", "-out", "locked.key");
    const locked = readPrivateKey(await readFile(at("locked.key"), "utf8"), new Secret("canary"));
    expect(publicKeyOf(locked)).toBe(keys[0]);
  });

  it("signs with others, too: two of three, by the files that lie beside the manifest", async () => {
    const keys: string[] = [];
    for (const name of ["x", "y", "z"]) {
      await ssl("genpkey", "-algorithm", "ed25519", "-out", `${name}.key`);
      keys.push((await ssl("pkey", "-in", `${name}.key`, "-pubout")).stdout);
    }
    await writeFile(at("two.json"), document);
    const sign = (name: string) =>
      ssl("pkeyutl", "-sign", "-inkey", `${name}.key`, "-rawin", "-in", "two.json", "-out", `two.json.${name}.sig`);
    await sign("x");
    const judged = async () => {
      await using artifact = await openArtifact(bytes, { version: "2.0.0", manifest: at("two.json") });
      return await examineArtifact(artifact, { keys, threshold: 2 });
    };
    expect((await failure(judged)).code).toBe("untrusted");
    await sign("z");
    expect((await judged()).keys).toHaveLength(2);
    expect(signersOf(await readSignedDocument(at("two.json")), trustedKeys("keys", keys))).toHaveLength(2);
  });
});

describePeer("minisign", ["minisign"], ({ minisign }) => {
  const mini = (...args: readonly string[]) => run(minisign, args, { cwd: folder });

  it("checks what we signed", async () => {
    const key = readPrivateKey(generateKeys().privateKey);
    await using artifact = await openArtifact(at("fw.bin"));
    const hash = Buffer.from(await artifact.payload.hash("blake2b512"), "hex");
    await writeFile(at("fw.bin.minisig"), signMinisign(hash, key, "release 2.0.0"));
    await writeFile(at("ours.minisign.pub"), minisignKeyOf(key));
    const check = (...how: readonly string[]) => mini("-V", "-m", "fw.bin", ...how);
    const { stdout } = await check("-p", "ours.minisign.pub");
    expect(stdout).toMatch(/Signature and comment signature verified\nTrusted comment: release 2\.0\.0/);
    expect((await check("-H", "-P", minisignKeyOf(key).split("\n")[1] ?? "")).stdout).toContain("verified");
    await writeFile(at("fw.bin.minisig"), signMinisign(hash.subarray(1), key, "release 2.0.0"));
    await expect(check("-p", "ours.minisign.pub")).rejects.toThrow(/Signature verification failed/);
  });

  it.each([
    ["prehashed", "-H"],
    ["legacy", "-l"],
  ])("signs what we admit (%s)", async (_, form) => {
    await mini("-G", "-f", "-W", "-p", "mini.pub", "-s", "mini.key");
    await mini(
      "-S",
      "-W",
      form,
      "-s",
      "mini.key",
      "-m",
      "fw.bin",
      "-x",
      "theirs.minisig",
      "-t",
      "till 2.0.0, from minisign",
    );
    const policy = { minisign: [await readFile(at("mini.pub"), "utf8")] };
    const judged = async (content: Uint8Array, text: string | Uint8Array) => {
      await using artifact = await openArtifact(content, { minisign: text });
      return await examineArtifact(artifact, policy);
    };
    expect((await judged(bytes, at("theirs.minisig"))).keys).toHaveLength(1);
    // The public key's line alone is a key as well.
    const [, line = ""] = (policy.minisign[0] ?? "").split("\n");
    await using artifact = await openArtifact(at("fw.bin"), { minisign: at("theirs.minisig"), cacheBytes: 0 });
    expect((await examineArtifact(artifact, { minisign: [line] })).keys).toHaveLength(1);
    const text = await readFile(at("theirs.minisig"), "utf8");
    const altered = Buffer.from(text.replace("till 2.0.0", "till 9.0.0"));
    expect((await failure(() => judged(bytes, altered))).code).toBe("untrusted");
    const other = Uint8Array.from(bytes);
    other[7] = (other[7] ?? 0) ^ 1;
    expect((await failure(() => judged(other, at("theirs.minisig")))).code).toBe("untrusted");
    const foreign = { minisign: [minisignKeyOf(readPrivateKey(generateKeys().privateKey))] };
    expect((await failure(() => examineArtifact(artifact, foreign))).code).toBe("untrusted");
  });

  it("and we refuse its signature, whichever of its characters was altered", async () => {
    await mini("-G", "-f", "-W", "-p", "mini.pub", "-s", "mini.key");
    await mini("-S", "-W", "-s", "mini.key", "-m", "fw.bin", "-x", "all.minisig");
    const policy = { minisign: [await readFile(at("mini.pub"), "utf8")] };
    const text = await readFile(at("all.minisig"), "utf8");
    await using whole = await openArtifact(bytes, { minisign: Buffer.from(text) });
    await examineArtifact(whole, policy);
    // The first line is for nobody, and nobody signs it.
    for (let at = text.indexOf("\n"); at < text.length - 1; at++) {
      const altered = Buffer.from(text);
      altered[at] = (altered[at] ?? 0) ^ 1;
      await using artifact = await openArtifact(bytes, { minisign: altered });
      expect([at, (await failure(() => examineArtifact(artifact, policy))).code]).toEqual([at, "untrusted"]);
    }
  });
});
