import fc from "fast-check";
import { describe, expect } from "vitest";
import { http } from "../../src/delivery/http/index.ts";
import { redfish } from "../../src/delivery/redfish/index.ts";
import { swupdate } from "../../src/delivery/swupdate/index.ts";
import { tus } from "../../src/delivery/tus/index.ts";
import { isUploadPath } from "../../src/delivery/tus/location.ts";
import { webUpload } from "../../src/delivery/web-upload/index.ts";
import { type ClientOptions, createClient, type Device, openArtifact, type Profile } from "../../src/index.ts";
import { checkToken, isReceiptOf } from "../../src/push/shapes.ts";
import { createMemoryRegistry } from "../../src/registry/memory/index.ts";
import { bent } from "./bent.ts";
import { fuzzLaterTest, fuzzTest, judge, judgeLater } from "./kit.ts";

/** Anything that a caller without types, or a stored JSON, may hand over. */
const anything = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom<unknown>(
      undefined,
      null,
      0,
      -1,
      1,
      1.5,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      2 ** 53,
      true,
      "",
    ),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom<unknown>(
      [],
      {},
      () => undefined,
      Symbol.iterator,
      1n,
      new Date(0),
      new Map(),
      "__proto__",
      ["127.0.0.1"],
    ),
  },
  fc.anything({ maxDepth: 2, maxKeys: 3 }),
);

/** An object of known names and others, each with a value that fits, or with anything. */
function shapeOf(fitting: Readonly<Record<string, readonly unknown[]>>): fc.Arbitrary<Record<string, unknown>> {
  const entry = fc.constantFrom(...Object.keys(fitting)).chain((name) => {
    const fits = fc.constantFrom(...(fitting[name] ?? []));
    return fc.tuple(fc.constant(name), fc.oneof({ weight: 5, arbitrary: fits }, { weight: 1, arbitrary: anything }));
  });
  const odd = fc.tuple(fc.constantFrom("__proto__", "constructor", "tolerate", "Timeouts"), anything);
  return fc
    .array(fc.oneof({ weight: 12, arbitrary: entry }, { weight: 1, arbitrary: odd }), { maxLength: 4 })
    .map((entries) => Object.fromEntries(entries));
}

const clientOptions = shapeOf({
  timeouts: [{}, { connect: 5 }, { stall: 0 }, { response: 1e9 }, { minimumRate: 1 }, { conect: 1 }],
  limits: [{}, { inFlight: 1 }, { connections: 0 }, { bytesPerSecond: Number.POSITIVE_INFINITY }, { responseBytes: 1 }],
  retry: [{}, { attempts: 1 }, { attempts: 0 }, { base: 0, cap: 0 }, { cap: -1 }],
  verification: [{}, { deadline: 1 }, { stableFor: 0 }, { newBoot: false }, { newBoot: "no" }],
  addressPolicy: [
    {},
    { permit: ["127.0.0.0/8"] },
    { only: ["10.0.0.0/8"] },
    { deny: ["::/0"] },
    { permit: ["1.2.3"] },
    { deny: "x" },
  ],
  tls: [
    {},
    { minVersion: "TLSv1.2" },
    { minVersion: "SSLv3" },
    { pins: [] },
    { pins: ["sha256/x"] },
    { ca: "x" },
    { cert: "x" },
  ],
  deliveries: [[], [http()], [http(), http()], [{}], [null]],
});

describe("options", () => {
  fuzzLaterTest(
    "of createClient are taken or refused, and nothing is opened",
    30_000,
    clientOptions,
    async (options) => {
      const verdict = judge(() => createClient(options as ClientOptions));
      if ("value" in verdict) {
        expect(verdict.value.statistics()).toMatchObject({ connections: 0, opened: 0 });
        await verdict.value.close();
      }
      return verdict;
    },
  );

  const artifactOptions = shapeOf({
    name: ["fw.bin", "", "a/b", "x\r\n", "n".repeat(300)],
    version: ["1.0.0", "", "1\n", "v".repeat(300), 7],
    digest: ["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "ff".repeat(32), "sha256:x", ""],
    hardware: [[], ["board"], "board", [7]],
    cacheBytes: [0, 1_000, -1],
    frozen: [true, false],
    allowEmpty: [true, false],
  });
  const sources = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.constantFrom<unknown>(Buffer.from("test"), new Uint8Array(0), new Blob(["test"]), ["test"]),
    },
    { weight: 1, arbitrary: fc.oneof(anything, fc.constantFrom("http://x/y", "", "\0", "/nowhere/at/all")) },
  );
  fuzzLaterTest(
    "of openArtifact are taken or refused",
    20_000,
    fc.tuple(sources, artifactOptions),
    async ([source, options]) => {
      const verdict = await judgeLater(() => openArtifact(source as Uint8Array, options as object));
      if ("value" in verdict) await verdict.value[Symbol.asyncDispose]();
      return verdict;
    },
  );
});

const request = shapeOf({
  method: ["PUT", "POST", "get", "TRACE", "A B"],
  path: ["/update", "update", "http://x/", "/../x", "/a?b=%", "/\r\n"],
  headers: [{}, { "x-a": "1" }, { host: "x" }, { "x-a": "\r\n" }, { A: 1 }],
  query: [{}, { a: "b&c=d" }, { a: 1 }],
  form: [{}, { a: "b" }],
  json: ['{"a":1}', "{", ""],
  checks: [{}, { "/status": "ok" }, { status: "ok" }],
});
const inspect = shapeOf({
  path: ["/version", "//x"],
  pointer: ["/version", "version", "/~2", "/a".repeat(50)],
  text: [true, false],
  pattern: ["v(.+)", "(", "(a+)+$", "x".repeat(2_000)],
  also: [{}, { digest: "/digest" }, { uptime: "/up", bootId: "b" }, { nothing: "/x" }],
});
const profile = fc
  .record(
    {
      send: request,
      inspect: fc.oneof(inspect, fc.constant(false)),
      activate: request,
      health: fc.oneof(request, fc.constant(false)),
      options: shapeOf({
        auth: ["auto", "basic", "none"],
        part: [65_536, 1],
        trial: [60, -1],
        chunkBytes: [0, 262_144],
        contentType: ["a/b", "a"],
      }),
    },
    { requiredKeys: [] },
  )
  .map((given) => given as Profile);

const kinds = [http(), tus(), swupdate(), redfish(), webUpload()];
// What binds does no I/O: whatever is in a profile, a context that can do nothing is enough.
const context = { origin: "http://10.0.0.12", clock: undefined, transport: undefined } as never;

describe("profiles", () => {
  fuzzTest(
    "are bound or refused by each adapter, before anything is sent",
    60_000,
    fc.tuple(fc.constantFrom(...kinds), profile),
    ([kind, given]) => {
      const device: Device = { id: "pos-001", address: "http://10.0.0.12", profile: given };
      return judge(() => {
        kind.prober?.bind(device, context);
        return kind.bind(device, context).traits;
      });
    },
  );
});

const row = shapeOf({
  id: ["pos-1", "", "x".repeat(300), "\u202e", 7],
  address: ["http://10.0.0.12", "10.0.0.12", "http://u:p@h", "http://10.0.0.12/path"],
  group: ["g", ""],
  tags: [["a"], ["a", "a"], "a", [1]],
  pins: [[], ["x"]],
  metadata: [{}, { a: "b" }, { a: 1 }, JSON.parse('{"__proto__":"x"}')],
  profile: [{}, { send: { path: "/x" } }, { send: 7 }, JSON.parse('{"__proto__":{"send":{}}}')],
  ifRevision: [0, 1, -1, 1.5],
});
const filter = shapeOf({
  ids: [[], ["pos-1"], "pos-1"],
  status: ["online", ["offline"], "gone"],
  tags: [["a"], [1]],
  firmware: [{ min: "1.0.0" }, { least: "1" }, {}],
  seenBefore: [5, 0.5],
  text: ["x", ""],
});

describe("a registry", () => {
  fuzzLaterTest(
    "takes rows or says why not, one by one",
    20_000,
    fc.array(fc.oneof({ weight: 9, arbitrary: row }, { weight: 1, arbitrary: anything }), { maxLength: 3 }),
    async (rows) => {
      await using registry = createMemoryRegistry();
      const verdict = await judgeLater(() => registry.devices.put(rows as never));
      if (!("value" in verdict)) return verdict;
      const taken = verdict.value.filter(({ result }) => result === "created" || result === "updated");
      expect(verdict.value).toHaveLength(rows.length);
      const { items } = await registry.devices.page({});
      expect(items.length).toBeLessThanOrEqual(taken.length);
      for (const item of items) expect(item.address).toMatch(/^https?:\/\/[^/@]+$/);
      return taken.length > 0 || rows.length === 0 ? verdict : { refused: "all" };
    },
  );

  fuzzLaterTest(
    "answers a filter and a cursor, or refuses it",
    30_000,
    fc.tuple(filter, fc.oneof(fc.string(), fc.base64String(), anything)),
    async ([given, cursor]) => {
      await using registry = createMemoryRegistry();
      const page = await judgeLater(() => registry.devices.page(given as never));
      const foreign = await judgeLater(() => registry.devices.changes(cursor as never));
      expect("refused" in foreign, "a cursor that was never issued").toBe(true);
      return page;
    },
  );
});

const artifact = await openArtifact(Buffer.from("firmware"), { version: "2.0.0" });

describe("what a caller kept and brings back", () => {
  const { digest, length } = artifact;
  const work = { id: "pos-001", origin: "http://10.0.0.12", delivery: "tus" };
  const token = JSON.stringify({
    ...{ delivery: "tus", device: work.id, origin: work.origin, digest, length, offset: 4 },
    state: { upload: "/files/1" },
  });
  const receipt = JSON.stringify({
    device: work.id,
    artifact: artifact.ref,
    startedAt: 5,
    before: { version: "1.0.0" },
  });

  /** The JSON it is, or nothing. */
  const parsed = (bytes: Buffer): unknown => {
    try {
      return JSON.parse(bytes.toString("utf8"));
    } catch {
      return undefined;
    }
  };

  fuzzTest("is a token of this push, or none", 40_000, bent([token, receipt]), (bytes) => {
    const given = parsed(bytes);
    if (given === undefined) return { refused: "no JSON" };
    return judge(() => {
      checkToken(given, work, artifact);
      const kept = given as Record<string, unknown>;
      expect(kept).toMatchObject({ device: work.id, origin: work.origin, digest, length });
      const { upload } = kept["state"] as { readonly upload?: string };
      if (upload !== undefined && isUploadPath(upload)) expect(new URL(upload, work.origin).origin).toBe(work.origin);
      return kept;
    });
  });

  fuzzTest("is a receipt of this send, or none", 40_000, bent([receipt, token]), (bytes) => {
    const given = parsed(bytes);
    const ours = given !== undefined && isReceiptOf(given as object | null, work.id, artifact);
    if (ours) expect(given).toMatchObject({ device: work.id, artifact: { digest } });
    return ours ? { value: given } : { refused: "another's" };
  });
});
