import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import type { DeviceServer } from "../../mocks/index.ts";
import { documentsOf, hasty, Rig, run } from "./run.suite.ts";

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

it("update: sends, proves, says so and ends with 0", async () => {
  await using rig = new Rig();
  const [a, b] = [await rig.device({ id: "pos-1" }), await rig.device({ id: "pos-2" })];
  const { code, out, err } = await run(["update", await rig.image(), ...to(a, b), ...as2, ...hasty]);
  expect(code).toBe(0);
  expect([a.device.version, b.device.version]).toEqual(["2.0.0", "2.0.0"]);
  expect(out).toMatch(/^pos-\d {2}updated {3}runs 2\.0\.0, proved by version, new boot, healthy \(1 attempt/m);
  expect(out).toMatch(/^2 devices in .*: 2 updated\.$/m);
  expect(err).toMatch(/^fw\.bin 2\.0\.0, 300 kB, sha256 [\da-f]{64}, for 2 devices$/m);
});

it("--json --quiet: one document per outcome, errors by their own toJSON, nothing on stderr", async () => {
  await using rig = new Rig();
  const [good, bad] = [await rig.device({ id: "good" }), await rig.device({ id: "bad" })];
  bad.failNext(1, 413);
  const ended = await run(["update", await rig.image(), ...to(good, bad), ...as2, ...hasty, "--json", "--quiet"]);
  expect(ended).toMatchObject({ code: 3, err: "" });
  expect(documentsOf(ended)).toMatchObject([
    { device: "bad", status: "failed", error: { code: "refused", phase: "send", status: 413 } },
    { device: "good", status: "updated", evidence: { version: "2.0.0", health: "ok" } },
  ]);
});

it("push and --no-verify: the device has the bytes, and nothing is claimed", async () => {
  await using rig = new Rig();
  const image = await rig.image();
  for (const words of [["push"], ["update", "--no-verify"]]) {
    const device = await rig.device({ id: "pos-1" });
    const [command = "", ...flags] = words;
    const ended = await run([command, image, ...to(device), ...flags, "--json"]);
    expect([ended.code, documentsOf(ended)]).toMatchObject([0, [{ status: "sent", receipt: { bytes: 300_000 } }]]);
    expect(device.device.counters.requests.health).toBe(0);
  }
});

it("verify and inspect: read, and send nothing", async () => {
  await using rig = new Rig();
  const device = await rig.device({ id: "pos-1", version: "2.0.0" });
  const verified = await run(["verify", await rig.image(), ...to(device), ...as2, ...hasty]);
  expect(verified).toMatchObject({ code: 0, out: expect.stringMatching(/^pos-1 {2}verified {2}runs 2\.0\.0, /) });
  const read = await run(["inspect", "--to", device.url]);
  expect(read.code).toBe(0);
  expect(read.out).toMatch(/^127\.0\.0\.1:\d+ {2}read {6}runs 2\.0\.0, slot A, boot /);
  expect(device.device.counters.requests.update).toBe(0);
});

it("speaks to devices as the flags say", async () => {
  await using rig = new Rig();
  const device = await rig.device({ paths: { update: "/fw", version: "/api/info", health: "/alive" } });
  const send = ["--method", "PUT", "--path", "/fw", "--health-path", "/alive"];
  const read = ["--version-path", "/api/info", "--pattern", '"version":"([^"]+)"'];
  const { code } = await run(["update", await rig.image(), ...to(device), ...as2, ...hasty, ...send, ...read]);
  const seen = device.device.requests.map(({ method, endpoint }) => `${method} ${endpoint}`);
  expect([code, new Set(seen)]).toEqual([0, new Set(["GET version", "PUT update", "GET health"])]);
});

it("--to-file names devices, --attempts ends the trying", async () => {
  await using rig = new Rig();
  const [left, right] = [await rig.device({ id: "left" }), await rig.device({ id: "right" })];
  right.failNext(9, 503);
  const image = await rig.image();
  const list = join(dirname(image), "devices.txt");
  await writeFile(list, `# the shelf\nleft=${left.url}\n\nright=${right.url}\n`);
  const ended = await run(["push", image, "--to-file", list, "--attempts", "1", "--json"]);
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
  const update = (...devices: DeviceServer[]) => run(["update", image, ...to(...devices), ...as2, ...soon, "--json"]);
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

it("names the unknown for people", async () => {
  await using rig = new Rig();
  const { code, out, err } = await run(["update", await rig.image(), ...to(await silent(rig)), ...as2, ...soon]);
  expect(code).toBe(4);
  expect(out).toMatch(/^Unknown, to be read before anything is sent again: silent$/m);
  expect(err).toContain("silent: attempt 1 ended with connection_lost, reading the device before anything else");
});

it("interrupted: tells what is known, who is unknown by name, and ends with 130", async () => {
  await using rig = new Rig();
  const held = await rig.device({ id: "held", script: [{ on: "update", fault: { kind: "blackhole" } }] });
  const done = await rig.device({ id: "done" });
  const received = once(held.device, "received");
  const args = ["update", await rig.image(), ...to(done, held), ...as2, ...hasty];
  const { code, out, err } = await run(args, (child) => {
    const proven = new Promise<void>((resolve) => {
      child.stdout?.on("data", (text) => /done +updated/.test(text) && resolve());
    });
    Promise.all([proven, received]).then(() => child.kill("SIGINT"));
  });
  expect(code).toBe(130);
  expect(err).toContain("Interrupted");
  expect(out).toMatch(/^held +unknown +/m);
  expect(out).toMatch(/^Unknown, to be read before anything is sent again: held$/m);
});

it("never prints a header's value, whatever happens", async () => {
  await using rig = new Rig();
  const canary = "Bearer c4n4ry-s3cret";
  const device = await rig.device({ id: "pos-1" });
  const refusing = await rig.device({ id: "pos-2" });
  refusing.device.faults.script({ on: "update", times: 9, fault: { kind: "status", status: 401, body: canary } });
  const common = ["update", await rig.image(), ...to(device, refusing), ...as2, ...hasty];
  const ends = [
    await run([...common, "--header", `Authorization: ${canary}`]),
    await run([...common, "--header", `Authorization: ${canary}`, "--json", "--force"]),
    await run([...common, "--header", canary]),
    await run([...common, "--header", "Authorization:", "Bearer", "c4n4ry-s3cret"]),
    await run([...common, "--header", `Authorization: ${canary}\u0007`]),
    await run(["inspect", "--to", "http://user:c4n4ry@127.0.0.1"]),
  ];
  expect(ends.map(({ code }) => code)).toEqual([3, 3, 2, 2, 2, 2]);
  for (const { out, err } of ends) expect(out + err).not.toContain("c4n4ry");
  const { requests } = device.device;
  expect(new Set(requests.map(({ endpoint }) => endpoint))).toEqual(new Set(["version", "update", "health"]));
  expect(requests.every(({ headers }) => headers["authorization"] === canary)).toBe(true);
});

it("an update is not broken off because nobody reads its results", async () => {
  await using rig = new Rig();
  const device = await rig.device();
  const args = ["update", await rig.image(), ...to(device), ...as2, ...hasty];
  const { code } = await run(args, (child) => child.stdout?.destroy());
  expect([code, device.device.version]).toEqual([0, "2.0.0"]);
});
