import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { defaultPaths, makeFirmware, plainDialect, startAxis, startDeviceServer, withLogin } from "../mocks/index.ts";
import { http } from "../src/delivery/http/index.ts";
import { axis } from "../src/delivery/web-upload/axis.ts";
import { createClient, openArtifact, referencedCredentials } from "../src/index.ts";
import { openSqliteRegistry } from "../src/registry/sqlite/index.ts";

/* A device by its id alone: its address, its protocol, its profile and its login all come from the registry. */

const folder = mkdtempSync(join(tmpdir(), "flashwave-fleet-login-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
writeFileSync(join(folder, "camera"), "pass word\n");

const hasty = { addressPolicy: { permit: ["127.0.0.0/8"] }, verification: { deadline: 5_000, stableFor: 20 } };

it("client.update(id) finds address, kind, profile and login, for generic HTTP and a web form", async () => {
  const paths = { ...defaultPaths, update: "/fw", version: "/info" };
  const dialect = withLogin(plainDialect(paths), { username: "u", password: "from-env" });
  await using till = await startDeviceServer({ id: "till", dialect });
  await using camera = await startAxis({ id: "camera", login: { username: "root", password: "pass word" } });
  await using registry = await openSqliteRegistry(join(folder, "fleet.db"));
  await registry.profiles.put([
    { id: "tills", name: "Tills", requests: { send: { path: "/wrong" }, inspect: { path: "/info" } } },
    { id: "b", name: "B", parent: "tills", scope: "group", group: "b", requests: { send: { path: "/fw" } } },
    { id: "cameras", name: "Cameras", items: [{ purpose: "send", kind: "header", name: "x-form", value: "yes" }] },
  ]);
  const put = await registry.devices.put([
    {
      id: "till",
      address: till.url,
      profileId: "tills",
      group: "b",
      credentials: { username: "u", password: { env: "FLASHWAVE_SECRET_TILL" } },
    },
    {
      id: "camera",
      address: camera.url,
      delivery: "axis",
      profileId: "cameras",
      credentials: { username: "root", password: { file: "camera" } },
    },
  ]);
  expect(put.map(({ result }) => result)).toEqual(["created", "created"]);
  const env = { FLASHWAVE_SECRET_TILL: "from-env" };
  const credentials = referencedCredentials({ folder, env });
  await using client = createClient({
    ...hasty,
    registry,
    credentials,
    deliveries: [http({ challenge: "GET /login" }), axis()],
  });
  await using artifact = await openArtifact(makeFirmware({ version: "2.0.0", length: 200_000 }), { version: "2.0.0" });
  for (const id of ["till", "camera"]) {
    expect(await client.update(id, artifact)).toMatchObject({ device: id, status: "updated" });
    const row = (await registry.devices.getMany([id])).get(id);
    expect(row).toMatchObject({ firmware: "2.0.0", evidence: { device: id } });
    expect(JSON.stringify(row)).not.toMatch(/from-env|pass word/);
  }
  expect([till.device.version, camera.device.version]).toEqual(["2.0.0", "2.0.0"]);
  expect(camera.device.requests.some(({ headers }) => headers["x-form"] === "yes")).toBe(true);

  // Told nothing of credentials, a client looks at variables alone.
  await using plain = createClient({ ...hasty, registry, deliveries: [http({ challenge: "GET /login" }), axis()] });
  const refused = await plain.update("camera", artifact);
  expect(refused).toMatchObject({ status: "failed", error: { code: "credentials_failed" } });
  expect(await plain.update("till", artifact)).toMatchObject({ error: { code: "credentials_failed" } });
});
