import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, it } from "vitest";
import { call, jsonLines } from "../../call.suite.ts";

const folder = mkdtempSync(join(tmpdir(), "flashwave-profile-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
let store = "";
beforeEach(() => {
  files += 1;
  store = join(folder, `${files}.db`);
});

const profile = (command: string, ...args: readonly string[]) => call("profile", command, ...args, "--store", store);
const device = (command: string, ...args: readonly string[]) => call("device", command, ...args, "--store", store);
const file = (name: string, value: unknown) => {
  const path = join(folder, `${files}-${name}`);
  writeFileSync(path, typeof value === "string" ? value : JSON.stringify(value));
  return path;
};
const resolved = async (...ids: string[]) => jsonLines(await profile("resolve", ...ids, "--json"));

it("resolves through fleet, group and device overrides, and says where each value comes from", async () => {
  await profile("add", "till", "--method", "PUT", "--path", "/fw", "--header", "X-Key: base", "--option", "chunk=5");
  await profile("override", "till", "--path", "/everywhere", "--id", "all");
  await profile("override", "till", "--group", "berlin", "--header", "x-key: berlin", "--no-health");
  await device("add", "a", "--address", "http://10.0.0.1", "--group", "berlin", "--profile", "till");
  await device("add", "b", "--address", "http://10.0.0.2", "--profile", "till");
  await device("add", "c", "--address", "http://10.0.0.3");
  const own = await profile("override", "till:group:berlin", "--device", "a", "--pattern", "v=(.*)");
  expect(own).toMatchObject({ code: 0, out: "till:group:berlin:device:a  created\n" });
  const [a, b, c] = await resolved("a", "b", "c");
  expect(a).toEqual({
    id: "a",
    profile: {
      send: { method: "PUT", path: "/everywhere", headers: { "x-key": "berlin" } },
      inspect: { pattern: "v=(.*)", headers: { "x-key": "berlin" } },
      health: false,
      options: { chunk: 5 },
    },
    layers: ["till", "all", "till:group:berlin", "till:group:berlin:device:a"],
    origins: {
      "/send/method": "till",
      "/send/path": "all",
      "/send/headers/x-key": "till:group:berlin",
      "/inspect/pattern": "till:group:berlin:device:a",
      "/inspect/headers/x-key": "till:group:berlin",
      "/health": "till:group:berlin",
      "/options/chunk": "till",
    },
  });
  expect([b.profile.send.headers, b.layers]).toEqual([{ "x-key": "base" }, ["till", "all"]]);
  expect(c).toEqual({ id: "c", profile: {}, layers: [], origins: {} });
  const { code, out } = await profile("resolve", "a", "c", "nobody");
  expect(code).toBe(3);
  expect(out).toMatch(/^a {2}till < all < till:group:berlin < till:group:berlin:device:a\n/);
  expect(out).toMatch(/^ {2}\/send\/path +\/everywhere +all$/m);
  expect(out).toMatch(/^c {2}no profile/m);
  expect(out).toMatch(/^nobody {2}unknown/m);
});

it("an override that only names a header brings nothing back that was taken away", async () => {
  await profile("add", "till", "--no-health", "--path", "/fw");
  await profile("override", "till", "--group", "g", "--header", "x: 1");
  await device("add", "a", "--address", "http://10.0.0.1", "--group", "g", "--profile", "till");
  expect((await resolved("a"))[0].profile).toMatchObject({ send: { path: "/fw", headers: { x: "1" } }, health: false });
});

it("changes what the options name, and nothing else", async () => {
  await profile("add", "p", "--path", "/a", "--pointer", "/v", "--header", "X: 1", "--header", "Y: 2", "--via", "http");
  const named = [
    "--method",
    "PUT",
    "--pattern",
    "v=(.*)",
    "--header",
    "x: 3",
    "--option",
    "resume=content-range",
    "--name",
    "Tills",
  ];
  expect(await profile("set", "p", ...named)).toMatchObject({ code: 0, out: "p  updated\n" });
  const [row] = jsonLines(await profile("show", "p", "--json"));
  expect(row).toMatchObject({
    name: "Tills",
    delivery: "http",
    requests: { send: { method: "PUT", path: "/a" }, inspect: { pattern: "v=(.*)" } },
    options: { resume: "content-range" },
  });
  const headers = row.items.filter(({ purpose }: { purpose: string }) => purpose === "send");
  expect(headers.map(({ name, value }: { name: string; value: string }) => `${name}=${value}`)).toEqual(["x=3", "y=2"]);
});

it("takes a file in the words of a device's profile, or as it shows one, and replaces all with it", async () => {
  const words = {
    name: "Tills",
    send: { method: "PUT", path: "/f", headers: { "X-A": "1" }, query: { slot: "b" }, form: { k: "v" } },
    inspect: { path: "/v", also: { digest: "/sha" }, checks: { "/ok": "yes" } },
    health: false,
    options: { chunk: 1 },
  };
  expect(await profile("add", "p", "--file", file("p.json", words))).toMatchObject({ code: 0 });
  await device("add", "a", "--address", "http://10.0.0.1", "--profile", "p");
  const { name: _, ...said } = words;
  expect((await resolved("a"))[0].profile).toEqual({ ...said, send: { ...said.send, headers: { "x-a": "1" } } });
  const [row] = jsonLines(await profile("show", "p", "--json"));
  const { requests, items, options } = row;
  await profile("set", "p", "--file", file("q.json", { send: { path: "/other" } }));
  expect((await resolved("a"))[0].profile).toEqual({ send: { path: "/other" } });
  await profile("set", "p", "--file", file("r.json", { requests, items, options }));
  expect((await resolved("a"))[0].profile.send.query).toEqual({ slot: "b" });
});

it("lists, exports and imports, and removes what no device names", async () => {
  await profile("add", "p");
  await profile("override", "p", "--group", "g");
  await profile("override", "p:group:g", "--group", "g", "--id", "deeper");
  await device("add", "a", "--address", "http://10.0.0.1", "--profile", "p");
  expect((await profile("list")).out).toBe(
    "deeper  overrides p:group:g for group g\np  base\np:group:g  overrides p for group g\n",
  );
  const ids = async (...args: string[]) => jsonLines(await profile("list", ...args, "--json")).map(({ id }) => id);
  expect(await ids("--kind", "base")).toEqual(["p"]);
  expect(await ids("--parent", "p", "--limit", "1")).toEqual(["p:group:g"]);
  for (const format of ["csv", "ndjson"]) {
    const { out } = await profile("export", "--format", format);
    const other = `${store}-${format}`;
    const path = file(`profiles.${format}`, out);
    expect(await call("profile", "import", path, "--store", other)).toMatchObject({ code: 0 });
    expect((await call("profile", "export", "--format", format, "--store", other)).out).toBe(out);
  }
  expect(await profile("remove", "p")).toMatchObject({
    code: 3,
    out: expect.stringContaining("devices still name it"),
  });
  expect(await ids()).toHaveLength(3);
  await device("remove", "a");
  expect(await profile("remove", "p", "nobody")).toMatchObject({
    code: 3,
    out: expect.stringMatching(/^p {2}removed\n/),
  });
  expect(await ids()).toEqual([]);
});

it.each<[string, readonly string[], number, string]>([
  ["the same id again", ["add", "p"], 3, "conflict"],
  [
    "a parent that is not there",
    ["override", "nobody"],
    3,
    "invalid_parent: parent must be the id of a profile of the store",
  ],
  [
    "a device that is not there",
    ["override", "p", "--device", "nobody"],
    3,
    "--device must be the id of a device of the store",
  ],
  ["a group and a device", ["override", "p", "--device", "a", "--group", "g"], 2, "exclude each other"],
  ["an override for more than its parent", ["override", "g", "--id", "wide"], 3, "invalid_scope"],
  ["its own parent", ["override", "own", "--id", "own"], 3, "invalid_parent"],
  ["a bad path", ["set", "p", "--path", "fw"], 3, "invalid_profile: --path must begin"],
  ["a bad pattern", ["set", "p", "--pattern", "("], 3, "invalid_profile: --pattern must be"],
  ["nothing to set", ["set", "p"], 2, "Say what to set"],
  ["a profile that is not there", ["set", "nobody", "--path", "/x"], 3, "the store holds nothing"],
  ["no JSON", ["add", "q", "--file", "TEXT"], 2, "is not JSON"],
  ["a list", ["add", "q", "--file", "LIST"], 2, "one JSON object"],
  ["a member that is none", ["add", "q", "--file", "MEMBER"], 2, "a member that it does not know"],
  ["a request that is none", ["add", "q", "--file", "REQUEST"], 3, "invalid_profile"],
  ["headers that are none", ["add", "q", "--file", "HEADERS"], 2, "the headers of send must be an object"],
  ["a file and options", ["add", "q", "--file", "TEXT", "--path", "/x"], 2, "exclude each other"],
  ["a kind that is none", ["list", "--kind", "deep"], 2, "--kind takes"],
  [
    "a login in a header",
    ["add", "q", "--header", "Authorization: Bearer CANARY"],
    3,
    'invalid_profile: --header must not be "authorization": a header of that name holds a login, and what is kept is shown and exported; flashwave device set says where',
  ],
  [
    "a login of a file",
    ["add", "q", "--file", "LOGIN"],
    3,
    'invalid_profile: send.headers["Proxy-Authorization"].name must not be "proxy-authorization"',
  ],
  ["a login of an override", ["override", "p", "--header", "X-Api-Key: CANARY"], 3, 'must not be "x-api-key"'],
  ["a login set later", ["set", "g", "--header", "COOKIE: CANARY"], 3, 'must not be "cookie"'],
])("%s is refused in one sentence, and nothing is written", async (_, args, code, sentence) => {
  await profile("add", "p", "--path", "/p");
  await profile("override", "p", "--group", "g", "--id", "g");
  const before = (await profile("export")).out;
  const contents: Readonly<Record<string, unknown>> = {
    TEXT: "CANARY",
    LIST: [],
    MEMBER: { sned: {} },
    REQUEST: { send: "CANARY" },
    HEADERS: { send: { headers: "CANARY" } },
    LOGIN: { send: { headers: { "Proxy-Authorization": "Basic CANARY" } } },
  };
  const given = args.map((word) => (word in contents ? file(word, contents[word]) : word));
  const ended = await profile(given[0] ?? "", ...given.slice(1));
  expect([ended.code, `${ended.out}${ended.err}`.split("\n").length]).toEqual([code, 2]);
  expect(ended.out + ended.err).toContain(sentence);
  expect(ended.out + ended.err).not.toContain("CANARY");
  expect((await profile("export")).out).toBe(before);
});

it("refuses a chain that is too deep, whole", async () => {
  await profile("add", "p0");
  const rows = Array.from({ length: 40 }, (_, i) => ({ id: `p${i + 1}`, name: "x", parent: `p${i}` }));
  const path = file("deep.ndjson", rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  const ended = await profile("import", path);
  expect(ended).toMatchObject({ code: 3, out: "32 created, 0 updated, 8 refused.\n" });
  expect(ended.err.split("\n").filter((line) => line.includes("invalid_parent"))).toHaveLength(8);
});

it.each<[string, readonly string[], string]>([
  ["an option that the kind has not", ["add", "q", "--via", "http", "--option", "foo=1"], '--option knows no "foo"'],
  ["one that does not fit", ["add", "q", "--via", "tus", "--option", "chunkBytes=1"], "--option chunkBytes must be"],
  ["a request that the kind has not", ["add", "q", "--via", "redfish", "--path", "/x"], 'knows no "send"'],
  ["one of a file", ["add", "q", "--file", "FILE"], '--file: options knows no "foo"'],
  ["a change of one", ["set", "typed", "--option", "foo=1"], '--option knows no "foo"'],
  ["a kind that it does not fit", ["set", "free", "--via", "axis"], '--option knows no "chunk"'],
  ["an override of one", ["override", "typed", "--option", "resume=content-range"], "needs --method to be PUT"],
  ["one of its group", ["override", "typed", "--group", "other", "--option", "resume=content-range"], "to be PUT"],
])("what its kind refuses is refused before it is stored: %s", async (_, args, sentence) => {
  await profile("add", "typed", "--via", "http", "--path", "/fw");
  await profile("override", "typed", "--group", "g", "--method", "PUT");
  await profile("add", "free", "--option", "chunk=5");
  const before = (await profile("export")).out;
  const path = file("q.json", { delivery: "http", options: { foo: 1 } });
  const ended = await profile(args[0] ?? "", ...args.slice(1).map((word) => (word === "FILE" ? path : word)));
  expect(ended).toMatchObject({ code: 2, out: "", err: expect.stringMatching(/^flashwave: [^\n]+\n$/) });
  expect(ended.err).toContain(sentence);
  expect((await profile("export")).out).toBe(before);
});

it("takes what its kind takes, together with what is overridden, and what is of a kind of somebody else's", async () => {
  expect(await profile("add", "gone", "--via", "http", "--option", "foo=1")).toMatchObject({ code: 2 });
  expect(existsSync(store)).toBe(false);
  await profile("add", "typed", "--via", "http", "--path", "/fw");
  await profile("override", "typed", "--group", "g", "--method", "PUT");
  await device("add", "a", "--address", "http://10.0.0.1", "--group", "g", "--profile", "typed");
  const resume = ["--option", "resume=content-range"];
  for (const whom of [
    ["--group", "g", "--id", "more"],
    ["--device", "a"],
  ])
    expect(await profile("override", "typed", ...whom, ...resume)).toMatchObject({ code: 0 });
  expect(await profile("add", "own", "--via", "gopher", "--option", "foo=1")).toMatchObject({ code: 0 });
});

it("imports the profiles that their kinds take, and says of each other where it stands", async () => {
  const rows = [
    { id: "a", name: "A", delivery: "http", options: { foo: 1 } },
    { id: "b", name: "B", delivery: "http", requests: { send: { path: "/b" } } },
    { id: "c", name: "C", parent: "b", scope: "group", group: "g" },
    { id: "d", name: "D", parent: "nobody" },
    ...["e", "f"].map((id) => ({
      id,
      name: id,
      ...(id === "f" && { parent: "b" }),
      items: [{ purpose: "send", kind: "header", name: "authorization", value: "CANARY" }],
    })),
  ];
  const path = file("rows.ndjson", rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  const ended = await profile("import", path);
  expect(ended).toMatchObject({ code: 3, out: "2 created, 0 updated, 4 refused.\n" });
  expect(ended.err).not.toContain("CANARY");
  expect(ended.err).toMatch(
    /^line 1: a: invalid_profile: options knows no "foo"[^\n]+\nline 4: d: invalid_parent: parent must be the id of a profile of the store\n(?:line [56]: [ef]: invalid_profile: items\[0\]\.name must not be "authorization": [^\n]+\n){2}$/,
  );
  expect((await profile("list")).out).toBe("b  B, base, for http\nc  C, overrides b for group g\n");
});

it("speaks of a file's faults in its words", async () => {
  const path = file("p.json", { send: { path: "fw" } });
  expect((await profile("add", "p", "--file", path)).out).toMatch(/^p {2}invalid_profile: send\.path must begin/);
  const bad = file("q.json", { send: { headers: { "x-a": "1", "x-b": "a\nb" } } });
  expect((await profile("add", "p", "--file", bad)).out).toContain('send.headers["x-b"].value must be');
});
