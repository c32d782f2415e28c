import { expect, it } from "vitest";
import {
  type DeviceServer,
  startAxis,
  startDeviceServer,
  startElegantOta,
  startEsphome,
  startMongooseOs,
  startRedfishDevice,
  startShellyGen1,
  startShellyGen2,
  startSwupdate,
  startTasmota,
  startTusDevice,
} from "../../mocks/index.ts";
import { documentsOf, hasty, Rig, runHere } from "./run.suite.ts";
import { kinds } from "./wire.ts";

type Started = Pick<DeviceServer, "url" | typeof Symbol.asyncDispose>;

/* What the flags of reading and of sending are to a delivery that another kind reads for. */

const as2 = ["--firmware-version", "2.0.0", ...hasty];
const byHttp = ["--via", "swupdate", "--probe", "http"];

it.each<[string, readonly string[]]>([
  ["a version path, no health", [...byHttp, "--version-path", "/version", "--no-health"]],
  ["no health", [...byHttp, "--no-health"]],
  ["a header", [...byHttp, "--no-health", "--header", "X-Site: a"]],
  ["an option of its own", [...byHttp, "--no-health", "--option", "restart=true"]],
])("swupdate takes %s", async (_, flags) => {
  await using rig = new Rig();
  await using device = await startSwupdate({ activation: flags.includes("restart=true") ? "on-request" : "itself" });
  const ended = await runHere(["update", await rig.image(), ...as2, "--to", device.url, ...flags]);
  expect(ended).toMatchObject({ code: 0, out: expect.stringContaining("updated   runs 2.0.0") });
});

const readers: Readonly<Record<string, readonly [() => Promise<Started>, ...string[]]>> = {
  http: [startDeviceServer],
  tus: [startTusDevice],
  redfish: [startRedfishDevice],
  swupdate: [startSwupdate, "--probe", "http"],
  esphome: [startEsphome],
  tasmota: [startTasmota],
  "mongoose-os": [startMongooseOs],
  axis: [startAxis],
  "elegant-ota": [startElegantOta, "--version-path", "/version", "--pointer", "/version"],
  "web-upload": [startDeviceServer],
  "shelly-gen1": [startShellyGen1],
  "shelly-gen2": [startShellyGen2],
};

it("knows the kinds that are tried here", () => expect(kinds.toSorted()).toEqual(Object.keys(readers).toSorted()));

it.each(Object.entries(readers))("inspect --via %s tells what a device runs", async (kind, [start, ...flags]) => {
  await using device = await start();
  const ended = await runHere(["inspect", "--to", device.url, "--via", kind, ...flags, "--json"]);
  expect(ended).toMatchObject({ code: 0 });
  expect(documentsOf(ended)).toMatchObject([{ state: { version: "1.0.0" } }]);
});

it("a device's own words name kinds too", async () => {
  await using rig = new Rig();
  await using device = await startSwupdate({});
  const named = `a=${device.url} via=swupdate probe=http`;
  const ended = await runHere(["update", await rig.image(), ...as2, "--to", named, "--no-health"]);
  expect(ended).toMatchObject({ code: 0, out: expect.stringContaining("updated   runs 2.0.0") });
});

it("a version is read at another port, which is sent no header", async () => {
  await using rig = new Rig();
  await using device = await startSwupdate({});
  const reader = await rig.device({ version: "2.0.0" });
  const { port } = new URL(reader.url);
  const read = ["inspect", "--to", device.url, ...byHttp, "--header", "X-Key: k"];
  expect(await runHere([...read, "--version-port", port])).toMatchObject({
    code: 0,
    out: expect.stringContaining("2.0.0"),
  });
  expect(reader.device.requests.map(({ headers }) => headers["x-key"])).toEqual([undefined]);
  expect(await runHere([...read, "--version-port", "0"])).toMatchObject({ code: 2 });
});

it("push takes options, and refuses by name those that the kind has not", async () => {
  await using rig = new Rig();
  await using device = await startSwupdate({ activation: "on-request" });
  const push = ["push", await rig.image(), "--to", device.url, "--via", "swupdate"];
  expect(await runHere([...push, "--option", "restart=true"])).toMatchObject({ code: 0 });
  const refused = await runHere([...push, "--option", "reprDigest=false"]);
  expect(refused).toMatchObject({ code: 2, err: expect.stringContaining('--option knows no "reprDigest"') });
});

it("redfish may be read by another kind, whose paths are not its own", async () => {
  await using rig = new Rig();
  await using service = await startRedfishDevice();
  const flags = ["--via", "redfish", "--probe", "http", "--version-path", "/v", "--no-health"];
  const ended = await runHere(["update", await rig.image(), ...as2, "--to", service.url, ...flags]);
  // It is asked at that path, which a Redfish service does not have.
  expect(ended.code).toBe(3);
  expect(ended.out).toContain("404");
});

it("a redfish service that is to fetch is served from here", async () => {
  await using rig = new Rig();
  await using service = await startRedfishDevice();
  const flags = ["--via", "redfish", "--option", "push=pull"];
  const ended = await runHere(["update", await rig.image(), ...as2, "--to", service.url, ...flags]);
  expect(ended).toMatchObject({ code: 0, out: expect.stringContaining("updated   runs 2.0.0") });
});

it("what is staged though nobody asked for that ends with 4, and says what to do next", async () => {
  await using rig = new Rig();
  await using service = await startRedfishDevice({ applyTime: "OnReset" });
  const image = await rig.image();
  const update = ["update", image, ...as2, "--to", service.url, "--via", "redfish"];
  const ended = await runHere(update);
  expect(ended).toMatchObject({ code: 4, out: expect.stringContaining("--option reset=manager") });
  const asked = await runHere([...update, "--option", "applyTime=OnReset", "--json"]);
  expect(asked.code).toBe(0);
  expect(documentsOf(asked)).toMatchObject([{ status: "staged", receipt: { activated: false } }]);
});

it("a device's own words are shown where they are asked for", async () => {
  await using rig = new Rig();
  const image = await rig.image();
  for (const [flags, shown] of [
    [[], false],
    [["--device-words"], true],
    [["--device-words", "--json"], true],
  ] as const) {
    const fault = { kind: "status", status: 422, body: "slot \u001b[2Jis worn" } as const;
    const device = await rig.device({ script: [{ on: "update", fault }] });
    const { out } = await runHere(["push", image, "--to", device.url, ...flags]);
    expect([out.includes("is worn"), out.includes("\u001b")]).toEqual([shown, false]);
    if (!shown) expect(out).toContain("--device-words shows its own words");
  }
});

it("a refusal names what was refused, and that the kind may be wrong", async () => {
  await using rig = new Rig();
  const device = await rig.device();
  const image = await rig.image();
  const sent = await runHere(["push", image, "--to", device.url, "--path", "/nowhere"]);
  expect(sent.out).toContain("This was its answer to POST /nowhere.");
  const read = await runHere(["inspect", "--to", device.url, "--via", "mongoose-os"]);
  expect(read.out).toMatch(/that --via names its kind\. This was its answer to GET \/rpc\/Sys\.GetInfo\./);
});
