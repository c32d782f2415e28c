import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { openSqliteRegistry } from "../../../registry/sqlite/index.ts";
import { call, jsonLines } from "../../call.suite.ts";
import { run } from "../../run.suite.ts";

const folder = mkdtempSync(join(tmpdir(), "flashwave-device-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const pin = `sha256/${"A".repeat(43)}=`;
let files = 0;
let store = "";
beforeEach(() => {
  files += 1;
  store = join(folder, `${files}.db`);
});

const device = (command: string, ...args: readonly string[]) => call("device", command, ...args, "--store", store);
const file = (name: string, text: string) => {
  const path = join(folder, `${files}-${name}`);
  writeFileSync(path, text);
  return path;
};
const ids = async (...filter: string[]) => jsonLines(await device("list", ...filter, "--json")).map(({ id }) => id);

it("adds a device once, shows it, changes what is named and nothing else, and removes it", async () => {
  const named = ["--name", "Till 1", "--group", "berlin", "--site", "s1", "--location", "desk", "--via", "tus"];
  const more = ["--probe", "http", "--tag", "a", "--tag", "b", "--meta", "owner=x=y", "--pin", pin];
  expect(await device("add", "pos-1", "--address", "10.0.0.1", ...named, ...more)).toMatchObject({
    code: 0,
    out: "pos-1  created\n",
  });
  const again = await device("add", "pos-1", "--address", "http://10.0.0.9");
  expect(again).toMatchObject({ code: 3, out: expect.stringContaining("flashwave device set") });
  const registered = {
    id: "pos-1",
    address: "http://10.0.0.1",
    name: "Till 1",
    delivery: "tus",
    probe: "http",
    group: "berlin",
    site: "s1",
    location: "desk",
    tags: ["a", "b"],
    pins: [pin],
    metadata: { owner: "x=y" },
  };
  expect(jsonLines(await device("show", "pos-1", "--json"))).toMatchObject([{ ...registered, reports: [] }]);
  const set = await device("set", "pos-1", "--tag", "c", "--meta", "room=2", "--unset", "via", "--unset", "site");
  expect(set).toMatchObject({ code: 0, out: "pos-1  updated\n" });
  const { delivery: _, site: __, ...left } = registered;
  const [shown] = jsonLines(await device("show", "pos-1", "--json"));
  expect(shown).toMatchObject({ ...left, tags: ["c"], metadata: { owner: "x=y", room: "2" } });
  expect([shown.delivery, shown.site]).toEqual([undefined, undefined]);
  const text = (await device("show", "pos-1")).out;
  for (const word of ["Till 1", "berlin", "never", "revision 2"]) expect(text).toContain(word);
  expect(await device("remove", "pos-1", "nobody")).toMatchObject({
    code: 3,
    out: expect.stringMatching(/^pos-1 {2}removed\nnobody {2}unknown/),
  });
  expect(await ids()).toEqual([]);
});

it("lists what all filters choose, in the order of ids, up to a limit", async () => {
  await device("import", file("fleet.csv", "id,address,group,site,location,tags,name\n".concat(
    "a,http://10.0.0.1,g1,s1,l,x;y,Front\nb,http://10.0.0.2,g1,s2,,x,\nc,http://10.0.0.3,g2,s1,,,\nd,http://10.0.0.4,,,,,\n",
  ))); // biome-ignore format: a table
  const registry = await openSqliteRegistry(store);
  const now = Date.now();
  await registry.devices.observe([
    { id: "a", seenAt: now - 3_600_000, firmware: "1.10.0", status: "online" },
    { id: "b", seenAt: now - 60_000, firmware: "1.9.0", status: "offline" },
    { id: "c", seenAt: Date.UTC(2020, 0, 2), firmware: "2.0" },
  ]);
  await registry[Symbol.asyncDispose]();
  const cases: readonly (readonly [filter: string, found: string])[] = [
    ["", "abcd"],
    ["--group g1", "ab"],
    ["--group g1 --site s1", "a"],
    ["--tag x --tag y", "a"],
    ["--location l", "a"],
    ["--status online", "a"],
    ["--firmware-min 1.9.0 --firmware-below 2.0.0", "ab"],
    ["--firmware-above 1.9.0 --firmware-max 1.10.0", "a"],
    ["--firmware-min 1.9.0.1 --firmware-below v2.0.0.1", "ac"],
    ["--seen-before 30m", "ac"],
    ["--seen-after 30m", "b"],
    ["--seen-before 2020-01-03 --seen-after 2020-01-01T00:00:00Z", "c"],
    ["--match fRo", "a"],
    ["--profile p", ""],
    ["--limit 2", "ab"],
  ];
  for (const [filter, found] of cases) {
    const args = filter === "" ? [] : filter.split(" ");
    expect([filter, (await ids(...args)).join("")]).toEqual([filter, found]);
  }
  const { out } = await device("list", "--group", "g1");
  expect(out).toMatch(/^a {2}http:\/\/10\.0\.0\.1 {2}runs 1\.10\.0, online, seen \S+Z, group g1, site s1\nb /);
});

it("changes, shows and removes what comes down a pipe, as a list of a filter does", { timeout: 30_000 }, async () => {
  const rows = Array.from({ length: 1_201 }, (_, i) => `{"id":"d${i}","address":"http://a","group":"g${i % 2}"}\n`);
  await device("import", file("fleet.ndjson", rows.join("")));
  const listed = await device("list", "--group", "g1", "--ids");
  expect(listed.out.split("\n").slice(0, 2)).toEqual(["d1", "d1001"]);
  const piped = (text: string, command: string, ...args: string[]) =>
    run(["device", command, "-", ...args, "--store", store], (child) => child.stdin?.end(text));
  expect(await piped(listed.out, "set", "--site", "s1")).toMatchObject({
    ...{ code: 0, err: "" },
    out: expect.stringMatching(/^(d\d+ {2}updated\n){600}$/),
  });
  expect(await ids("--site", "s1")).toEqual(await ids("--group", "g1"));
  expect(await piped("d1\r\nnobody\n\n", "show", "--json")).toMatchObject({
    code: 3,
    out: expect.stringMatching(/^\{"id":"d1",.*\n\{"id":"nobody","result":"unknown",.*\n$/),
  });
  expect(await piped(listed.out, "remove")).toMatchObject({ code: 0 });
  expect(await ids()).toHaveLength(601);
  expect(await piped("", "remove")).toMatchObject({ code: 0, out: "", err: "" });
});

it("imports the good rows, says of each other where it stands and why, and ends with 3", async () => {
  const rows = "id,address\na,http://10.0.0.1\nb,ftp://secret\nc\nd,http://10.0.0.4\n";
  const ended = await device("import", file("rows.csv", rows));
  expect(ended).toMatchObject({ code: 3, out: "2 created, 0 updated, 2 refused.\n" });
  expect(ended.err).toMatch(/^line 3: b: invalid_address: [^\n]+\nline 4: c: malformed: [^\n]+\n$/);
  expect(ended.err).not.toContain("secret");
  const json = jsonLines(await device("import", file("rows.csv", rows), "--json"));
  expect(json).toMatchObject([
    { line: 3, id: "b", result: "invalid_address" },
    { line: 4, id: "c", result: "malformed" },
    { created: 0, updated: 2, refused: 2 },
  ]);
  expect(await ids()).toEqual(["a", "d"]);
});

it("says what was kept of a file that breaks off", async () => {
  const ended = await device("import", file("broken.csv", 'id,address\na,http://10.0.0.1\nb,"http://b\n'));
  expect(ended).toMatchObject({
    code: 3,
    out: "",
    err: expect.stringMatching(/a quote never closes\. 1 row had been imported\.\n$/),
  });
  const bad = await device("import", file("head.csv", "id,colour\na,red\n"));
  expect(bad).toMatchObject({ code: 2, err: expect.stringContaining("the first line must name columns") });
});

it("says in the words of the command line, or of the file, why a row is refused", async () => {
  const refused = async (...more: string[]) => (await device("add", "a", "--address", "http://10.0.0.1", ...more)).out;
  expect(await refused("--profile", "p")).toContain("--profile must be the id of a profile of the store");
  expect(await refused("--tag", "")).toContain("--tag must be at most 64");
  expect(await refused("--token-env", "1")).toContain("--token-env take the name of a variable");
  const rows = file("rows.csv", "id,address,profileId\nb,http://10.0.0.1,p\n");
  const imported = await device("import", rows);
  expect(imported.err).toContain("line 2: b: invalid_profile: profileId must be the id of a profile of the store");
});

it.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)("%s ends an import between two batches", async (signal, code) => {
  const rows = Array.from({ length: 700 }, (_, i) => `{"id":"d${i}","address":"http://a"}\n`).join("");
  const registryRows = async () => (existsSync(store) ? (await ids()).length : 0);
  const ended = run(["device", "import", "-", "--format", "ndjson", "--store", store, "--json"], async (child) => {
    child.stdin?.write(rows); // more than a batch, and no end of it
    while ((await registryRows().catch(() => 0)) < 600) await new Promise((resolve) => setTimeout(resolve, 50));
    child.kill(signal);
  });
  expect(await ended).toMatchObject({
    code,
    out: "",
    err: expect.stringMatching(/: 600 rows had been imported\. Import/),
  });
  expect(await registryRows()).toBe(600);
});

it("keeps no login that a device's own profile has in a header, and says where it belongs", async () => {
  const profile = (headers: object) => ({ send: { headers } });
  const rows = [
    { id: "a", address: "http://10.0.0.1", profile: profile({ Authorization: "Bearer CANARY" }) },
    { id: "b", address: "http://10.0.0.2", profile: profile({ "x-key": "1" }) },
  ];
  const path = file("own.ndjson", rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  const ended = await device("import", path);
  expect(ended).toMatchObject({ code: 3, out: "1 created, 0 updated, 1 refused.\n" });
  expect(ended.err).toMatch(
    /^line 1: a: invalid_profile: profile\.send\.headers must not hold "authorization": [^\n]*a device's credentials say where its login is to be found[^\n]*\n$/,
  );
  const said = await Promise.all([device("show", "b"), device("export"), device("list", "--json")]);
  expect(ended.err + said.map(({ out }) => out).join("")).not.toContain("CANARY");
  expect(await ids()).toEqual(["b"]);
});

it("exports what import reads, formulas as text", async () => {
  await device("add", "a", "--address", "http://10.0.0.1", "--name", '=1+"1"', "--tag", "@x");
  for (const format of ["csv", "ndjson"]) {
    const { out } = await device("export", "--format", format);
    const path = file(`out.${format}`, out);
    expect(await call("device", "import", path, "--store", `${store}-${format}`)).toMatchObject({ code: 0 });
    expect((await call("device", "export", "--format", format, "--store", `${store}-${format}`)).out).toBe(out);
  }
  const { out } = await device("export");
  expect(out).toContain(`a,http://10.0.0.1,"'=1+""1""",`);
  expect(out).toContain(",'@x,");
  expect((await device("export", "--group", "nobody")).out.split("\r\n")).toHaveLength(2);
});

it("holds no more of a file than a batch of its rows", { timeout: 60_000 }, async () => {
  const rows = 1_000;
  const metadata = JSON.stringify(Object.fromEntries(["a", "b", "c", "d"].map((name) => [name, "x".repeat(3_900)])));
  const lines = Array.from({ length: rows }, (_, i) => `{"id":"d${i}","address":"http://a","metadata":${metadata}}\n`);
  const path = file("large.ndjson", lines.join(""));
  // 15 MB of text through a heap that could not hold it beside its rows.
  const env = { ...process.env, NODE_OPTIONS: "--max-old-space-size=24", FLASHWAVE_STORE: store };
  const imported = await run(["device", "import", path], undefined, env);
  expect(imported).toMatchObject({ code: 0, out: `${rows} created, 0 updated, 0 refused.\n` });
});

it("shows nothing of a store that moves a terminal's cursor", async () => {
  const registry = await openSqliteRegistry(store);
  await registry.devices.put([{ id: "a", address: "http://a", metadata: { note: "line\nbreak" } }]);
  await registry.reports.append([{ id: "1", device: "a", kind: "log", body: "\u001b[2J\u202Eevil" }]);
  await registry[Symbol.asyncDispose]();
  for (const args of [["show", "a"], ["show", "a", "--json"], ["list", "--json"], ["list"]]) {
    const { out } = await device(args[0] ?? "", ...args.slice(1));
    expect(out).not.toMatch(/[^\P{C}\n]/u);
    expect(out.split("\n").length).toBeLessThan(20);
  }
  expect(jsonLines(await device("show", "a", "--json"))[0].reports).toMatchObject([{ body: "\u001b[2J\u202Eevil" }]);
});

describe("bad input is one clear sentence, and nothing is written", () => {
  const text = "id,address\n";
  it.each<[string, readonly string[], number, string]>([
    ["no store", ["device", "list"], 2, "Give --store"],
    ["an empty store", ["device", "list", "--store", ""], 2, "--store is empty"],
    ["a store that is not there", ["device", "list", "--store", "STORE"], 2, "there is no fleet at"],
    [
      "a folder that is not there",
      ["device", "add", "a", "--address", "b", "--store", "STORE/x/y"],
      2,
      "there is no folder",
    ],
    ["a fleet of a file", ["device", "list", "--store", "SOME", "--fleet", "b"], 2, "an SQLite file is one fleet"],
    ["a store of another network", ["device", "list", "--store", "mysql://u:CANARY@h/db"], 2, "not a mysql URL"],
    [
      "a password for all to see",
      ["device", "list", "--store", "postgres://u:CANARY@127.0.0.1/d"],
      2,
      "takes no password",
    ],
    ["a database that nobody keeps", ["device", "list", "--store", "postgres://u@127.0.0.1:1/d"], 3, "flashwave: "],
    [
      "a password for a file",
      ["device", "list", "--store", "SOME", "--store-password-file", "x"],
      2,
      "goes with a store",
    ],
    ["a folder for a store", ["device", "list", "--store", "FOLDER"], 2, "is a folder"],
    ["a folder to keep it in", ["device", "add", "b", "--address", "c", "--store", "FOLDER"], 2, "is a folder"],
    [
      "a pin that is none",
      ["device", "add", "b", "--address", "c", "--pin", "CANARY", "--store", "SOME"],
      2,
      "A pin is",
    ],
    ["another such pin", ["device", "set", "a", "--pin", "CANARY", "--store", "SOME"], 2, "A pin is"],
    ["no id", ["device", "show", "--store", "SOME"], 2, "flashwave: missing required argument 'id'"],
    [
      "an option that is none",
      ["device", "set", "a", "--password=CANARY"],
      2,
      "flashwave: unknown option '--password'",
    ],
    ["one of profiles", ["profile", "set", "a", "--token=CANARY"], 2, "flashwave: unknown option '--token'"],
    ["no address", ["device", "add", "a", "--store", "STORE"], 2, "Give --address"],
    ["an address that is none", ["device", "add", "a", "--address", "ftp://x", "--store", "NEW"], 3, "invalid_address"],
    ["nothing to set", ["device", "set", "a", "--store", "STORE"], 2, "Say what to set"],
    ["a field that is none", ["device", "set", "a", "--unset", "id", "--store", "SOME"], 2, "--unset takes one of"],
    ["a pipe and ids", ["device", "set", "-", "a", "--name", "x", "--store", "SOME"], 2, "- stands for all ids"],
    ["ids as JSON", ["device", "list", "--ids", "--json", "--store", "SOME"], 2, "--ids and --json exclude"],
    ["an empty file for a store", ["device", "list", "--store", "EMPTY"], 2, "there is no fleet at"],
    ["a list without a header to import", ["device", "import", "TEXT.csv", "--store", "STORE"], 2, "must name columns"],
    ["set and unset", ["device", "set", "a", "--name", "x", "--unset", "name", "--store", "SOME"], 2, "exclude each"],
    ["a file that is not there", ["device", "import", "no.csv", "--store", "STORE"], 2, "could not be read (ENOENT)"],
    ["a folder", ["device", "import", "FOLDER", "--format", "csv", "--store", "NEW"], 2, "could not be read (EISDIR)"],
    ["a file of no format", ["device", "import", "x.txt", "--store", "STORE"], 2, "Give --format"],
    ["a format that is none", ["device", "export", "--format", "xml", "--store", "SOME"], 2, "--format takes"],
    ["a status that is none", ["device", "list", "--status", "up", "--store", "SOME"], 2, "--status takes"],
    ["no version", ["device", "list", "--firmware-below", "x.y", "--store", "SOME"], 2, "--firmware-below takes"],
    ["half a version", ["device", "list", "--firmware-min", "2.", "--store", "SOME"], 2, "such as 2.4.0"],
    ["a name", ["device", "list", "--firmware-min", "r7", "--store", "SOME"], 2, "such as 2.4.0"],
    [
      "a kind that there is not",
      ["device", "add", "b", "--address", "http://10.0.0.9", "--via", "nope", "--store", "SOME"],
      2,
      'no kind "nope" for --via; there are http,',
    ],
    [
      "a probe that there is not",
      ["device", "set", "a", "--probe", "nope", "--store", "SOME"],
      2,
      'kind "nope" for --probe',
    ],
    ["a moment that is none", ["device", "list", "--seen-before", "soon", "--store", "SOME"], 2, "--seen-before takes"],
    ["a limit that is none", ["device", "list", "--limit", "0", "--store", "SOME"], 2, "--limit takes"],
    [
      "metadata that is none",
      ["device", "add", "b", "--address", "c", "--meta", "x", "--store", "SOME"],
      2,
      "name=value",
    ],
    ["an argument too many", ["device", "list", "all", "--store", "SOME"], 2, "1 argument too many"],
    ["a command that is none", ["device", "frob"], 2, "unknown command"],
    ["a store of a newer version", ["device", "list", "--store", "NEWER"], 3, "use a newer Flashwave"],
    ["another program's database", ["device", "add", "b", "--address", "c", "--store", "OTHER"], 3, "another program"],
    ["another program's file", ["device", "list", "--store", "TEXT"], 3, "not an SQLite database"],
  ])("%s", async (_, args, code, sentence) => {
    const some = `${store}-some`;
    await call("device", "add", "a", "--address", "b", "--store", some);
    const other = file("text", text);
    using newer = new DatabaseSync(`${store}-newer`);
    newer.exec("PRAGMA application_id = 1179407176; PRAGMA user_version = 99");
    using foreign = new DatabaseSync(`${store}-foreign`);
    foreign.exec("CREATE TABLE IF NOT EXISTS theirs (x)");
    const places: Readonly<Record<string, string>> = {
      NEW: `${store}-new`,
      SOME: some,
      TEXT: other,
      "TEXT.csv": file("head.csv", "colour\nred\n"),
      EMPTY: file("blank.db", ""),
      FOLDER: folder,
      NEWER: `${store}-newer`,
      OTHER: `${store}-foreign`,
    };
    const before = (await call("device", "show", "a", "--json", "--store", some)).out;
    const ended = await call(...args.map((word) => places[word] ?? word.replace("STORE", store)));
    expect([ended.code, `${ended.out}${ended.err}`.split("\n").length]).toEqual([code, 2]);
    expect(ended.out + ended.err).toContain(sentence);
    expect(ended.out + ended.err).not.toContain("CANARY");
    expect((await call("device", "show", "a", "--json", "--store", some)).out).toBe(before);
    expect(existsSync(store)).toBe(false);
    expect(readdirSync(folder).filter((name) => name.includes("y"))).toEqual([]);
  });
});
