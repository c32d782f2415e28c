import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, relative, sep } from "node:path";
import { format, inspect } from "node:util";
import { serialize } from "node:v8";
import pg from "pg";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import {
  createCertificateAuthority,
  type DeviceServer,
  type Dialect,
  defaultPaths,
  makeFirmware,
  plainDialect,
  type RedfishDevice,
  startAxis,
  startDeviceServer,
  startRedfishDevice,
  startShellyGen1,
  startShellyGen2,
  startSwupdate,
  startTasmota,
  startTusDevice,
  withLogin,
  writeFirmware,
} from "../mocks/index.ts";
import { runHere } from "../src/cli/run.suite.ts";
import type { Publisher } from "../src/core/index.ts";
import type { Registry } from "../src/core/registry.ts";
import { http, httpProbe } from "../src/delivery/http/index.ts";
import { redfish } from "../src/delivery/redfish/index.ts";
import { createArtifactServer } from "../src/delivery/serve/index.ts";
import { shellyGen1, shellyGen2 } from "../src/delivery/shelly/index.ts";
import { swupdate } from "../src/delivery/swupdate/index.ts";
import { tus } from "../src/delivery/tus/index.ts";
import { axis, tasmota } from "../src/delivery/web-upload/index.ts";
import {
  type ClientOptions,
  createClient,
  type Delivery,
  type Device,
  openArtifact,
  referencedCredentials,
  Secret,
} from "../src/index.ts";
import { openPostgresRegistry } from "../src/registry/postgres/index.ts";
import { openSqliteRegistry } from "../src/registry/sqlite/index.ts";
import { generateKeys, readPrivateKey } from "../src/trust/index.ts";
import { fastClient } from "./kit.ts";
import { describePostgres, type PostgresServer, startPostgres } from "./peers/postgres.ts";

/*
 * One text in every field that holds a secret, and then a look at everything that comes out: errors with their causes,
 * events, outcomes and records as JSON and as a console shows them, standard output and error, and the bytes of the
 * databases, SQLite's and PostgreSQL's, logs included.
 */

const canary = "c4n4ry-s3cret";
/** What the simulated devices call themselves where they ask for a login by Digest. */
const realms = ["simulated device", "AXIS_ACCC8E000000", "SWUpdate", "shellysim-a8032ab12345"];
/** Whoever has the hash of one of the first ones can log in with it as with the password (RFC 7616 §3.4.2, A1). */
const hashed = [...realms.map((realm) => `admin:${realm}:${canary}`), canary];
/** As it is, and as it may have been wrapped, or hashed for good, on its way. */
const traces = [
  canary,
  Buffer.from(`admin:${canary}`).toString("base64"),
  Buffer.from(canary).toString("base64"),
  Buffer.from(canary).toString("hex"),
  encodeURIComponent(canary),
  ...["md5", "sha256"].flatMap((algorithm) => hashed.map((text) => createHash(algorithm).update(text).digest("hex"))),
];

let folder: string;
let image: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashwave-canary-"));
  image = (await writeFirmware(join(folder, "fw.bin"), { version: "2.0.0", length: 100_000 })).path;
  for (const name of ["password", "token", "tls.key"]) await writeFile(join(folder, name), canary);
  await writeFile(join(folder, "ca.pem"), authority.cert);
});
afterAll(() => rm(folder, { recursive: true }));

/** What anybody might print of a value. */
const printed = (value: unknown): string =>
  [
    inspect(value, { depth: Number.POSITIVE_INFINITY, showProxy: true }),
    format("%s %o %j", value, value, value),
    JSON.stringify(value, (_, part) =>
      part instanceof Error ? { ...part, text: String(part), cause: part.cause } : part,
    ),
  ].join("\n");

function expectNone(what: string, secrets = traces): void {
  expect(what.length).toBeGreaterThan(0);
  for (const trace of secrets) expect(what).not.toContain(trace);
}

async function thrown(call: () => unknown): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  throw new Error("the call was expected to fail");
}

const locked = (password: string) => withLogin(plainDialect(defaultPaths), { username: "admin", password });

/** Updates and pushes devices that take the login, refuse it, break off and err; returns all that was told. */
async function told(
  credentials: NonNullable<ClientOptions["credentials"]>,
  headers: Record<string, string> = {},
  held: Pick<Device, "credentials"> = {},
  open: () => Promise<Registry> = () => openSqliteRegistry(join(folder, "fleet.db")),
): Promise<string> {
  const lines: string[] = [];
  await using taking = await startDeviceServer({ id: "taking", dialect: locked(canary) });
  await using refusing = await startDeviceServer({ id: "refusing", dialect: locked("another") });
  await using cutting = await startDeviceServer({ id: "cutting", dialect: locked(canary) });
  cutting.script({ on: "update", times: 99, fault: { kind: "cut", at: 10_000 } });
  await using registry = await open();
  const servers = [taking, refusing, cutting];
  await registry.devices.put(servers.map(({ device, url }) => ({ id: device.id, address: url, ...held })));
  for (const auth of ["digest", "basic"]) {
    await using client = fastClient({
      deliveries: [http(auth === "basic" ? { options: { auth: "basic" } } : {})],
      registry,
      credentials,
      onEvent: (event) => lines.push(printed(event)),
    });
    lines.push(inspect(client, { depth: 9, showHidden: true }));
    await using artifact = await openArtifact(makeFirmware({ version: "2.0.0", length: 100_000 }), {
      version: "2.0.0",
    });
    for await (const outcome of client.pushMany(
      servers.map(({ device }) => device.id),
      artifact,
      { headers },
    )) {
      lines.push(printed(outcome), printed(outcome.record));
      const body = JSON.parse(JSON.stringify(outcome.record));
      const [kept] = await registry.reports.append([{ id: auth, device: outcome.device, kind: "delivery", body }]);
      expect(kept?.result).toMatch(/^(appended|known)$/);
    }
    for (const { device } of servers)
      await client.push(device.id, artifact, { headers }).then(
        (r) => lines.push(printed(r)),
        (e) => lines.push(printed(e)),
      );
  }
  return lines.join("\n");
}

it("leaves nothing of a password in what a client tells, nor in its registry's files", {
  timeout: 60_000,
}, async () => {
  const lines = await told(() => ({ username: "admin", password: new Secret(canary) }));
  // Something was told indeed: of logins that were taken, and of some that were not.
  expect(lines).toContain("updated");
  expect(lines).toContain("refused");
  expect(lines).toContain("connection_lost");
  expect(lines).toContain("flashwave-delivery-record/1");
  expectNone(lines);
  const files = (await readdir(folder)).filter((name) => name.startsWith("fleet.db"));
  expect(files.length).toBeGreaterThan(0);
  for (const name of files) expectNone((await readFile(join(folder, name))).toString("latin1"));
});

it("leaves nothing of a token, nor of a header", { timeout: 60_000 }, async () => {
  expectNone(await told(() => ({ token: new Secret(canary) }), { "x-key": canary }));
  expectNone(await told(() => ({ username: "admin", password: new Secret(canary) }), { "x-key": canary }));
});

const authority = createCertificateAuthority();
const admin = { username: "admin" } as const;

/** Any protocol, behind a bearer token (RFC 6750). */
function withToken(dialect: Dialect, token: string): Dialect {
  return {
    ...dialect,
    answer(device, endpoint, asked, effect) {
      if (asked.head.headers["authorization"] === `Bearer ${token}`) {
        return dialect.answer(device, endpoint, asked, effect);
      }
      const headers = { "www-authenticate": "Bearer" };
      return { reply: { status: 401, headers, body: "" }, outcome: "refused" };
    },
  };
}

/** A device that wants a login, and what a client needs to speak to it. */
interface Wanting {
  readonly kind: string;
  readonly delivery: (publisher: Publisher) => Delivery;
  readonly start: (password: string) => Promise<DeviceServer | RedfishDevice>;
  readonly device?: Pick<Device, "probe" | "profile">;
  /** It wants a token, not a name and a password. */
  readonly byToken?: true;
}
const about = { id: "dev-1", uptime: 3_600 } as const;
/** One of every protocol, each with a login of its own: in headers, within a form, in a query, or a session. */
const wanting: readonly Wanting[] = [
  {
    kind: "http",
    delivery: () => http(),
    start: (password) => startDeviceServer({ ...about, dialect: locked(password) }),
  },
  {
    kind: "http",
    delivery: () => http(),
    start: (token) => startDeviceServer({ ...about, dialect: withToken(plainDialect(defaultPaths), token) }),
    byToken: true,
  },
  {
    kind: "tus",
    delivery: () => tus(),
    start: (password) => startTusDevice({ ...about, login: { ...admin, password } }),
  },
  {
    kind: "swupdate",
    delivery: () => swupdate(),
    start: (password) => startSwupdate({ ...about, login: { ...admin, password } }),
    device: { probe: "http" },
  },
  {
    kind: "redfish",
    delivery: () => redfish(),
    start: (password) =>
      startRedfishDevice({ user: { name: "admin", password }, tls: authority.issue(), uptime: 3_600 }),
  },
  { kind: "axis", delivery: () => axis(), start: (password) => startAxis({ ...about, login: { ...admin, password } }) },
  { kind: "tasmota", delivery: () => tasmota(), start: (password) => startTasmota({ ...about, password }) },
  {
    kind: "tasmota",
    delivery: () => tasmota(),
    start: (password) => startTasmota({ ...about, password, loginInQueryOnly: true }),
    device: { profile: { options: { loginInQuery: true } } },
  },
  {
    kind: "shelly-gen1",
    delivery: (publisher) => shellyGen1({ publisher }),
    start: (password) => startShellyGen1({ ...about, password }),
  },
  {
    kind: "shelly-gen2",
    delivery: (publisher) => shellyGen2({ publisher }),
    start: (password) => startShellyGen2({ ...about, password }),
  },
];
const named = (some: readonly Wanting[]) =>
  some.map((one) => {
    const by = one.byToken ? " by a token" : one.device?.profile === undefined ? "" : " by its query";
    return [`${one.kind}${by}`, one] as const;
  });

it.each(named(wanting))(
  "leaves nothing of the login to %s, nor of its session",
  { timeout: 60_000 },
  async (_, one) => {
    const [lines, statuses, tokens]: [string[], string[], string[]] = [[], [], []];
    await using publisher = await createArtifactServer();
    await using artifact = await openArtifact(makeFirmware({ version: "2.0.0", length: 100_000 }), {
      version: "2.0.0",
    });
    for (const theirs of [canary, "another"]) {
      await using server = await one.start(theirs);
      await using client = fastClient({
        deliveries: [one.delivery(publisher)],
        ...(one.device?.probe && { probers: [httpProbe({ health: false })] }),
        tls: { ca: authority.cert },
        credentials: () => (one.byToken ? { token: new Secret(canary) } : { ...admin, password: new Secret(canary) }),
        onEvent: (event) => lines.push(printed(event)),
      });
      const device: Device = { id: "dev-1", address: server.url, ...one.device };
      const outcome = await client.update(device, artifact);
      statuses.push(outcome.status);
      lines.push(printed(outcome), printed(outcome.record), inspect(client, { depth: 9, showHidden: true }));
      for (const call of [() => client.inspect(device), () => client.push(device, artifact)])
        lines.push(printed(await call().catch((error: unknown) => error)));
      tokens.push(...tokensOf(server));
      expect(realms).toEqual(expect.arrayContaining(realmsOf(server)));
    }
    // Something was told indeed: of a login that was taken, and of one that was not.
    expect(statuses).toEqual(["updated", "failed"]);
    expect(tokens.length > 0).toBe(one.kind === "redfish");
    expectNone(lines.join("\n"), [...traces, ...tokens]);
  },
);

const headersTo = ({ device }: DeviceServer | RedfishDevice) => device.requests.map(({ headers }) => headers);
const tokensOf = (server: DeviceServer | RedfishDevice) =>
  headersTo(server).flatMap((headers) => headers["x-auth-token"] ?? []);
const realmsOf = (server: DeviceServer | RedfishDevice) =>
  headersTo(server).flatMap(({ authorization = "" }) => /^Digest .*realm="([^"]*)"/.exec(authorization)?.[1] ?? []);

/** Rows that no store may keep: a login in the headers of a device's own profile, and of a profile. */
async function writeLeaky(): Promise<readonly string[]> {
  const rows = {
    devices: [
      {
        id: "dev-1",
        address: "http://10.0.0.1",
        profile: { send: { headers: { Authorization: `Bearer ${canary}` } } },
      },
      { id: "dev-2", address: "http://10.0.0.1", profile: { inspect: { headers: { cookie: `session=${canary}` } } } },
    ],
    profiles: ["x-api-key", "Proxy-Authorization"].map((name) => {
      return { id: name, name, items: [{ purpose: "send", kind: "header", name, value: canary }] };
    }),
  };
  return Promise.all(
    Object.entries(rows).map(async ([name, some]) => {
      const path = join(folder, `leaky-${name}.ndjson`);
      await writeFile(path, some.map((row) => `${JSON.stringify(row)}\n`).join(""));
      return path;
    }),
  );
}

/** The command lines of one device of a store from its first to its last. */
async function linesOf({ kind, device = {}, byToken }: Wanting, urls: readonly string[], at: string) {
  const store = ["--store", join(at, "fleet.db")];
  const via = ["--via", kind];
  const probe = device.probe === undefined ? [] : ["--probe", device.probe];
  const options = Object.entries(device.profile?.options ?? {}).flatMap(([name, value]) => [
    "--option",
    `${name}=${value}`,
  ]);
  const login = byToken ? ["--token-file", "token"] : ["--user", "admin", "--password-file", "password"];
  const ca = kind === "redfish" ? ["--ca", join(folder, "ca.pem")] : [];
  const reach = ["--to", "dev-1", "--secrets", folder, "--permit", "127.0.0.0/8", ...ca, ...store];
  const [devices = "", profiles = ""] = await writeLeaky();
  const update = [
    "update",
    image,
    "--firmware-version",
    "2.0.0",
    "--attempts",
    "1",
    "--deadline",
    "2s",
    "--stable-for",
    "20ms",
    ...(kind === "redfish" ? [] : ["--no-health"]),
    ...reach,
  ];
  return [
    ["profile", "add", "p", ...via, ...options, ...store],
    ["device", "add", "dev-1", "--address", urls[0] ?? "", ...via, ...probe, "--profile", "p", ...login, ...store],
    ["device", "import", devices, ...store],
    ["profile", "import", profiles, "--json", ...store],
    [...update, "--record", join(at, "record.json"), "--json"],
    ["inspect", "--json", ...reach],
    ["device", "set", "dev-1", "--address", urls[1] ?? "", ...store],
    [...update, "--device-words", "--force"],
    ...["device", "profile"].flatMap((table) => [
      ...[[], ["--json"]].map((json) => [table, "show", table === "device" ? "dev-1" : "p", ...json, ...store]),
      [table, "list", "--json", ...store],
      ...["csv", "ndjson"].map((format) => [table, "export", "--format", format, ...store]),
    ]),
    ...[[], ["--json"]].map((json) => ["profile", "resolve", "dev-1", ...json, ...store]),
  ];
}

/** What each of these lines said, by its first two words. */
async function walk(lines: readonly (readonly string[])[]) {
  const said = new Map<string, string>();
  for (const line of lines) {
    const { code, out, err } = await runHere(line);
    expectNone(`${out}\n${err} `);
    const name = line.slice(0, 2).join(" ").replace(image, "");
    said.set(name, `${said.get(name) ?? ""}${code} ${out}\n`);
  }
  return said;
}

it.each(named(wanting))(
  "leaves nothing of the login to %s in a store, nor in what the command line says and exports of it",
  { timeout: 60_000 },
  async (_, one) => {
    await using taking = await one.start(canary);
    await using refusing = await one.start("another");
    const at = await mkdtemp(join(folder, "store-"));
    const said = await walk(await linesOf(one, [taking.url, refusing.url], at));
    expect(said.get("update ")).toMatch(/^0 .*"updated".*\n\n3 dev-1 /s);
    expect([taking.device.version, refusing.device.version]).toEqual(["2.0.0", "1.0.0"]);
    // The search is a search: where the login is kept is shown, exported and stored, all but the login.
    for (const name of ["device show", "device list", "device export"])
      expect(said.get(name)).toContain(one.byToken ? '"token"' : '"password"');
    expect(said.get("device import")).toBe("3 0 created, 0 updated, 2 refused.\n\n");
    expect(said.get("profile import")?.match(/"invalid_profile"/g)).toHaveLength(2);
    const tokens = tokensOf(taking);
    expect(tokens.length > 0).toBe(one.kind === "redfish");
    for (const told of said.values()) expectNone(told, tokens);
    const kept = await readdir(at);
    expect(kept).toEqual(expect.arrayContaining(["fleet.db", "record.json"]));
    for (const name of kept.filter((file) => file !== "fleet.db.artifacts"))
      expectNone((await readFile(join(at, name))).toString("latin1").padEnd(1), [...traces, ...tokens]);
  },
);

it("leaves nothing of what a reference leads to", { timeout: 60_000 }, async () => {
  const env = { FLASHWAVE_SECRET_A: canary, FLASHWAVE_SECRET_EMPTY: "", OTHER: canary };
  const found = referencedCredentials({ folder, env });
  const byName = (name: string) => ({ credentials: { username: "admin", password: { env: name } } });
  for (const password of [{ env: "FLASHWAVE_SECRET_A" }, { file: "password" }]) {
    const lines = await told(found, {}, { credentials: { username: "admin", password } });
    expect(lines).toContain("updated");
    expectNone(lines);
  }
  for (const held of [
    byName("OTHER"),
    byName("FLASHWAVE_SECRET_EMPTY"),
    { credentials: { token: { file: "../x" } } },
  ]) {
    const error = await thrown(() => found({ id: "a", address: "http://a", ...held }));
    expect(error).toMatchObject({ code: "credentials_failed" });
    expectNone(printed(error));
  }
});

describePostgres("a secret that is kept by reference", () => {
  it("stands nowhere in PostgreSQL's files, neither in its tables nor in its log", { timeout: 120_000 }, async () => {
    await using server = await startPostgres();
    const env = { FLASHWAVE_SECRET_A: canary };
    const byName = { username: "admin", password: { env: "FLASHWAVE_SECRET_A" } };
    const lines = await told(referencedCredentials({ env }), {}, { credentials: byName }, () =>
      openPostgresRegistry(server.url()),
    );
    expect(lines).toContain("updated");
    // The search is a search: what is kept is found, in both.
    expect(await filesHolding(server, ["FLASHWAVE_SECRET_A"])).toEqual(["base", "pg_wal"]);
    expect(await filesHolding(server, traces)).toEqual([]);
    await using registry = await openPostgresRegistry(server.url());
    await registry.devices.put([{ id: "leaky", address: "http://10.0.0.1", metadata: { note: canary } }]);
    expect(await filesHolding(server, traces)).toEqual(["base", "pg_wal"]);
  });
});

/** Folders of the server's data in which one of these texts stands, once all that is in memory was written. */
async function filesHolding(server: PostgresServer, texts: readonly string[]): Promise<readonly string[]> {
  const admin = new pg.Client(server.url());
  await admin.connect();
  await admin.query("CHECKPOINT");
  await admin.end();
  const data = join(server.folder, "data");
  const holding = new Set<string>();
  for (const { name, parentPath } of (await readdir(data, { recursive: true, withFileTypes: true })).filter((entry) =>
    entry.isFile(),
  )) {
    const path = join(parentPath, name);
    const bytes = await readFile(path);
    if (texts.some((text) => bytes.includes(text))) holding.add(relative(data, path).split(sep)[0] ?? "");
  }
  return [...holding].toSorted();
}

it("leaves nothing of a private key, of TLS or for signing, nor of its passphrase", { timeout: 60_000 }, async () => {
  const authority = createCertificateAuthority();
  const [device, own, other] = [authority.issue(), authority.issue({ use: "client" }), authority.issue()];
  /** Lines of a key's PEM that are nobody else's. */
  const linesOf = (pem: string) =>
    pem
      .split("\n")
      .filter((line) => /^[\w+/=]{16,}$/.test(line))
      .slice(1);
  expect(linesOf(own.key).length).toBeGreaterThan(0);
  const told: string[] = [];
  await using server = await startDeviceServer({ id: "pos-001", tls: device });
  await using artifact = await openArtifact(makeFirmware({ version: "2.0.0", length: 4_096 }), { version: "2.0.0" });
  for (const ca of [authority.cert, createCertificateAuthority("another").cert]) {
    await using client = fastClient({
      tls: { ca, cert: own.cert, key: own.key },
      onEvent: (event) => told.push(printed(event)),
    });
    const outcome = await client.update({ id: "pos-001", address: server.url }, artifact);
    told.push(
      outcome.status,
      printed(outcome),
      printed(outcome.record),
      inspect(client, { depth: 9, showHidden: true }),
    );
  }
  expect([told.includes("updated"), told.includes("failed")]).toEqual([true, true]);
  told.push(printed(await thrown(() => createClient({ tls: { cert: other.cert, key: own.key } }))));
  const passphrase = new Secret(canary);
  const keys = generateKeys(passphrase);
  told.push(printed(readPrivateKey(keys.privateKey, passphrase)));
  told.push(printed(await thrown(() => readPrivateKey(keys.privateKey, new Secret(`${canary}x`)))));
  told.push(printed(await thrown(() => readPrivateKey(keys.privateKey))));
  expectNone(told.join("\n"), [...traces, ...linesOf(own.key), ...linesOf(keys.privateKey)]);
  // On the command line, files included.
  vi.stubEnv("FLASHWAVE_TEST_PASSPHRASE", canary);
  const named = (name: string) => join(folder, name);
  await writeFile(named("wrong"), `${canary}x`);
  const sign = ["sign", image, "--key", named("boss.key"), "--firmware-version", "2.0.0", "--sequence", "1"];
  const codes: (number | null)[] = [];
  for (const line of [
    ["keygen", named("boss"), "--passphrase-env", "FLASHWAVE_TEST_PASSPHRASE"],
    [...sign, "--expires", "9d", "--passphrase-file", named("password")],
    [...sign, "--expires", "9d", "--passphrase-file", named("wrong")],
    [...sign, "--expires", "9d"],
    ["inspect", named("boss.key")],
  ]) {
    const { code, out, err } = await runHere(["artifact", ...line]);
    codes.push(code);
    expectNone(`${out}\n${err}`);
  }
  expect(codes).toEqual([0, 0, 2, 2, 2]);
  vi.unstubAllEnvs();
  expectNone(await readFile(named("boss.key"), "utf8"));
});

it("leaves nothing of a secret in whatever holds it", async () => {
  const secret = new Secret(canary);
  const holder = { list: [secret], map: new Map([[secret, secret]]), set: new Set([secret]), deep: { a: { secret } } };
  const whole = [
    printed(holder),
    printed(new Error("told", { cause: secret })),
    inspect(holder, { depth: 9, showHidden: true, customInspect: false, getters: true }),
    JSON.stringify({ ...secret, own: Reflect.ownKeys(secret), entries: Object.entries(secret) }),
    inspect(structuredClone(holder.deep), { depth: 9, showHidden: true }),
    serialize(holder.deep).toString("latin1"),
    `${secret}${[secret]}${String(Object(secret))}`,
  ];
  expect(whole[0]).toContain("[secret]");
  for (const what of whole) expectNone(what);
  // What it is for, all the same.
  expect(secret.reveal()).toBe(canary);
});

it("leaves nothing of a database's password, whatever is wrong with it", { timeout: 60_000 }, async () => {
  await using mute = await startMute();
  const opens = ["127.0.0.1:1/d", `127.0.0.1:${mute.port}/d`, "127.0.0.1:99999/d", "[/d", "127.0.0.1:1/d?sslmode=no"];
  for (const rest of opens) {
    const error = await thrown(() => openPostgresRegistry(`postgres://admin:${canary}@${rest}`));
    expect(error).toMatchObject({ code: expect.stringMatching(/^(?:registry_failed|invalid_option)$/) });
    expectNone(printed(error));
  }
  expect(mute.heard()).toBeGreaterThan(0);
  vi.stubEnv("FLASHWAVE_STORE", `postgres://admin:${canary}@127.0.0.1:1/d`);
  const store = ["--store", "postgres://admin@127.0.0.1:1/d", "--store-password-file", join(folder, "password")];
  for (const more of [[], store, ["--store", `postgres://admin:${canary}@127.0.0.1:1/d`]]) {
    const { code, out, err } = await runHere(["device", "list", ...more]);
    expect([2, 3]).toContain(code);
    expectNone(`${out}\n${err}`);
  }
  vi.unstubAllEnvs();
});

/** A database that hangs up. */
async function startMute(): Promise<AsyncDisposable & { readonly port: number; heard(): number }> {
  let heard = 0;
  const server = createServer((socket) => {
    heard++;
    socket.on("error", () => {}).once("data", () => socket.end());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    heard: () => heard,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

it("leaves nothing in the errors for what cannot be meant", async () => {
  const address = (text: string): Device => ({ id: "pos-001", address: text });
  await using client = fastClient();
  await using artifact = await openArtifact(new Uint8Array(8), { version: "2.0.0" });
  const pem = `-----BEGIN PRIVATE KEY-----\n${canary}\n-----END PRIVATE KEY-----\n`;
  const { privateKey } = generateKeys(new Secret("another"));
  const calls: readonly (() => unknown)[] = [
    () => client.push(address(`http://admin:${canary}@127.0.0.1`), artifact),
    () => client.push(address(`http://${canary}@127.0.0.1`), artifact),
    () => client.push(address(`http://127.0.0.1/?token=${canary}`), artifact),
    () => client.push(address("http://127.0.0.1"), artifact, { headers: { "x-key": `${canary}\r\n` } }),
    () => createClient({ tls: { cert: pem, key: pem } }),
    () => createClient({ tls: { key: pem } }),
    () => createClient({ credentials: canary as never }),
    () => createClient({ admission: { keys: [pem] } }),
    () => createClient({ admission: { keys: [], minisign: [canary] } }),
    () => fastClient({ credentials: () => canary as never }).push(address("http://127.0.0.1:9"), artifact),
    () => readPrivateKey(pem),
    () => readPrivateKey(privateKey, new Secret(canary)),
  ];
  for (const call of calls) expectNone(printed(await thrown(call)));
});

it("leaves nothing on standard output and error", { timeout: 60_000 }, async () => {
  await using taking = await startDeviceServer({ id: "taking", dialect: locked(canary) });
  await using refusing = await startDeviceServer({ id: "refusing", dialect: locked("another") });
  vi.stubEnv("FLASHWAVE_TEST_TOKEN", canary);
  const file = (name: string) => join(folder, name);
  const to = ["--to", taking.url, refusing.url, "--attempts", "1", "--deadline", "1s", "--stable-for", "20ms"];
  const update = ["update", image, "--firmware-version", "2.0.0"];
  const records = file("records");
  const lines: readonly (readonly string[])[] = [
    [...update, ...to, "--user", "admin", "--password-file", file("password"), "--record", records],
    [...update, ...to, "--user", "admin", "--password-file", file("password"), "--json", "--device-words", "--force"],
    [...update, ...to, "--token-env", "FLASHWAVE_TEST_TOKEN", "--json"],
    [...update, ...to, "--header", `authorization: Bearer ${canary}`],
    [...update, ...to, "--header", canary],
    [...update, ...to, "--option", canary],
    [...update, ...to, `--password=${canary}`],
    [...update, ...to, "--user", `admin:${canary}`],
    [...update, "--to", `http://admin:${canary}@127.0.0.1`],
    [...update, ...to, "--cert", file("tls.key"), "--key", file("tls.key")],
    [
      "push",
      image,
      ...to,
      "--user",
      "admin",
      "--password-file",
      file("password"),
      "--trusted-key",
      file("token"),
      "--minisign",
      file("token"),
    ],
    ["artifact", "sign", image, "--key", file("tls.key")],
    ["artifact", "inspect", file("tls.key")],
  ];
  const codes: (number | null)[] = [];
  for (const line of lines) {
    const { code, out, err } = await runHere(line);
    codes.push(code);
    expectNone(`${out}\n${err}`);
  }
  // The first three were sent with the canary, and told something of devices that took it, and of those that did not.
  expect(codes.slice(0, 2)).toEqual([3, 3]);
  expect(taking.device.version).toBe("2.0.0");
  const kept = await readdir(records);
  expect(kept).toHaveLength(2);
  for (const name of kept) expectNone(await readFile(join(records, name), "utf8"));
  vi.unstubAllEnvs();
});
