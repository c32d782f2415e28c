import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ArtifactRef } from "../../core/artifact.ts";
import { systemClock } from "../../core/clock.ts";
import type { Delivery, DeliveryContext, SendStep } from "../../core/delivery.ts";
import type { Device } from "../../core/device.ts";
import { isFlashwaveError } from "../../core/errors.ts";
import type { Receipt } from "../../core/outcome.ts";
import type { Payload } from "../../core/payload.ts";
import type { ExchangeReply, ExchangeRequest, Transport } from "../../core/transport.ts";
import { fillJson, fillPath, fillText } from "./fill.ts";
import { axis, elegantOta, esphome, mongooseOs, tasmota, type UploadProfile, webUpload } from "./index.ts";

const device: Device = { id: "d1", address: "http://10.0.0.1" };
const bytes = Buffer.from("firm\r\nware");
const artifact: ArtifactRef = { name: 'fw "1".bin', version: "2.0.0", length: bytes.length, digest: "ab".repeat(32) };
const md5 = createHash("md5").update(bytes).digest("hex");
const payload: Payload = {
  artifact,
  slice: (start, end) => bytes.subarray(start, end),
  hash: async (algorithm) => createHash(algorithm).update(bytes).digest("hex"),
};
const step: SendStep = { deadline: 5, attemptId: "a-1", pushId: "p-1" };

type Answer = Partial<Omit<ExchangeReply, "body">> & { readonly body?: string };

/** A transport that answers in turn, the last for good, and remembers what it was asked. */
function scripted(...answers: readonly Answer[]): { context: DeliveryContext; requests: ExchangeRequest[] } {
  const requests: ExchangeRequest[] = [];
  const exchange = async (_: string, request: ExchangeRequest, read: (reply: ExchangeReply) => unknown) => {
    const { body = "", ...answer } = answers[Math.min(requests.length, answers.length - 1)] ?? {};
    requests.push(request);
    const headers = new Map<string, string>();
    return read({ status: 200, headers, sent: "all", peer: "none", ...answer, body: Buffer.from(body) });
  };
  const transport = { exchange } as Partial<Transport> as Transport;
  return { context: { transport, origin: device.address, clock: systemClock }, requests };
}

/** What was sent, on one line each, with B for the boundary. */
function wire({ method, path, headers = [], body = [] }: ExchangeRequest): string {
  const segments = (Array.isArray(body) ? body : [body]) as readonly Uint8Array[];
  const all = Buffer.concat(segments).toString("latin1");
  const boundary = /boundary=(\S+)/.exec(headers.join("\n"))?.[1] ?? "\0";
  return `${method} ${path}\n${all}`.replaceAll(boundary, "B").replaceAll("\r\n", "|");
}

const file = (field: string) =>
  `--B|Content-Disposition: form-data; name="${field}"; filename="firmware.bin"|Content-Type: application/octet-stream||firm|ware|--B--|`;
const field = (name: string, text: string) => `--B|Content-Disposition: form-data; name="${name}"||${text}|`;
const upgrade = (minutes: string) =>
  `{"apiVersion":"1.0","method":"upgrade","params":{"factoryDefaultMode":"none","autoCommit":"never","autoRollback":"${minutes}"}}`;

describe("what is sent", () => {
  it.each<[Delivery, ...string[]]>([
    [esphome(), `POST /update\n${file("update")}`],
    [tasmota(), "GET /up\n", `POST /u2?fsz=10\n${file("u2")}`],
    [mongooseOs(), `POST /update\n${field("commit_timeout", "1200")}${file("file")}`],
    [mongooseOs({ options: { trial: 90 } }), `POST /update\n${field("commit_timeout", "90")}${file("file")}`],
    [
      axis({ options: { trial: 61 } }),
      `POST /axis-cgi/firmwaremanagement.cgi\n--B|Content-Disposition: form-data; name="json"|Content-Type: application/json||${upgrade("2")}|${file("file")}`,
    ],
    [elegantOta(), `GET /ota/start?mode=fr&hash=${md5}\n`, `POST /ota/upload\n${file("file")}`],
    [
      webUpload({
        send: { path: "/fw", query: { sha: "{sha256}", v: "{version}" }, form: { name: "{name}", size: "{size}" } },
        options: {
          field: "image",
          filename: "{version}.bin",
          contentType: "application/x-fw",
          before: "PUT /x?{version}",
        },
      }),
      "PUT /x?2.0.0\n",
      `POST /fw?sha=${artifact.digest}&v=2.0.0\n${field("name", 'fw "1".bin')}${field("size", "10")}--B|Content-Disposition: form-data; name="image"; filename="2.0.0.bin"|Content-Type: application/x-fw||firm|ware|--B--|`,
    ],
  ])("$kind", async (delivery, ...expected) => {
    const { context, requests } = scripted({ body: "Update Successful!" });
    await delivery.bind(device, context).send(payload, step);
    expect(requests.map(wire)).toEqual(expected);
    expect(requests.map(({ phase, deadline }) => [phase, deadline])).toEqual(expected.map(() => ["send", 5]));
  });

  it("takes the caller's headers along, but not for the boundary", async () => {
    const { context, requests } = scripted();
    const headers = { "X-Site": "a", "Content-Type": "application/octet-stream" };
    await tasmota({ send: { headers: { "x-site": "b", cookie: "c=1" } } })
      .bind(device, context)
      .send(payload, { ...step, headers });
    const [before = [], upload = []] = requests.map((request) => request.headers ?? []);
    expect(upload.join()).toMatch(/^content-type,multipart\/form-data; boundary=[\w-]{24,},x-site,a,cookie,c=1$/);
    expect(before).toContain("c=1");
  });

  it("reads no MD5 that nobody asks for", async () => {
    const hash = () => Promise.reject(new Error("it was asked for"));
    await tasmota()
      .bind(device, scripted().context)
      .send({ ...payload, hash }, step);
    await expect(
      elegantOta()
        .bind(device, scripted().context)
        .send({ ...payload, hash }, step),
    ).rejects.toThrow("asked for");
  });

  it("reports bytes of the artifact, not of the form", async () => {
    const { context, requests } = scripted();
    const seen: number[] = [];
    await webUpload()
      .bind(device, context)
      .send(payload, { ...step, onSent: (sent) => seen.push(sent) });
    const [request] = requests;
    const segments = request?.body as readonly Uint8Array[];
    const [ahead = 0, whole = 0] = [segments[0]?.length, segments.reduce((sum, { length }) => sum + length, 0)];
    for (const sent of [0, ahead, ahead + 4, whole]) request?.onSent?.(sent);
    expect(seen).toEqual([0, 0, 4, 10]);
  });

  it("gives the orders of a trial, each by its own request", async () => {
    const receipt = {} as Receipt;
    const order = (method: string) =>
      `POST /axis-cgi/firmwaremanagement.cgi\n{"apiVersion":"1.0","method":"${method}"}`;
    for (const [delivery, commit, rollback] of [
      [mongooseOs(), "GET /update/commit\n", "GET /update/revert\n"],
      [axis(), order("commit"), order("rollback")],
    ] as const) {
      const { context, requests } = scripted({ body: "{}" });
      const session = delivery.bind(device, context);
      await session.commit?.(receipt, step);
      await session.rollback?.(receipt, step);
      expect(requests.map(wire)).toEqual([commit, rollback]);
      expect(requests.map(({ phase }) => phase)).toEqual(["commit", "rollback"]);
      expect(session.activate).toBeUndefined();
    }
    expect(esphome().bind(device, scripted().context)).not.toHaveProperty("commit");
    const named = webUpload({ activate: { path: "/go" } }).bind(device, scripted().context);
    expect([named.traits.activates, typeof named.activate]).toEqual(["on-request", "function"]);
  });
});

describe("what is made of an answer", () => {
  const json = (value: unknown): Answer => ({ body: JSON.stringify(value) });
  it.each<[what: string, Delivery, Answer, string | undefined]>([
    ["success in words", esphome(), { body: "Update Successful!" }, undefined],
    ["failure in words", esphome(), { body: "Update Failed!" }, "device_error"],
    ["neither", esphome(), { body: "<html>" }, "device_error"],
    ["nothing", esphome(), {}, "device_error"],
    ["both", esphome(), { body: "Update Successful! Update Failed!" }, "device_error"],
    ["a page in another language", tasmota(), { body: "<b>Fehlgeschlagen</b>" }, undefined],
    ["busy", mongooseOs(), { status: 409 }, "device_busy"],
    ["a conflict elsewhere", webUpload(), { status: 409 }, "refused"],
    ["an early yes", webUpload(), { sent: "partial" }, "early_reply"],
    ["data", axis(), json({ data: {} }), undefined],
    ["a downgrade", axis(), json({ error: { code: 409 } }), "refused"],
    ["a downgrade, its code as text", axis(), json({ error: { code: "409" } }), "refused"],
    ["busy in the body", axis(), json({ error: { code: 423 } }), "device_busy"],
    ["an error of the server", axis(), json({ error: { code: 500 } }), "device_error"],
    ["an error of no known kind", axis(), json({ error: { code: 2_000 } }), "device_error"],
    ["an error that is no number", axis(), json({ error: { code: {} } }), "device_error"],
    ["no JSON", axis(), { body: "ok" }, undefined],
    ["a check that fails", webUpload({ send: { checks: { "/ok": "true" } } }), json({ ok: false }), "device_error"],
  ])("%s", async (_, delivery, answer, code) => {
    const sent = delivery.bind(device, scripted(answer).context).send(payload, step);
    if (code === undefined) expect(await sent).toEqual({ status: 200, bytes: 10 });
    else await expect(sent).rejects.toMatchObject({ code, phase: "send", device: "d1" });
  });

  it("no byte of the artifact has left where the request before it fails", async () => {
    const { context, requests } = scripted({ status: 503 });
    const error = { code: "device_busy", bytesOut: "none" };
    await expect(tasmota().bind(device, context).send(payload, step)).rejects.toMatchObject(error);
    expect(requests).toHaveLength(1);
  });
});

describe("a profile", () => {
  const problem = (profile: unknown): string => {
    try {
      webUpload(profile as UploadProfile);
    } catch (error) {
      if (isFlashwaveError(error) && error.code === "invalid_profile") return error.message;
      throw error;
    }
    return "none";
  };
  it.each<[unknown, RegExp]>([
    [{ upload: {} }, /^the profile knows no "upload"/],
    [{ options: { fields: "x" } }, /^options knows no "fields"; it takes field, filename/],
    [{ options: { field: "" } }, /^options.field must be/],
    [{ options: { field: 'a"b' } }, /^options.field must be/],
    [{ options: { filename: "a\r\nb" } }, /^options.filename must be/],
    [{ options: { contentType: "text" } }, /^options.contentType must be a media type/],
    [{ options: { trial: -1 } }, /^options.trial must be a whole number/],
    [{ options: { trial: "60" } }, /^options.trial must be/],
    [{ options: { committed: "/state" } }, /^options.committed must be a path, "#" and a JSON pointer/],
    [{ options: { committed: "/state#" } }, /^options.committed must be/],
    [{ options: { committed: "//evil#/committed" } }, /^options.committed must be/],
    [{ options: { committed: "/state#/~" } }, /^options.committed must be/],
    [{ options: { before: "DELETE /x" } }, /^options.before must be a method and a path/],
    [{ options: { before: "GET http://evil/" } }, /^options.before must be/],
    [{ options: { before: "GET /a b" } }, /^options.before must be/],
    [{ options: { errorCode: "code" } }, /^options.errorCode must be a JSON pointer/],
    [{ options: { auth: "ntlm" } }, /^options.auth must be one of/],
    [{ options: { challenge: "/x" } }, /^options.challenge must be a method and a path/],
    [{ options: { success: 1 } }, /^options.success must be text/],
    [{ options: { loginInQuery: "yes" } }, /^options.loginInQuery must be true or false/],
    [{ send: { json: "{" } }, /^send.json must be the text of a JSON document/],
    [{ send: { form: { 'a"': "b" } } }, /^send.form must have printable names/],
    [{ send: { method: "PATCH" } }, /^send.method must be one of POST, PUT/],
    [{ commit: { path: "/c", form: { a: "b" }, json: "{}" } }, /^commit.json does not go with a form/],
    [{ commit: {} }, /^commit.path must be/],
    [{ inspect: { method: "GET", json: "{}" } }, /^inspect.json needs a method with a body/],
  ])("that makes no sense is refused: %j", (profile, message) => {
    expect(problem(profile)).toMatch(message);
  });

  it("of a device changes the family's field by field, and is read once", async () => {
    const { context, requests } = scripted();
    const delivery = tasmota({ options: { field: "fw" } });
    const profile = { send: { path: "/upload" }, options: { before: "" } };
    await delivery.bind({ ...device, profile }, context).send(payload, step);
    expect(requests.map(wire)).toEqual([`POST /upload?fsz=10\n${file("fw")}`]);
    const [first, second] = [profile, profile].map((own) => delivery.bind({ ...device, profile: own }, context).traits);
    expect(first).toBe(second);
    const { message } = await delivery
      .bind(device, context)
      .send(payload, step)
      .then(() => ({ message: requests.slice(1).map(wire)[0] }));
    expect(message).toBe("GET /up\n");
  });

  it("without a way to read has no probe", () => {
    expect(() => elegantOta().prober?.bind(device, scripted().context)).toThrow(
      expect.objectContaining({ code: "no_probe" }),
    );
  });
});

describe("names in braces", () => {
  const filling = { size: "10", version: 'a"b\\c&d=\n', name: "ü" };
  it("are filled in where they stand, and nothing else is touched", () => {
    expect(fillText("{size}/{version}/{other}/{md5}", filling)).toBe('10/a"b\\c&d=\n/{other}/');
    expect(fillPath("/x?a=%7Bversion%7D&b={name}&c=%7Bother%7D", filling)).toBe(
      "/x?a=a%22b%5Cc%26d%3D%0A&b=%C3%BC&c=%7Bother%7D",
    );
  });

  it("leave JSON what it was, whatever an artifact is called", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (name) => {
        expect(JSON.parse(fillJson('{"name":"{name}","{size}":1}', { name, size: "10" }))).toEqual({ name, "10": 1 });
      }),
    );
  });
});
