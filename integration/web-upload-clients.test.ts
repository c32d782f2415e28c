import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  type DeviceServer,
  makeFirmware,
  sha256,
  startAxis,
  startElegantOta,
  startEsphome,
  startMongooseOs,
  startTasmota,
} from "../mocks/index.ts";
import { describePeer } from "./peers/peer.ts";

/* The fakes of web uploads, judged by a client that others wrote. What they take of it is no echo of our own forms. */

const run = promisify(execFile);
const version = "2.0.0";
const image = makeFirmware({ version, length: 300_000 });
const md5 = createHash("md5").update(image).digest("hex");

const login = { username: "root", password: "pass" };
const digest = ["--digest", "-u", `${login.username}:${login.password}`];
const firmwareManagement = "/axis-cgi/firmwaremanagement.cgi";
const upgrade = '{"apiVersion":"1.0","method":"upgrade","params":{"autoCommit":"never","autoRollback":"5"}}';
const commit = '{"apiVersion":"1.0","method":"commit"}';

interface Family {
  readonly name: string;
  readonly start: () => Promise<DeviceServer>;
  readonly before?: string;
  /** Words of the upload; the last one is its path. */
  readonly upload: readonly string[];
  readonly says: string;
  readonly commit?: readonly string[];
}

const families: readonly Family[] = [
  { name: "esphome", start: startEsphome, upload: ["-F", "update=@image", "/update"], says: "Update Successful!" },
  {
    ...{ name: "tasmota", start: startTasmota, before: "/up" },
    ...{ upload: ["-F", "u2=@image", `/u2?fsz=${image.length}`], says: "Upload erfolgreich" },
  },
  {
    ...{ name: "mongoose-os", start: startMongooseOs, commit: ["/update/commit"] },
    ...{ upload: ["-F", "commit_timeout=60", "-F", "file=@image", "/update"], says: "Update applied" },
  },
  {
    ...{ name: "axis", start: () => startAxis({ login }), commit: [...digest, "-d", commit, firmwareManagement] },
    upload: [...digest, "-F", `json=${upgrade};type=application/json`, "-F", "file=@image", firmwareManagement],
    says: `"firmwareVersion":"${version}"`,
  },
  {
    ...{ name: "elegant-ota", start: startElegantOta, before: `/ota/start?mode=fr&hash=${md5}` },
    ...{ upload: ["-F", "file=@image", "/ota/upload"], says: "OK" },
  },
];

describePeer("curl as one that uploads", ["curl"], ({ curl }) => {
  let folder: string;
  let file: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "flashwave-curl-"));
    file = join(folder, "fw.bin");
    await writeFile(file, image);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const asked = async ({ url }: DeviceServer, words: readonly string[], content = `@${file}`): Promise<string> => {
    const given = words.slice(0, -1).map((word) => word.replace("@image", content));
    return (await run(curl, ["-sS", ...given, `${url}${words.at(-1)}`])).stdout;
  };

  it.each(families)("$name takes its form", async ({ start, before, upload, says, commit: order }) => {
    await using server = await start();
    if (before !== undefined) await asked(server, [before]);
    expect(await asked(server, upload)).toContain(says);
    await expect.poll(() => server.device.version).toBe(version);
    expect([server.device.digest, server.device.onTrial]).toEqual([sha256(image), order !== undefined]);
    if (order === undefined) return;
    await asked(server, order);
    expect(server.device.onTrial).toBe(false);
  });

  it.each(families)("$name takes no form without a file", async ({ start, before, upload, says }) => {
    await using server = await start();
    if (before !== undefined) await asked(server, [before]);
    expect(await asked(server, upload, "image")).not.toContain(says);
    expect(server.device.version).toBe("1.0.0");
  });
});
