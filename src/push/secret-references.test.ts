import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import type { DeviceCredentials } from "../core/credentials.ts";
import type { Device } from "../core/device.ts";
import { type ReferencedCredentialsOptions, referencedCredentials } from "./secret-references.ts";

const root = mkdtempSync(join(tmpdir(), "flashwave-secrets-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const folder = join(root, "secrets");
mkdirSync(folder);
writeFileSync(join(root, "outside"), "CANARY");
writeFileSync(join(folder, "till"), "p w\n");
writeFileSync(join(folder, "empty"), "\n");
writeFileSync(join(folder, "large"), "x".repeat(65_537));
symlinkSync(join(folder, "till"), join(folder, "link"));

const env = { FLASHWAVE_SECRET_A: "from-env", AWS_KEY: "CANARY", FLASHWAVE_SECRET_EMPTY: "" };
const device = (credentials: DeviceCredentials): Device => ({ id: "a", address: "http://a", credentials });
const find = async (credentials: DeviceCredentials, options: ReferencedCredentialsOptions = { folder, env }) => {
  const found = await referencedCredentials(options)(device(credentials));
  return [found?.username, (found?.token ?? found?.password)?.reveal(), JSON.stringify(found)];
};

it("finds secrets in variables with the prefix, and in files of the folder", async () => {
  expect(await referencedCredentials({ env })({ id: "a", address: "http://a" })).toBeUndefined();
  expect(await find({ username: "u", password: { env: "FLASHWAVE_SECRET_A" } })).toEqual([
    "u",
    "from-env",
    '{"username":"u","password":"[secret]"}',
  ]);
  expect(await find({ token: { file: "till" } })).toEqual([undefined, "p w", '{"token":"[secret]"}']);
  expect((await find({ token: { file: "link" } }))[1]).toBe("p w"); // as secrets are mounted
  expect((await find({ token: { env: "AWS_KEY" } }, { prefix: "AWS_", env }))[1]).toBe("CANARY");
});

it.each<[string, DeviceCredentials, ReferencedCredentialsOptions, string]>([
  ["a variable of another kind", { token: { env: "AWS_KEY" } }, { env }, "does not begin with FLASHWAVE_SECRET_"],
  ["a variable that is not set", { token: { env: "FLASHWAVE_SECRET_B" } }, { env }, "is not set"],
  ["an empty variable", { token: { env: "FLASHWAVE_SECRET_EMPTY" } }, { env }, "is empty"],
  ["a file without a folder", { token: { file: "till" } }, { env }, "no folder of secrets"],
  ["a file above the folder", { token: { file: "../outside" } }, { folder }, "outside of the folder"],
  ["a file above it, further down", { token: { file: "x/../../outside" } }, { folder }, "outside of the folder"],
  ["a file anywhere", { token: { file: join(root, "outside") } }, { folder }, "outside of the folder"],
  ["a file that is not there", { token: { file: "nobody" } }, { folder }, "cannot be read"],
  ["an empty file", { token: { file: "empty" } }, { folder }, "is empty"],
  ["a file that is too large", { token: { file: "large" } }, { folder }, "more than 64 KiB"],
])("refuses %s", async (_, credentials, options, told) => {
  const call = referencedCredentials(options)(device(credentials));
  await expect(call).rejects.toMatchObject({ code: "credentials_failed", device: "a" });
  await expect(call).rejects.toThrow(told);
  await expect(call).rejects.not.toThrow("CANARY");
});
