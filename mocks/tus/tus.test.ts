// The fake against its specification, asked by Node's own client.
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { startTusDevice, type TusDevice, type TusDeviceOptions } from "./index.ts";

const media = "application/offset+octet-stream";

async function ask(
  device: TusDevice,
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: string,
) {
  const response = await fetch(device.url + path, {
    method,
    redirect: "manual",
    headers: { ...(method !== "OPTIONS" && { "tus-resumable": "1.0.0" }), ...headers },
    ...(body !== undefined && { body }),
  });
  const text = await response.text();
  return { status: response.status, get: (name: string) => response.headers.get(name), text };
}

async function withUpload(options: TusDeviceOptions = {}, length = 11) {
  const device = await startTusDevice(options);
  const created = await ask(device, "POST", "/files", {
    "upload-length": String(length),
    "upload-metadata": "filename Zncu,x",
  });
  const patch = (offset: number, body: string, headers: Record<string, string> = {}) =>
    ask(device, "PATCH", "/files/1", { "content-type": media, "upload-offset": String(offset), ...headers }, body);
  return { device, created, patch, [Symbol.asyncDispose]: () => device.close() };
}

describe("a simulated tus device", () => {
  it("says what it can", async () => {
    await using device = await startTusDevice({ maxSize: 7, checksums: ["sha1"] });
    const told = await ask(device, "OPTIONS", "/files");
    expect(told.status).toBe(204);
    expect(["tus-resumable", "tus-version", "tus-max-size", "tus-checksum-algorithm"].map(told.get)).toEqual([
      ...["1.0.0", "1.0.0", "7", "sha1"],
    ]);
    expect(told.get("tus-extension")).toBe("creation,creation-with-upload,checksum,expiration,termination");
  });

  it("takes an upload piece by piece, installs it when it is whole, and tells its offset between", async () => {
    await using rig = await withUpload();
    expect(rig.created.status).toBe(201);
    expect(rig.created.get("location")).toBe(`${rig.device.url}/files/1`);
    expect(rig.created.get("upload-expires")).toMatch(/ GMT$/);
    const first = await rig.patch(0, "hello ");
    expect([first.status, first.get("upload-offset")]).toEqual([204, "6"]);
    const head = await ask(rig.device, "HEAD", "/files/1");
    expect([head.status, head.get("upload-offset"), head.get("upload-length")]).toEqual([200, "6", "11"]);
    expect(head.get("cache-control")).toBe("no-store");
    expect(rig.device.device.counters.boots).toBe(0);
    expect((await rig.patch(6, "world")).get("upload-offset")).toBe("11");
    expect(rig.device.device.counters.boots).toBe(1);
    expect(rig.device.uploads()).toEqual([
      {
        ...{ path: "/files/1", length: 11, offset: 11 },
        sha256: createHash("sha256").update("hello world").digest("hex"),
        metadata: { filename: "fw.", x: "" },
      },
    ]);
  });

  it("refuses what does not fit, and leaves the upload where it was", async () => {
    await using rig = await withUpload();
    await rig.patch(0, "hello ");
    const conflict = await rig.patch(0, "hello ");
    expect([conflict.status, conflict.get("upload-offset")]).toEqual([409, null]);
    expect((await rig.patch(6, "world and more")).status).toBe(413);
    expect((await rig.patch(6, "world", { "content-type": "text/plain" })).status).toBe(415);
    expect((await rig.patch(6, "world", { "tus-resumable": "0.2.2" })).status).toBe(412);
    expect((await ask(rig.device, "POST", "/files")).status).toBe(400);
    expect((await ask(rig.device, "POST", "/files", { "upload-length": "1", "upload-metadata": "a b c" })).status).toBe(
      400,
    );
    expect((await ask(rig.device, "HEAD", "/files/9")).status).toBe(404);
    expect(rig.device.uploads()[0]).toMatchObject({ offset: 6 });
  });

  it("checks checksums, and discards what does not match", async () => {
    await using rig = await withUpload();
    const sum = (text: string) => `sha1 ${createHash("sha1").update(text).digest("base64")}`;
    expect((await rig.patch(0, "hello ", { "upload-checksum": sum("hellO ") })).status).toBe(460);
    expect((await rig.patch(0, "hello ", { "upload-checksum": "crc32 AAAA" })).status).toBe(400);
    expect(rig.device.uploads()[0]).toMatchObject({ offset: 0 });
    expect((await rig.patch(0, "hello ", { "upload-checksum": sum("hello ") })).status).toBe(204);
  });

  it("forgets what was terminated or has expired", async () => {
    await using rig = await withUpload();
    expect((await ask(rig.device, "DELETE", "/files/1")).status).toBe(204);
    expect((await ask(rig.device, "HEAD", "/files/1")).status).toBe(410);
    await using other = await withUpload({ extensions: ["creation"] });
    expect((await ask(other.device, "DELETE", "/files/1")).status).toBe(405);
    other.device.expire();
    expect((await other.patch(0, "hello ")).status).toBe(410);
  });

  it("takes bytes with a creation, and leaves the Location out when a hook ends it", async () => {
    await using device = await startTusDevice({ finish: { status: 200, body: "flashed" } });
    const headers = { "upload-length": "5", "content-type": media };
    const done = await ask(device, "POST", "/files", headers, "hello");
    expect([done.status, done.get("upload-offset"), done.get("location"), done.text]).toEqual([
      200,
      "5",
      null,
      "flashed",
    ]);
    const part = await ask(device, "POST", "/files", { ...headers, "upload-length": "6" }, "hello");
    expect([part.status, part.get("upload-offset")]).toEqual([201, "5"]);
    expect(part.get("location")).toBe(`${device.url}/files/2`);
  });

  it("is read by plain HTTP", async () => {
    await using device = await startTusDevice({ version: "1.2.3" });
    expect(JSON.parse((await ask(device, "GET", "/version")).text)).toMatchObject({ version: "1.2.3" });
    expect((await ask(device, "POST", "/update", {}, "x")).status).toBe(404);
  });
});
