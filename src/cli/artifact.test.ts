import { appendFile, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { documentsOf, hasty, Rig, run, runHere } from "./run.suite.ts";

/* As its users would: make keys, sign, check, and send what was signed. */

const rig = new Rig();
let image: string;
let folder: string;
const at = (name: string) => join(folder, name);
const manifest = () => `${image}.manifest.json`;
const artifact = (...args: readonly string[]) => runHere(["artifact", ...args]);

beforeAll(async () => {
  image = await rig.image();
  folder = await rig.directory();
  for (const name of ["a", "b", "boss"]) expect(await artifact("keygen", at(name))).toMatchObject({ code: 0, err: "" });
  const what = ["--firmware-version", "2.0.0", "--sequence", "7", "--expires", "90d", "--hardware", "sim-board-1"];
  expect(await artifact("sign", image, "--key", at("a.key"), ...what)).toMatchObject({ code: 0, err: "" });
});
afterAll(() => rig[Symbol.asyncDispose]());

describe("artifact keygen", () => {
  it("writes a private key for its owner alone, and never shows it", async () => {
    const { out } = await artifact("keygen", at("shown"));
    const key = await readFile(at("shown.key"), "utf8");
    expect((await stat(at("shown.key"))).mode & 0o777).toBe(0o600);
    expect(key).toContain("BEGIN PRIVATE KEY");
    expect(out).not.toContain(key.split("\n")[1]);
    expect(out).toMatch(/id [0-9a-f]{64}$/m);
  });

  it("overwrites nothing", async () => {
    const before = await readFile(at("a.key"), "utf8");
    const { code, err } = await artifact("keygen", at("a"));
    expect([code, err]).toEqual([2, expect.stringContaining("is there already, and is not overwritten")]);
    expect(await readFile(at("a.key"), "utf8")).toBe(before);
  });

  it("encrypts it with a passphrase, without which it does not sign", async () => {
    await writeFile(at("phrase"), "canary-passphrase\n");
    const locked = ["--passphrase-file", at("phrase")];
    expect((await artifact("keygen", at("locked"), ...locked)).code).toBe(0);
    expect(await readFile(at("locked.key"), "utf8")).toContain("ENCRYPTED");
    const cosign = (...more: readonly string[]) => artifact("cosign", manifest(), "--key", at("locked.key"), ...more);
    const without = await cosign();
    expect([without.code, without.err]).toEqual([2, expect.stringMatching(/encrypted.*--passphrase-file/)]);
    await writeFile(at("wrong"), "canary-wrong");
    const wrong = await cosign("--passphrase-file", at("wrong"));
    expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining("--key")]);
    expect(wrong.err + wrong.out).not.toContain("canary");
    expect((await cosign(...locked)).code).toBe(0);
  });
});

it("ends by itself, as a process: 0", async () => {
  expect(await run(["artifact", "verify", image, "--trusted-key", at("a.pub")])).toMatchObject({ code: 0, err: "" });
});

describe("artifact verify", () => {
  it("says who signed what: 0", async () => {
    const { code, out } = await artifact("verify", image, "--trusted-key", at("a.pub"));
    expect(code).toBe(0);
    expect(out).toMatch(/version 2\.0\.0, sequence 7, sha256 [0-9a-f]{64}\nsigned by [0-9a-f]{64}\n$/);
  });

  it("refuses what too few signed: 6", async () => {
    const both = ["--trusted-key", at("a.pub"), "--trusted-key", at("b.pub"), "--threshold", "2"];
    const { code, out } = await artifact("verify", image, ...both);
    expect([code, out]).toEqual([6, expect.stringMatching(/^untrusted: 1 of the 2 trusted keys .* asks for 2/)]);
    expect((await artifact("verify", image, "--trusted-key", at("b.pub"))).code).toBe(6);
  });

  it("takes minisign's signatures of the plain file, which it makes as well", async () => {
    expect((await artifact("sign", image, "--minisign", "--key", at("b.key"))).code).toBe(0);
    const line = /for minisign: (\S+)/.exec((await artifact("inspect", at("b.pub"))).out)?.[1] ?? "";
    await writeFile(at("b.minisign.pub"), line);
    const by = ["--minisign", `${image}.minisig`, "--trusted-key"];
    expect(await artifact("verify", image, ...by, at("b.minisign.pub"))).toMatchObject({ code: 0 });
    expect((await artifact("inspect", `${image}.minisig`)).out).toContain("trusted comment: timestamp:");
    expect((await artifact("inspect", `${image}.minisig`)).out).toMatch(/ {2}file:fw\.bin {2}prehashed$/m);
    const other = await artifact("verify", image, ...by, at("b.pub"));
    expect(other).toMatchObject({ code: 2, err: expect.stringContaining("checked by minisign's public keys") });
    const third = await artifact("verify", image, "--manifest", manifest(), "--trusted-key", at("b.minisign.pub"));
    expect(third).toMatchObject({ code: 2, err: expect.stringContaining("checked by public keys in PEM") });
  });

  it("wants to be told whom to believe: 2", async () => {
    expect(await artifact("verify", image)).toMatchObject({ code: 2, err: expect.stringContaining("--trusted-key") });
  });
});

describe("artifact inspect", () => {
  it("shows a manifest's fields, and that nothing was checked", async () => {
    const { code, out } = await artifact("inspect", manifest());
    expect(code).toBe(0);
    expect(out).toMatch(/^version +2\.0\.0$/m);
    expect(out).toMatch(/^signatures +\d, not checked/m);
  });

  it("shows no private key", async () => {
    const { code, out, err } = await artifact("inspect", at("a.key"));
    expect([code, out]).toEqual([2, ""]);
    expect(err).not.toContain((await readFile(at("a.key"), "utf8")).split("\n")[1]);
  });
});

describe("a file that is not what was meant: 2, and what it is not", () => {
  it.each<[string, () => readonly string[], string]>([
    ["firmware, to inspect", () => ["inspect", image], "is neither a manifest, an approval, a public key, "],
    ["nothing, to inspect", () => ["inspect", at("empty")], "is neither a manifest"],
    ["other JSON, to inspect", () => ["inspect", at("other.json")], "is neither a manifest"],
    ["a damaged manifest, to inspect", () => ["inspect", at("cut.json")], "The manifest is not JSON"],
    ["firmware, to approve", () => ["approve", image, ...approve()], 'fw.bin" is not a manifest.'],
    [
      "a key, to approve",
      () => ["approve", at("a.pub"), ...approve()],
      'a.pub" is not a manifest; it is a public key.',
    ],
    ["a damaged manifest, to approve", () => ["approve", at("cut.json"), ...approve()], "The manifest is not JSON"],
    ["firmware, to cosign", () => ["cosign", image, "--key", at("b.key")], "is neither a manifest nor an approval."],
    ["firmware, to verify by", () => ["verify", image, "--manifest", image, ...trust()], 'fw.bin" is not a manifest.'],
    ["nothing to verify by", () => ["verify", at("a.pub"), ...trust()], "; give --manifest or --minisign."],
    ["what is not there", () => ["verify", image, "--manifest", at("no"), ...trust()], "could not be read (ENOENT)"],
  ])("%s", async (_, args, sentence) => {
    await writeFile(at("empty"), "");
    await writeFile(at("other.json"), JSON.stringify({ schema: "canary/1" }));
    await writeFile(at("cut.json"), (await readFile(manifest())).subarray(0, 120));
    const { code, out, err } = await artifact(...args());
    expect([code, out, err]).toEqual([2, "", expect.stringContaining(sentence)]);
    expect(err).not.toMatch(/canary|Nothing was sent/);
  });

  const approve = () => ["--key", at("boss.key"), "--device", "till-4", "--expires", "1d", "--out", at("never.json")];
  const trust = () => ["--trusted-key", at("a.pub")];

  it.each<[string, () => readonly string[], string]>([
    ["a manifest", () => ["--manifest", image], 'fw.bin" is not a manifest.'],
    ["a minisign signature", () => ["--minisign", manifest()], "is not a minisign signature; it is a manifest."],
    [
      "an approval",
      () => ["--manifest", manifest(), "--approval", manifest()],
      "is not an approval; it is a manifest.",
    ],
    [
      "a key",
      () => ["--manifest", manifest(), "--trusted-key", image],
      "is neither a public key nor a minisign public",
    ],
    ["an approver's key", () => ["--manifest", manifest(), "--approval-key", image], 'fw.bin" is not a public key.'],
  ])("nor does an update take it for %s", async (_, args, sentence) => {
    await using device = await rig.device();
    const ended = await runHere(["update", image, "--to", device.url, ...hasty, ...args(), ...trust()]);
    expect(ended).toMatchObject({ code: 2, out: "", err: expect.stringContaining(sentence) });
    expect(device.device.requests).toEqual([]);
  });

  it("a damaged manifest to verify by is refused, as before an update: 6", async () => {
    await writeFile(at("cut.json"), (await readFile(manifest())).subarray(0, 120));
    const ended = await artifact("verify", image, "--manifest", at("cut.json"), ...trust());
    expect(ended).toMatchObject({ code: 6, out: expect.stringContaining("invalid_manifest: ") });
  });
});

describe("artifact sign", () => {
  it.each([
    ["no version", ["--sequence", "1", "--expires", "1d"], /--firmware-version/],
    [
      "an expiry that is over",
      ["--firmware-version", "2", "--sequence", "1", "--expires", "2020-01-01T00:00:00Z"],
      /--expires .* is over/,
    ],
    ["a sequence that is none", ["--firmware-version", "2", "--sequence", "x", "--expires", "1d"], /--sequence/],
    [
      "an end that is none",
      ["--firmware-version", "2", "--sequence", "1", "--expires", "soon"],
      /2027-01-31T00:00:00Z/,
    ],
  ])("is usage with %s: 2", async (_, flags, told) => {
    const { code, err } = await artifact("sign", image, "--key", at("a.key"), "--manifest", at("none.json"), ...flags);
    expect([code, err]).toEqual([2, expect.stringMatching(told)]);
    await expect(stat(at("none.json"))).rejects.toThrow("ENOENT");
  });
});

describe("update under a policy", () => {
  const signed = () => ["--manifest", manifest(), "--trusted-key", at("a.pub"), "--hardware-pointer", "/hardware"];
  const update = (...args: readonly string[]) => runHere(["update", image, ...hasty, "--json", ...args]);

  it("sends what was signed, as the version that the manifest names: 0", async () => {
    await using device = await rig.device();
    const ended = await update("--to", device.url, ...signed());
    expect(ended.code).toBe(0);
    expect(documentsOf(ended)).toMatchObject([{ status: "updated", artifact: { version: "2.0.0" } }]);
  });

  it.each([
    ["a key that signed nothing", "untrusted", () => ["--trusted-key", at("b.pub")], {}],
    ["another version", "manifest_mismatch", () => ["--trusted-key", at("a.pub"), "--firmware-version", "2.0.1"], {}],
    [
      "a device that does not tell its hardware",
      "hardware_unknown",
      () => ["--trusted-key", at("a.pub")],
      { omits: ["hardware"] },
    ],
    ["other hardware", "wrong_hardware", () => signed().slice(2), { hardware: "r9" }],
    ["a newer device", "downgrade_refused", () => signed().slice(2), { version: "3.0.0" }],
  ] as const)("sends nothing with %s: 6", async (_, code, flags, options) => {
    await using device = await rig.device(options);
    const ended = await update("--to", device.url, "--manifest", manifest(), ...flags());
    expect(ended.code).toBe(6);
    expect(documentsOf(ended)).toMatchObject([{ status: "failed", error: { code, phase: "admission" } }]);
    expect(ended.out).not.toContain("Open it with");
    expect(device.device.received).toEqual([]);
  });

  it("goes back with an approval for the device: 0", async () => {
    await using device = await rig.device({ version: "3.0.0" });
    const approval = at("approval.json");
    const made = ["--device", "till-4", "--expires", "1d", "--out", approval];
    expect((await artifact("approve", manifest(), "--key", at("boss.key"), ...made)).code).toBe(0);
    const leave = ["--approval", approval, "--approval-key", at("boss.pub")];
    const back = await update("--to", `till-5=${device.url}`, ...signed(), ...leave);
    expect([back.code, documentsOf(back)[0].error.message]).toEqual([
      6,
      expect.stringContaining("names other devices"),
    ]);
    expect((await update("--to", `till-4=${device.url}`, ...signed(), ...leave)).code).toBe(0);
    expect(device.device.version).toBe("2.0.0");
  });

  it("says what is missing before anything is sent: 2", async () => {
    const to = ["--to", "http://127.0.0.1:9", "--firmware-version", "2.0.0"];
    const told = async (...args: readonly string[]) => {
      const { code, err } = await update(...to, ...args);
      return [code, err];
    };
    expect(await told("--manifest", manifest())).toEqual([2, expect.stringContaining("only with --trusted-key")]);
    expect(await told("--trusted-key", at("a.pub"))).toEqual([
      2,
      expect.stringContaining("give --manifest or --minisign"),
    ]);
    expect(await told(...signed(), "--threshold", "2")).toEqual([2, expect.stringContaining("--threshold must be")]);
    expect(await told(...signed(), "--threshold", "0")).toEqual([2, expect.stringContaining("--threshold takes")]);
    expect(await told("--manifest", manifest(), "--trusted-key", at("a.key"))).toEqual([
      2,
      expect.stringContaining("is neither a public key nor a minisign public key; it is a private key."),
    ]);
  });

  it("refuses an artifact that changed since it was signed: 6", async () => {
    await using device = await rig.device();
    await appendFile(image, "x");
    const ended = await update("--to", device.url, ...signed());
    expect([ended.code, documentsOf(ended)[0].error.code]).toEqual([6, "manifest_mismatch"]);
    expect(device.device.received).toEqual([]);
  });
});
