import { expect, it } from "vitest";
import { startAxis, startElegantOta, startEsphome, startMongooseOs, startTasmota } from "../../mocks/index.ts";
import { documentsOf, hasty, Rig, run } from "./run.suite.ts";

it("speaks to every family of web uploads, in one command", async () => {
  await using rig = new Rig();
  await using esphome = await startEsphome({ id: "esphome" });
  await using tasmota = await startTasmota({ id: "tasmota" });
  await using axis = await startAxis({ id: "axis" });
  const all = [esphome, tasmota, axis];
  const to = all.map(({ url, device: { id } }) => `${id}=${url} via=${id}`);
  const args = ["update", await rig.image(), "--firmware-version", "2.0.0", ...hasty, "--to", ...to, "--json"];
  const ended = await run(args);
  expect(documentsOf(ended).map(({ device, status }) => [device, status])).toEqual([
    ["axis", "updated"],
    ["esphome", "updated"],
    ["tasmota", "updated"],
  ]);
  expect([ended.code, ...all.map(({ device }) => device.version)]).toEqual([0, "2.0.0", "2.0.0", "2.0.0"]);
});

it("hands options and the way to read on to a family", async () => {
  await using rig = new Rig();
  await using mongoose = await startMongooseOs({ id: "mg", uptime: 3_600 });
  const image = ["update", await rig.image(), "--firmware-version", "2.0.0", ...hasty];
  const trial = ["--to", `mg=${mongoose.url}`, "--via", "mongoose-os", "--option", "trial=90"];
  expect(await run([...image, ...trial])).toMatchObject({ code: 0 });
  expect([mongoose.device.version, mongoose.device.onTrial]).toEqual(["2.0.0", false]);
  await using elegant = await startElegantOta({ id: "sketch" });
  const named = [
    "--to",
    `sketch=${elegant.url}`,
    "--via",
    "elegant-ota",
    "--version-path",
    "/version",
    "--pointer",
    "/version",
  ];
  expect(await run([...image, ...named])).toMatchObject({ code: 0 });
  expect(elegant.device.version).toBe("2.0.0");
  const unknown = await run([...image, ...trial, "--option", "chunk=9"]);
  expect(unknown.code).toBe(2);
  expect(unknown.err).toContain('--option knows no "chunk"; it takes field, filename');
});
