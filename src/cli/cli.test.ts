import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import type { DeviceServer } from "../../mocks/index.ts";
import { documentsOf, hasty, Rig, run, runHere } from "./run.suite.ts";

/* What the flags make of the traffic, and what becomes of the exit code; the plain ways stand in main.test.ts. */

const to = (...devices: DeviceServer[]) => ["--to", ...devices.map(({ url, device }) => `${device.id}=${url}`)];
const as2 = ["--firmware-version", "2.0.0"];
const soon = ["--deadline", "300ms", "--stable-for", "20ms"];
const always = Number.POSITIVE_INFINITY;

/** A device that takes the whole image, hangs up, and cannot be read from then on. */
const silent = (rig: Rig) =>
  rig.device({
    id: "silent",
    script: [
      { on: "update", fault: { kind: "cut", at: "received" } },
      { on: "version", skip: 1, times: always, fault: { kind: "cut", at: "headers" } },
    ],
  });

it("push and --no-verify: the device has the bytes, and nothing is claimed", async () => {
  await using rig = new Rig();
  const image = await rig.image();
  for (const words of [["push"], ["update", "--no-verify"]]) {
    const device = await rig.device({ id: "pos-1" });
    const [command = "", ...flags] = words;
    const ended = await runHere([command, image, ...to(device), ...flags, "--json"]);
    expect([ended.code, documentsOf(ended)]).toMatchObject([0, [{ status: "sent", receipt: { bytes: 300_000 } }]]);
    expect(device.device.counters.requests.health).toBe(0);
  }
});

it("speaks to devices as the flags say, and sends the headers with every request", async () => {
  await using rig = new Rig();
  const device = await rig.device({ paths: { update: "/fw", version: "/api/info", health: "/alive" } });
  const send = ["--method", "PUT", "--path", "/fw", "--health-path", "/alive", "--header", "X-Key: k"];
  const read = ["--version-path", "/api/info", "--pattern", '"version":"([^"]+)"'];
  const { code } = await runHere(["update", await rig.image(), ...to(device), ...as2, ...hasty, ...send, ...read]);
  const seen = device.device.requests.map(({ method, endpoint }) => `${method} ${endpoint}`);
  expect([code, new Set(seen)]).toEqual([0, new Set(["GET version", "PUT update", "GET health"])]);
  expect(device.device.requests.map(({ headers }) => headers["x-key"])).toEqual(seen.map(() => "k"));
});

it("has a device install on request, and ends its trial once it was proven by its digest", async () => {
  await using rig = new Rig();
  const device = await rig.device({ id: "pos-1", activation: "on-request", trial: true });
  const flags = ["--activate-path", "/activate", "--commit-path", "/commit", "--digest-pointer", "/digest"];
  const ended = await runHere(["update", await rig.image(), ...to(device), ...as2, ...hasty, ...flags, "--json"]);
  const proven = { status: "updated", evidence: { proved: "digest", newBoot: "seen" } };
  expect([ended.code, documentsOf(ended)]).toMatchObject([0, [proven]]);
  expect(device.device.requests.map(({ endpoint }) => endpoint)).toEqual(
    expect.arrayContaining(["activate", "commit"]),
  );
});

it("ends an unhealthy trial by going back", async () => {
  await using rig = new Rig();
  const device = await rig.device({ id: "pos-1", trial: true, health: "failing-after-update" });
  const flags = ["--commit-path", "/commit", "--rollback-path", "/rollback"];
  const ended = await runHere(["update", await rig.image(), ...to(device), ...as2, ...soon, ...flags, "--json"]);
  expect([ended.code, documentsOf(ended)]).toMatchObject([5, [{ status: "failed", error: { code: "unhealthy" } }]]);
  expect(documentsOf(ended)[0].error.message).toContain("give --no-health");
  expect(device.device.version).toBe("1.0.0");
});

it("waits no longer for an answer than it is told to", async () => {
  await using rig = new Rig();
  const device = await rig.device({ script: [{ on: "version", fault: { kind: "blackhole" } }] });
  const ended = await runHere(["inspect", ...to(device), "--response-timeout", "50ms", "--json"]);
  expect([ended.code, documentsOf(ended)]).toMatchObject([3, [{ error: { code: "response_timeout" } }]]);
});

it("hands options to the protocol, and takes a device's own kind from its entry", async () => {
  await using rig = new Rig();
  const device = await rig.device({ id: "pos-1" });
  const entry = `pos-1=${device.url} via=http probe=http`;
  const options = ["--option", "versionHeader=true", "--option", "identify=false"];
  const ended = await runHere(["push", await rig.image(), "--to", entry, ...as2, ...options]);
  expect(ended).toMatchObject({ code: 0, out: expect.stringMatching(/^pos-1 +sent/) });
  const [request] = device.device.requests;
  expect(request?.headers).toMatchObject({ "x-firmware-version": "2.0.0" });
  expect(request?.headers).not.toHaveProperty("x-device-id");
});

it("--to-file names devices, --attempts ends the trying", async () => {
  await using rig = new Rig();
  const [left, right] = [await rig.device({ id: "left" }), await rig.device({ id: "right" })];
  right.failNext(9, 503);
  const image = await rig.image();
  const list = join(dirname(image), "devices.txt");
  // Without a version, nobody could tell by a read whether a busy device has it after all.
  const known = ["--firmware-version", "2.0.0", "--quiet-period", "20ms"];
  await writeFile(list, `# the shelf\nleft=${left.url}\n\nright=${right.url}\n`);
  const ended = await runHere(["push", image, "--to-file", list, "--attempts", "1", "--json", ...known]);
  expect([ended.code, documentsOf(ended)]).toMatchObject([
    3,
    [
      { device: "left", status: "sent" },
      { device: "right", status: "failed", attempts: 1 },
    ],
  ]);
});

it("ends with 3 where a device failed, 4 where one is unknown, 5 where one was seen not running it", async () => {
  await using rig = new Rig();
  const image = await rig.image();
  const refusing = await rig.device({ id: "refusing" });
  refusing.alwaysFail(413);
  const lying = await rig.device({ id: "lying", script: [{ on: "update", fault: { kind: "lying-200" } }] });
  const update = (...devices: DeviceServer[]) =>
    runHere(["update", image, ...to(...devices), ...as2, ...soon, "--json"]);
  expect(await update(refusing)).toMatchObject({ code: 3 });
  expect(await update(await silent(rig), refusing)).toMatchObject({ code: 4 });
  const all = await update(lying, await silent(rig), refusing);
  expect(all.code).toBe(5);
  expect(documentsOf(all)).toMatchObject([
    { device: "lying", status: "failed", error: { code: "not_updated" } },
    { device: "refusing", status: "failed", error: { code: "refused" } },
    { device: "silent", status: "unknown", error: { code: "outcome_unknown" } },
  ]);
});

it("an update is not broken off because nobody reads its results", async () => {
  await using rig = new Rig();
  const device = await rig.device();
  const args = ["update", await rig.image(), ...to(device), ...as2, ...hasty];
  const { code } = await run(args, (child) => child.stdout?.destroy());
  expect([code, device.device.version]).toEqual([0, "2.0.0"]);
});

it("takes a list of devices from standard input, and shows options by what they are about", async () => {
  await using rig = new Rig();
  const device = await rig.device({ id: "pos-1" });
  const main = new URL("./main.ts", import.meta.url).pathname;
  const piped = new Promise<string>((resolve, reject) => {
    const child = execFile(process.execPath, [main, "inspect", "--to-file", "-"], (error, out) =>
      error === null ? resolve(out) : reject(error),
    );
    child.stdin?.end(`# one\npos-1=${device.url}\n`);
  });
  expect(await piped).toContain("1.0.0");
  expect((await runHere(["inspect", "--help"])).out).toMatch(
    /\nDevices:\n {2}--to .*\nConnection and login:\n.*\nOutput:\n/s,
  );
});
