import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, expect, it, vi } from "vitest";
import { startEsphome, startRedfishDevice } from "../../../mocks/index.ts";
import { call, jsonLines } from "../call.suite.ts";
import { hasty, Rig } from "../run.suite.ts";
import { readFleet } from "./fleet.ts";

/* Devices of a store: how they are chosen, spoken to and recorded. */

const folder = mkdtempSync(join(tmpdir(), "flashwave-store-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
let store = "";
let rig: Rig;
beforeEach(() => {
  files += 1;
  store = join(folder, `${files}.db`);
  rig = new Rig();
});
afterEach(() => rig[Symbol.asyncDispose]());

const loopback = ["--permit", "127.0.0.0/8"];
const stored = (...args: readonly string[]) => call(...args, "--store", store);
const add = (id: string, address: string, ...more: string[]) =>
  stored("device", "add", id, "--address", address, ...more);
const as2 = ["--firmware-version", "2.0.0", ...hasty, ...loopback, "--json"];
const show = async (id: string) => jsonLines(await stored("device", "show", id, "--json"))[0];

it("updates devices by id, over HTTP and by a web form, as their profiles say, and records what was proven", async () => {
  const till = await rig.device({ id: "till", paths: { update: "/fw", version: "/api/info" } });
  await using form = await startEsphome({ id: "form" });
  await stored("profile", "add", "tills", "--path", "/wrong", "--version-path", "/api/info");
  await stored("profile", "override", "tills", "--group", "berlin", "--path", "/fw", "--header", "X-Key: k");
  await stored("profile", "add", "forms", "--header", "X-Form: yes", "--via", "esphome");
  await add("till", till.url, "--profile", "tills", "--group", "berlin");
  await add("form", form.url, "--profile", "forms", "--via", "esphome");
  const ended = await stored("update", await rig.image(), "--to", "till", "form", ...as2);
  const outcomes = jsonLines(ended).toSorted((a, b) => a.device.localeCompare(b.device));
  expect([ended.code, ended.err.includes("flashwave:"), outcomes]).toMatchObject([
    0,
    false,
    [
      { device: "form", status: "updated" },
      { device: "till", status: "updated", evidence: { version: "2.0.0", newBoot: "seen" } },
    ],
  ]);
  expect([till.device.version, form.device.version]).toEqual(["2.0.0", "2.0.0"]);
  expect(till.device.requests.every(({ headers }) => headers["x-key"] === "k")).toBe(true);
  expect(form.device.requests.every(({ headers }) => headers["x-form"] === "yes")).toBe(true);
  for (const id of ["till", "form"]) {
    const row = await show(id);
    expect(row).toMatchObject({ firmware: "2.0.0", status: "online", evidence: { device: id, version: "2.0.0" } });
    expect(row.reports).toMatchObject([{ kind: "delivery", body: { status: "updated" } }]);
    const shown = (await stored("device", "show", id)).out;
    expect(shown).toMatch(
      /^ {2}\S+Z {2}delivery {2}updated: fw\.bin 2\.0\.0, 1 attempt, .*\n {6}runs 2\.0\.0, proved by/m,
    );
  }
});

it("chooses by filters and all, records what was read, and says which part of the fleet failed", async () => {
  const [a, b] = [await rig.device({ id: "a", version: "1.0.0" }), await rig.device({ id: "b", version: "1.5.0" })];
  await add("a", a.url, "--group", "g", "--tag", "x");
  await add("b", b.url, "--site", "s", "--tag", "x", "--tag", "y");
  // Of a kind of somebody else's: the command line takes none that it has not, but what a file says is kept.
  writeFileSync(join(folder, "c.csv"), `id,address,delivery\nc,${a.url},gopher\n`);
  await stored("device", "import", join(folder, "c.csv"));
  const read = async (...flags: string[]) => {
    const ended = await stored("inspect", ...flags, ...loopback, "--json");
    return [
      ended.code,
      jsonLines(ended)
        .map(({ device, status, error }) => `${device} ${error?.code ?? status}`)
        .sort(),
    ];
  };
  expect(await read("--group", "g")).toEqual([0, ["a read"]]);
  expect(await read("--tag", "x", "--tag", "y")).toEqual([0, ["b read"]]);
  expect(await read("--site", "s")).toEqual([0, ["b read"]]);
  expect(await read("--firmware-above", "1.0.0")).toEqual([0, ["b read"]]);
  expect(await read("--all")).toEqual([3, ["a read", "b read", "c unknown_delivery"]]);
  expect(await show("a")).toMatchObject({ firmware: "1.0.0", status: "online" });
  expect((await show("c")).lastSeen).toBeUndefined();
});

it("verify records its evidence, push claims nothing", async () => {
  const device = await rig.device({ id: "a", version: "1.0.0" });
  await add("a", device.url);
  const image = await rig.image();
  expect(await stored("push", image, "--to", "a", ...loopback, "--quiet")).toMatchObject({ code: 0 });
  const row = await show("a");
  expect([row.evidence, row.reports[0].body.status]).toEqual([undefined, "sent"]);
  expect(await stored("verify", image, "--to", "a", ...as2)).toMatchObject({ code: 0 });
  expect((await show("a")).evidence).toMatchObject({ version: "2.0.0", newBoot: "not-checked" });
});

it("takes an address beside the store as it is typed, and records nothing of it, whatever it is called", async () => {
  const [kept, other] = [await rig.device({ id: "a" }), await rig.device({ id: "a", version: "9.0.0" })];
  await add("a", kept.url);
  expect(await stored("inspect", "--to", `a=${other.url}`, "--json")).toMatchObject({ code: 0 });
  const typed = ["--to", other.url, "--firmware-version", "2.0.0", "--id", "a", ...hasty, "--json"];
  expect(jsonLines(await stored("update", await rig.image(), ...typed))).toMatchObject([{ status: "updated" }]);
  const row = await show("a");
  expect([row.firmware, row.evidence, row.reports]).toEqual([undefined, undefined, []]);
});

it("speaks the usual way with who names none, whatever the first device speaks", async () => {
  const device = await rig.device({ id: "z" });
  await using form = await startEsphome({ id: "a" });
  await add("a", form.url, "--via", "esphome");
  await add("z", device.url);
  const ended = await stored("push", await rig.image(), "--all", ...loopback, "--json");
  expect([ended.code, jsonLines(ended).map(({ status }) => status)]).toEqual([0, ["sent", "sent"]]);
  expect(device.device.requests.map(({ endpoint }) => endpoint)).toContain("update");
});

it.each<[string, readonly string[], string]>([
  ["a device that is not there", ["--to", "nobody"], 'the store holds no device "nobody"'],
  ["a bare address", ["--to", "127.0.0.1"], "an address begins with http:// here"],
  ["the same id twice", ["--to", "a", "a"], 'the device "a" is named twice'],
  ["one by id and address", ["--to", "a", "a=http://127.0.0.1:1"], "named by its id, and by an address too"],
  ["ids and filters", ["--to", "a", "--group", "g"], "--to and filters exclude each other"],
  ["a filter that nothing matches", ["--group", "g"], "No device of the store matches"],
  ["an id for it", ["--to", "a", "--id", "b"], "--id names a device that is given by its address"],
  ["a kind that is none", ["--to", "a", "--via", "gopher"], 'There is no kind "gopher" for --via'],
  ["nothing", [], "a filter such as --group, or --all"],
])("%s: 2, one sentence, nothing sent", async (_, args, sentence) => {
  const device = await rig.device();
  await add("a", device.url);
  const ended = await stored("inspect", ...args, ...loopback);
  expect([ended.code, ended.out]).toEqual([2, ""]);
  expect(ended.err).toMatch(/^flashwave: [^\n]+\n$/);
  expect(ended.err).toContain(sentence);
  expect(device.device.requests).toEqual([]);
});

it("keeps the site of a device, which caps what is under way there", async () => {
  await add("a", "http://10.0.0.1", "--site", "s");
  await using fleet = await readFleet({ store, all: true }, new AbortController().signal);
  expect(fleet.stored).toMatchObject([{ id: "a", site: "s" }]);
});

it("takes what is staged for asked, where the device's own profile asks for it", async () => {
  await using service = await startRedfishDevice({ applyTime: "OnReset" });
  await stored("profile", "add", "later", "--via", "redfish", "--option", "applyTime=OnReset");
  await add("a", service.url, "--via", "redfish", "--profile", "later");
  const ended = await stored("update", await rig.image(), "--to", "a", ...as2);
  expect([ended.code, jsonLines(ended)]).toMatchObject([0, [{ status: "staged" }]]);
});

it("knows which words may be ids of a store that was not named", async () => {
  const to = ["pos-001", "http://10.0.0.1", "till=10.0.0.2", "10.0.0.3"];
  const signal = new AbortController().signal;
  await using without = await readFleet({ to }, signal);
  expect([...without.maybeIds]).toEqual(["pos-001", "10.0.0.3"]);
  await add("pos-001", "http://10.0.0.1");
  await using within = await readFleet({ to: to.slice(0, 2), store }, signal);
  expect([...within.maybeIds]).toEqual([]);
});

it("tells what is wrong with a profile of the store in its words, and of its login where that stands", async () => {
  const device = await rig.device({
    id: "a",
    script: [{ on: "version", times: 9, fault: { kind: "status", status: 403 } }],
  });
  await stored("profile", "add", "p", "--option", "chunk=5");
  await add("a", device.url, "--profile", "p");
  const [push] = jsonLines(await stored("push", await rig.image(), "--to", "a", ...loopback, "--json"));
  expect(push.error.message).toMatch(/^options knows no "chunk"/);
  vi.stubEnv("FLASHWAVE_SECRET_A", "x");
  await stored("device", "set", "a", "--unset", "profile", "--user", "u", "--password-env", "FLASHWAVE_SECRET_A");
  const said = async (...flags: string[]) =>
    jsonLines(await stored("inspect", "--to", "a", ...loopback, ...flags, "--json"))[0].error.message;
  expect(await said()).toContain("refused us despite the login that the store names for it; look at it with");
  const typed = ["--user", "u", "--password-env", "FLASHWAVE_SECRET_A"];
  expect(await said(...typed)).toContain("refused us despite the login given with --user");
  vi.unstubAllEnvs();
});

it.each([
  ["--fleet", "f"],
  ["--store-password-file", "f"],
])("%s without a store is usage", async (...flags) => {
  expect(await call("inspect", "--to", "http://10.0.0.1", ...flags)).toMatchObject({
    code: 2,
    err: expect.stringContaining("go with a store"),
  });
});

it("filters want a store, and a device of one keeps to the address policy", async () => {
  expect(await call("inspect", "--all")).toMatchObject({ code: 2, err: expect.stringContaining("give --store") });
  const device = await rig.device();
  await add("a", device.url);
  const [denied] = jsonLines(await stored("inspect", "--to", "a", "--json"));
  expect(denied).toMatchObject({ status: "failed", error: { code: "address_denied" } });
  expect(device.device.requests).toEqual([]);
});
