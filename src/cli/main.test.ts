import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createCertificateAuthority } from "../../mocks/index.ts";
import { hasty, Rig, run } from "./run.suite.ts";

it("leaves a device alone that runs the artifact, unless forced to", async () => {
  await using rig = new Rig();
  const server = await rig.device({ version: "2.0.0" });
  const args = ["update", await rig.image(), "--firmware-version", "2.0.0", ...hasty, "--to", server.url];
  expect(await run(args)).toMatchObject({ code: 0, out: expect.stringContaining("skipped") });
  expect(server.device.received).toEqual([]);
  expect(await run([...args, "--force"])).toMatchObject({ code: 0, out: expect.stringContaining("updated") });
  expect(server.device.received).toHaveLength(1);
});

it("keeps what devices report from moving the terminal", async () => {
  await using rig = new Rig();
  const tricks = ["\u001b", "\u009b", "\u202e", "\u2028"];
  const server = await rig.device({ version: `9.9${tricks.join("2J")}` });
  for (const extra of [[], ["--json"]]) {
    const { out, err } = await run(["inspect", "--to", `sly=${server.url}`, ...extra]);
    expect(out + err).toContain("sly");
    for (const trick of tricks) expect(out + err).not.toContain(trick);
  }
});

it("speaks TLS with the files and pins it is given", async () => {
  await using rig = new Rig();
  const directory = dirname(await rig.image());
  const authority = createCertificateAuthority();
  const own = authority.issue();
  const operator = authority.issue({ use: "client", name: "operator" });
  const server = await rig.device({ tls: { ...own, ca: authority.cert } });
  const files = { "--ca": authority.cert, "--cert": operator.cert, "--key": operator.key };
  const args = ["inspect", "--to", server.url];
  for (const [flag, text] of Object.entries(files)) {
    const path = join(directory, flag);
    await writeFile(path, text);
    args.push(flag, path);
  }
  expect(await run([...args, "--pin", own.pin])).toMatchObject({ code: 0 });
  expect(server.device.requests.at(0)?.peer).toBe(operator.fingerprint);
  const wrong = await run([...args, "--pin", operator.pin]);
  expect(wrong).toMatchObject({ code: 3, out: expect.stringContaining("pin_mismatch") });
});

it("is clear about a Node that is too old", async () => {
  const old = "data:text/javascript,Object.defineProperty(process,'versions',{value:{node:'22.1.0'}})";
  const args = ["--import", old, join(import.meta.dirname, "main.ts"), "--version"];
  const ended = new Promise((resolve) => {
    execFile(process.execPath, args, (error, out, err) => resolve({ code: error?.code, out, err }));
  });
  const err = expect.stringMatching(/^flashwave: Node 24 or newer .*22\.1\.0/);
  expect(await ended).toEqual({ code: 2, out: "", err });
});

describe("demo", () => {
  let temporary: string;
  beforeEach(async () => {
    temporary = await mkdtemp(join(tmpdir(), "flashwave-cli-"));
    vi.stubEnv("TMPDIR", temporary);
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await rm(temporary, { recursive: true });
  });

  it("ends by itself, all as planned, and leaves nothing behind", async () => {
    const { code, out } = await run(["demo"]);
    expect(out).toContain("As planned: 24 of 24 devices");
    expect(out).not.toContain("contradiction");
    expect(code).toBe(0);
    expect(out).toMatch(/^ {2}(\d+) images received whole, \1 with this digest, 0 with another/m);
    const [, updated] = /^Updated: (\d+) of 24$/m.exec(out) ?? [];
    expect(out).toContain(`  ${updated} of the ${updated} called updated run 2.0.0 with this digest\n`);
    expect(out).toContain(`  evidence that they run 2.0.0 is kept of ${updated}\n`);
    expect(await readdir(temporary)).toEqual([]);
  });

  it("ends with 130 when interrupted, its simulator too, and leaves nothing behind", async () => {
    const { code, out } = await run(["demo"], (child) => child.stdout?.once("data", () => child.kill("SIGINT")));
    expect(code).toBe(130);
    expect(out).not.toContain("As planned");
    expect(await readdir(temporary)).toEqual([]);
  });
});
