import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { describe, expect, it } from "vitest";
import { openArtifact } from "../../bytes/index.ts";
import { systemClock } from "../../core/clock.ts";
import type { DeliverySession, ResumeToken, SendStep } from "../../core/delivery.ts";
import { isFlashwaveError } from "../../core/errors.ts";
import type { Acknowledgement } from "../../core/outcome.ts";
import { createTransport } from "../../http/index.ts";
import { pattern } from "../suite/trial.suite.ts";
import { http } from "./index.ts";

const size = 1_000_000;
const first = 262_144;
const part = 300_000;
const bytes = pattern(size);

type Route = (
  server: Shelf,
  request: IncomingMessage,
  body: Buffer,
) => { status: number; headers?: object; body?: Buffer };

/** A file on a web server, and the ways in which servers treat a `Content-Range`. */
interface Shelf {
  file: Buffer | undefined;
  readonly seen: string[];
}

const rangeOf = ({ headers }: IncomingMessage) => /^bytes (\d+)-(\d+)\/(\d+)$/.exec(String(headers["content-range"]));

const honest: Route = (shelf, request, body) => {
  if (request.method === "PUT") {
    const start = Number(rangeOf(request)?.[1] ?? 0);
    shelf.file = Buffer.concat([(shelf.file ?? Buffer.alloc(0)).subarray(0, start), body]);
    return { status: 204 };
  }
  if (shelf.file === undefined) return { status: 404 };
  const wanted = /^bytes=(\d+)-(\d+)$/.exec(String(request.headers.range));
  if (request.method === "HEAD") return { status: 200, headers: { "content-length": shelf.file.length } };
  if (wanted === null) return { status: 200, body: shelf.file };
  return { status: 206, body: shelf.file.subarray(Number(wanted[1]), Number(wanted[2]) + 1) };
};

/** Takes a part for the whole: the silent corruption that must be noticed. */
const overwriting: Route = (shelf, request, body) => {
  if (request.method !== "PUT") return honest(shelf, request, body);
  shelf.file = body;
  return { status: 204 };
};

const refusing =
  (status: number): Route =>
  (shelf, request, body) =>
    request.headers["content-range"] === undefined ? honest(shelf, request, body) : { status };

/** Says nothing of what it holds. */
const secretive: Route = (shelf, request, body) =>
  request.method === "PUT" ? overwriting(shelf, request, body) : { status: 405 };

async function shelf(route: Route) {
  const state: Shelf = { file: undefined, seen: [] };
  const server = createServer(async (request: IncomingMessage, response: ServerResponse) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece);
    const { method, headers } = request;
    const body = Buffer.concat(pieces);
    state.seen.push(`${method} ${headers["content-range"] ?? headers.range ?? body.length}`);
    const reply = route(state, request, body);
    response.writeHead(reply.status, { ...reply.headers });
    response.end(reply.body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const transport = createTransport({ addressPolicy: { permit: ["127.0.0.0/8"] } });
  const origin = `http://127.0.0.1:${address.port}`;
  const artifact = await openArtifact(bytes, { version: "2.0.0" });
  const tokens: ResumeToken[] = [];
  const session: DeliverySession = http({
    send: { method: "PUT", path: "/fw.bin", headers: { "x-key": "k" } },
    resume: "content-range",
    part,
  }).bind({ id: "d", address: origin }, { transport, origin, clock: systemClock });
  return {
    state,
    tokens,
    /** Takes no further connection. */
    stop: () => void server.close(),
    send: (step: Partial<SendStep> = {}): Promise<Acknowledgement> =>
      session.send(artifact.payload, {
        deadline: systemClock.now() + 10_000,
        attemptId: "a",
        pushId: "p",
        onResumable: async (token) => void tokens.push(token),
        ...step,
      }),
    digest: () =>
      createHash("sha256")
        .update(state.file ?? "")
        .digest("hex"),
    async [Symbol.asyncDispose]() {
      await transport[Symbol.asyncDispose]();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const right = createHash("sha256").update(bytes).digest("hex");
const parts = [
  [`PUT ${first}`, "HEAD 0"],
  ["PUT bytes 262144-562143/1000000", "HEAD 0"],
  ["PUT bytes 562144-862143/1000000", "HEAD 0"],
  ["PUT bytes 862144-999999/1000000", "HEAD 0"],
];

async function codeOf(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
  } catch (error) {
    if (!isFlashwaveError(error)) throw error;
    return { code: error.code, bytesOut: error.bytesOut };
  }
  return "it was acknowledged";
}

describe("a PUT in parts", () => {
  it("looks after each part, and tells where to go on", async () => {
    await using server = await shelf(honest);
    server.state.file = Buffer.alloc(2_000_000, 7);
    const sent: number[] = [];
    expect(await server.send({ onSent: (count) => sent.push(count) })).toEqual({ status: 204, bytes: size });
    expect(server.digest()).toBe(right);
    expect(server.state.seen).toEqual(parts.flat());
    expect(server.tokens.map(({ offset }) => offset)).toEqual([262_144, 562_144, 862_144]);
    expect(sent).toEqual(sent.toSorted((a, b) => a - b));
    expect(sent.at(-1)).toBe(size);
  });

  it.each<[string, Route]>([
    ["takes a part for the whole", overwriting],
    ["answers a part with 400", refusing(400)],
    ["answers a part with 416", refusing(416)],
    ["answers a part with 501", refusing(501)],
    ["does not say what it holds", secretive],
  ])("is one of the whole where the server %s", async (_, route) => {
    await using server = await shelf(route);
    const sent: number[] = [];
    expect(await server.send({ onSent: (count) => sent.push(count) })).toEqual({ status: 204, bytes: size });
    expect(server.digest()).toBe(right);
    expect(server.state.seen.at(-1)).toBe(`PUT ${size}`);
    expect(server.state.seen.filter((line) => line.startsWith("PUT")).length).toBeLessThanOrEqual(3);
    expect(sent).toEqual(sent.toSorted((a, b) => a - b));
  });

  it.each([403, 507])("ends where a part is answered %d", async (status) => {
    await using server = await shelf(refusing(status));
    const code = status === 403 ? "refused" : "device_error";
    expect(await codeOf(server.send())).toEqual({ code, bytesOut: "some" });
    expect(server.state.seen).toEqual(parts.flat().slice(0, 3));
  });

  it("says that some bytes had left when a later part finds nobody", async () => {
    await using server = await shelf((state, request, body) => {
      if (request.method !== "HEAD") return honest(state, request, body);
      server.stop();
      const answer = honest(state, request, body);
      return { ...answer, headers: { ...answer.headers, connection: "close" } };
    });
    expect(await codeOf(server.send())).toEqual({ code: "connect_failed", bytesOut: "some" });
    expect(server.state.seen).toEqual(parts.flat().slice(0, 2));
  });

  it("says whether all bytes had left when the look at the last part fails", async () => {
    let looks = 0;
    await using server = await shelf((state, request, body) => {
      if (request.method === "HEAD" && ++looks > 3) request.socket.destroy();
      return honest(state, request, body);
    });
    expect(await codeOf(server.send())).toEqual({ code: "connection_lost", bytesOut: "all" });
  });

  it("notices another digest where the server tells one", async () => {
    const told = (digest: string): Route => {
      return (state, request, body) => {
        const reply = honest(state, request, body);
        if (request.method !== "HEAD") return reply;
        return { ...reply, headers: { ...reply.headers, "repr-digest": `sha-256=:${digest}:` } };
      };
    };
    await using wrong = await shelf(told("AAAA"));
    await wrong.send();
    expect(wrong.state.seen.at(-1)).toBe(`PUT ${size}`);
    await using good = await shelf(told(Buffer.from(right, "hex").toString("base64")));
    await good.send();
    expect(good.state.seen).toEqual(parts.flat());
  });
});

describe("a PUT that goes on", () => {
  async function interrupted(route: Route = honest) {
    const server = await shelf(route);
    await server.send();
    const resume = server.tokens[1];
    if (resume === undefined) throw new Error("there was no second part");
    server.state.file = Buffer.from(bytes.subarray(0, 600_000));
    server.state.seen.length = 0;
    server.tokens.length = 0;
    return { server, resume };
  }

  it("begins at what was confirmed, having seen that it is ours", async () => {
    const { server, resume } = await interrupted();
    await using _ = server;
    expect(await server.send({ resume })).toEqual({ status: 204, bytes: size });
    expect(server.digest()).toBe(right);
    expect(server.state.seen).toEqual([
      "HEAD 0",
      "GET bytes=0-16383",
      "GET bytes=545760-562143",
      ...parts.slice(2).flat(),
    ]);
    expect(server.tokens[0]).toEqual(resume);
  });

  it.each<[string, (file: Buffer) => Buffer | undefined]>([
    ["gone", () => undefined],
    ["shorter than what was confirmed", (file) => file.subarray(0, 562_143)],
    ["another at its beginning", (file) => Buffer.concat([Buffer.from("x"), file.subarray(1)])],
    ["another where it is to go on", (file) => Buffer.concat([file.subarray(0, 562_143), Buffer.alloc(40_000)])],
  ])("does not where the file is %s", async (_, change) => {
    const { server, resume } = await interrupted();
    await using _server = server;
    server.state.file = change(server.state.file ?? Buffer.alloc(0));
    expect(await codeOf(server.send({ resume }))).toEqual({ code: "upload_gone", bytesOut: "none" });
    expect(server.state.seen.filter((line) => line.startsWith("PUT"))).toEqual([]);
  });

  it("does not where the server gives no ranges", async () => {
    const whole: Route = (state, request, body) => {
      delete request.headers.range;
      return honest(state, request, body);
    };
    const { server, resume } = await interrupted(whole);
    await using _ = server;
    expect(await codeOf(server.send({ resume }))).toMatchObject({ code: "upload_gone" });
  });

  it("does not where the path is another by now, though what is there would be ours", async () => {
    const { server, resume } = await interrupted();
    await using _ = server;
    const { length } = server.state.seen;
    const elsewhere = { ...resume, state: { path: "/other" } };
    expect(await codeOf(server.send({ resume: elsewhere }))).toEqual({ code: "upload_gone", bytesOut: "none" });
    expect(server.state.seen).toHaveLength(length);
  });

  it("ends where the device refuses to be looked at", async () => {
    const { server, resume } = await interrupted();
    await using _ = server;
    await using other = await shelf(() => ({ status: 403 }));
    expect(await codeOf(other.send({ resume }))).toMatchObject({ code: "refused" });
  });
});

describe("options that do not go together", () => {
  it.each<[object, RegExp]>([
    [{ resume: "content-range" }, /options\.resume needs send\.method to be PUT/],
    [{ send: { method: "PUT" }, resume: "content-range", idempotencyKey: true }, /does not go with idempotencyKey/],
    [{ send: { method: "PUT" }, resume: "tus" }, /resume must be "content-range" or false/],
    [{ send: { method: "PUT" }, options: { resume: true } }, /options\.resume must be/],
    [{ part: 1 }, /part must be a whole number of bytes, at least 65536/],
    [{ part: "8M" }, /part must be a whole number/],
    [{ auth: "ntlm" }, /auth must be one of auto, basic, digest, bearer/],
    [{ options: { auth: true } }, /options\.auth must be one of/],
    [{ challenge: "/update" }, /challenge must be a method and a path/],
    [{ challenge: "DELETE /update" }, /challenge must be a method and a path/],
    [{ challenge: "GET //evil/" }, /challenge cannot be sent/],
    [{ options: { challenge: "GET /a\r\nx: y" } }, /options\.challenge must be a method and a path/],
  ])("are refused: %o", (options, message) => {
    expect(() => http(options)).toThrow(message);
  });
});
