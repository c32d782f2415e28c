import { createHash } from "node:crypto";
import type { Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { createCertificateAuthority } from "../../mocks/index.ts";
import { until } from "../../mocks/until.ts";
import type { ChannelRequest, DeviceChannel, ExchangeReply, Transport } from "../core/transport.ts";
import type { TransportOptions } from "./options.ts";
import { answer, answering, failure, loopback, onRequests, request, type SeenRequest, serve } from "./rig.suite.ts";

const accept = (head: string) =>
  createHash("sha1")
    .update(`${/sec-websocket-key: (\S+)/i.exec(head)?.[1]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest("base64");
const switched = (head: string, more = "") =>
  `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept(head)}\r\n${more}\r\n`;

/** RFC 6455 §5.2, unmasked as a server sends it. `first` is FIN, reserved bits and opcode. */
function frame(first: number, payload: string | Buffer = "", announced = Buffer.byteLength(payload)): Buffer {
  const head = announced < 126 ? Buffer.from([first, announced]) : Buffer.alloc(announced < 65_536 ? 4 : 10);
  if (announced >= 126) {
    head.set([first, announced < 65_536 ? 126 : 127]);
    if (announced < 65_536) head.writeUInt16BE(announced, 2);
    else head.writeBigUInt64BE(BigInt(announced), 2);
  }
  return Buffer.concat([head, Buffer.from(payload)]);
}
const text = (payload: string) => frame(0x81, payload);

const opening = (server: (socket: Socket, seen: SeenRequest) => void) => (socket: Socket) =>
  onRequests(socket, (seen) => server(socket, seen));

/** A device that switches protocols and goes on with `then`. */
const device = (then: (socket: Socket) => void = () => undefined) =>
  serve(
    opening((socket, { head }) => {
      socket.write(switched(head));
      then(socket);
    }),
  );

const listen = (changes: Partial<ChannelRequest> = {}): ChannelRequest => ({
  path: "/ws",
  phase: "send",
  deadline: performance.now() + 30_000,
  onText: () => undefined,
  ...changes,
});

async function open(transport: Transport, url: string, changes: Partial<ChannelRequest> = {}): Promise<DeviceChannel> {
  const opened = await transport.channel(url, listen(changes));
  if ("status" in opened) throw new Error(`answered ${opened.status}`);
  return opened;
}

const idle = { connections: 0, inFlight: 0 };

describe("a channel", () => {
  it("gives each message as it came, and says goodbye", async () => {
    const seen: Buffer[] = [];
    const heads: string[] = [];
    await using server = await serve((socket) => {
      socket.on("data", (data: Buffer) => seen.push(data));
      onRequests(socket, ({ head }) => {
        heads.push(head);
        const half = [frame(0x01, "th"), frame(0x89, "ping"), frame(0x80, "ree")];
        socket.write(Buffer.concat([Buffer.from(switched(head)), text("one"), text("zwei – ✓"), ...half]));
      });
    });
    await using transport = loopback();
    const texts: string[] = [];
    const headers = ["authorization", "Digest x"];
    const channel = await open(transport, server.url, { headers, onText: (message) => texts.push(message) });
    expect(channel.peer).toBe("none");
    await until(() => texts.length === 3);
    expect(texts).toEqual(["one", "zwei – ✓", "three"]);
    expect(transport.statistics()).toMatchObject({ connections: 1, inFlight: 0, opened: 1 });
    channel.close();
    channel.close();
    expect(await channel.closed).toBeUndefined();
    expect(transport.statistics()).toMatchObject(idle);
    await until(() => server.sockets[0]?.closed);
    const lines = heads[0]?.split("\r\n") ?? [];
    expect(lines.filter((line) => !/^sec-websocket-key: [\w+/=]{24}$/.test(line))).toEqual([
      "GET /ws HTTP/1.1",
      `host: 127.0.0.1:${server.port}`,
      "connection: upgrade",
      "upgrade: websocket",
      "authorization: Digest x",
      "sec-websocket-version: 13",
    ]);
    // Masked pong (0x8a) and close (0x88), as RFC 6455 §5.1 asks of clients.
    const frames = Buffer.concat(seen.slice(1));
    expect(frames.subarray(0, 2)).toEqual(Buffer.from([0x8a, 0x84]));
    expect(frames.subarray(10, 12)).toEqual(Buffer.from([0x88, 0x82]));
  });

  it("waits for a connection like an exchange, and takes its place", async () => {
    await using server = await device();
    await using transport = loopback({ limits: { connections: 1 } });
    const first = await open(transport, server.url);
    const second = open(transport, server.url);
    expect(transport.statistics()).toMatchObject({ connections: 1, inFlight: 0 });
    first.close();
    const opened = await second;
    expect(transport.statistics()).toMatchObject({ connections: 1, inFlight: 0, opened: 2 });
    opened.close();
    expect(transport.statistics()).toMatchObject(idle);
  });

  it("opens on a connection that an exchange left", async () => {
    await using server = await serve(
      opening((socket, { head }) => socket.write(head.includes("upgrade") ? switched(head) : answer(200, "ok"))),
    );
    await using transport = loopback();
    await transport.exchange(server.url, request());
    const channel = await open(transport, server.url);
    expect(transport.statistics()).toMatchObject({ opened: 1, reused: 1 });
    channel.close();
  });

  it("ends with the transport and with the caller's signal", async () => {
    await using server = await device();
    const transport = loopback();
    const controller = new AbortController();
    const one = await open(transport, server.url, { signal: controller.signal });
    const two = await open(transport, server.url);
    controller.abort();
    expect(await one.closed).toMatchObject({ code: "aborted" });
    await transport[Symbol.asyncDispose]();
    expect(await two.closed).toMatchObject({ code: "client_closed" });
    expect(transport.statistics()).toMatchObject(idle);
    expect(await failure(open(transport, server.url))).toMatchObject({ code: "client_closed" });
  });

  it("ends with what onText throws", async () => {
    await using server = await device((socket) => socket.write(text("x")));
    await using transport = loopback();
    const thrown = new Error("no");
    const channel = await open(transport, server.url, {
      onText: () => {
        throw thrown;
      },
    });
    expect(await channel.closed).toBe(thrown);
    expect(transport.statistics()).toMatchObject(idle);
  });
});

const badHandshakes: readonly (readonly [string, (head: string) => string])[] = [
  ["a wrong accept", (head) => switched(head).replace(/Accept: ..../, "Accept: AAAA")],
  ["no accept", (head) => switched(head).replace(/Sec-WebSocket-Accept.*\r\n/, "")],
  ["another protocol", (head) => switched(head).replace("Upgrade: websocket", "Upgrade: h2c")],
  ["an extension that was not offered", (head) => switched(head, "Sec-WebSocket-Extensions: x-webkit\r\n")],
  ["compression that was not offered", (head) => switched(head, "Sec-WebSocket-Extensions: permessage-deflate\r\n")],
  ["a subprotocol that was not asked for", (head) => switched(head, "Sec-WebSocket-Protocol: chat\r\n")],
  ["no HTTP", () => "SSH-2.0-OpenSSH_9.6\r\n\r\n"],
];

describe("an opening that fails", () => {
  it.each(badHandshakes)("for %s", async (_, reply) => {
    await using server = await serve(opening((socket, { head }) => socket.write(reply(head))));
    await using transport = loopback();
    const error = await failure(transport.channel(server.url, listen()));
    expect(error).toMatchObject({ code: "malformed_reply", phase: "send", bytesOut: "none" });
    expect(transport.statistics()).toMatchObject(idle);
  });

  it.each([200, 204, 302, 401, 404, 503])("%d is told as an answer", async (status) => {
    const headers = 'www-authenticate: Digest realm="x"\r\nlocation: http://127.0.0.1:1/\r\n';
    await using server = await serve(answering("no"));
    await using other = await serve(
      opening((socket) => socket.write(answer(status, status === 204 ? "" : "no", headers))),
    );
    await using transport = loopback();
    const reply = (await transport.channel((status === 200 ? server : other).url, listen())) as ExchangeReply;
    expect(reply).toMatchObject({ status, sent: "all", peer: "none" });
    expect(reply.body).toHaveLength(0);
    if (status !== 200) expect(reply.headers.get("www-authenticate")).toBe('Digest realm="x"');
    await until(() => [...server.sockets, ...other.sockets].every((socket) => socket.closed));
    expect(transport.statistics()).toMatchObject(idle);
  });

  it.each<[string, (socket: Socket) => void, TransportOptions, Partial<ChannelRequest>, string]>([
    ["never answers, by the deadline", () => undefined, {}, {}, "deadline_exceeded"],
    ["never answers", () => undefined, { timeouts: { response: 100 } }, {}, "response_timeout"],
    ["ends the connection", (socket) => socket.end(), {}, {}, "connection_lost"],
    ["resets it", (socket) => socket.resetAndDestroy(), {}, {}, "connection_lost"],
    ["sends half a head", (socket) => socket.end("HTTP/1.1 101 Switch"), {}, {}, "connection_lost"],
    ["sends interim answers only", (s) => s.write("HTTP/1.1 103 Hints\r\n\r\n"), {}, {}, "deadline_exceeded"],
  ])("where the device %s", async (_, behave, options, changes, code) => {
    await using server = await serve(opening((socket) => behave(socket)));
    await using transport = loopback(options);
    const deadline = performance.now() + 300;
    const error = await failure(transport.channel(server.url, listen({ deadline, ...changes })));
    expect(error).toMatchObject({ code, phase: "send", bytesOut: "none", retryable: true });
    expect(transport.statistics()).toMatchObject(idle);
  });

  it("to nobody, to a denied address, with a bad path, and after the fact", async () => {
    const gone = await serve();
    await gone.close();
    await using transport = loopback();
    const refused = await failure(transport.channel(gone.url, listen()));
    expect(refused).toMatchObject({ code: "connect_failed", phase: "connect" });
    const at = (url: string, changes: Partial<ChannelRequest>) => failure(transport.channel(url, listen(changes)));
    expect(await at("http://169.254.0.1", {})).toMatchObject({ code: "address_denied" });
    expect(await at(gone.url, { path: "http://x/" })).toMatchObject({ code: "invalid_path" });
    expect(await at(gone.url, { headers: ["upgrade", "h2c"] })).toMatchObject({ code: "invalid_header" });
    expect(await at(gone.url, { signal: AbortSignal.abort() })).toMatchObject({ code: "aborted" });
    expect(await at(gone.url, { deadline: 0 })).toMatchObject({ code: "deadline_exceeded" });
    expect(transport.statistics()).toMatchObject({ ...idle, failed: 1 });
  });

  it("with the caller's signal while it waits", async () => {
    await using server = await serve();
    await using transport = loopback();
    const controller = new AbortController();
    const opening = failure(transport.channel(server.url, listen({ signal: controller.signal })));
    await until(() => server.sockets.length === 1);
    controller.abort();
    expect(await opening).toMatchObject({ code: "aborted" });
    const early = new AbortController();
    const second = failure(transport.channel(server.url, listen({ signal: early.signal })));
    early.abort();
    expect(await second).toMatchObject({ code: "aborted" });
    expect(transport.statistics()).toMatchObject(idle);
  });
});

const ends: readonly (readonly [string, string, (socket: Socket) => void])[] = [
  ["a frame announces more than the cap", "malformed_reply", (s) => s.write(frame(0x81, "x", 5_000))],
  ["a message grows beyond the cap", "malformed_reply", (s) => s.write(drip(0x01, 0x00, 0x00, 0x00, 0x00))],
  ["frames without end", "malformed_reply", (s) => s.write(Buffer.concat(Array(2_000).fill(frame(0x00))))],
  ["a message is binary", "malformed_reply", (s) => s.write(frame(0x82, "abc"))],
  ["a text is no UTF-8", "malformed_reply", (s) => s.write(frame(0x81, Buffer.from([0xc3, 0x28])))],
  ["a frame is masked", "malformed_reply", (s) => s.write(Buffer.from([0x81, 0x81, 1, 2, 3, 4, 5]))],
  ["a frame is compressed", "malformed_reply", (s) => s.write(frame(0xc1, "abc"))],
  ["an opcode is unknown", "malformed_reply", (s) => s.write(frame(0x83, "abc"))],
  ["pings come as a flood", "malformed_reply", (s) => s.write(Buffer.concat(Array(20_100).fill(frame(0x89))))],
  ["messages come as a flood", "malformed_reply", (s) => s.write(Buffer.concat(Array(20_100).fill(text("x"))))],
  ["it says goodbye", "connection_lost", (s) => s.end(frame(0x88, Buffer.from([0x03, 0xe9])))],
  ["it says goodbye and stays", "connection_lost", (s) => s.write(frame(0x88, Buffer.from([0x03, 0xe9])))],
  ["it ends without goodbye", "connection_lost", (s) => s.end()],
  ["it is reset", "connection_lost", (s) => s.resetAndDestroy()],
  ["it ends in the middle of a frame", "connection_lost", (s) => s.end(frame(0x81, "x", 100))],
];

function drip(...opcodes: readonly number[]): Buffer {
  return Buffer.concat(opcodes.map((opcode) => frame(opcode, "x".repeat(1_000))));
}

describe("an open channel ends where", () => {
  it.each(ends)("%s", async (_, code, behave) => {
    await using server = await device((socket) => setTimeout(() => behave(socket), 20));
    await using transport = loopback({ limits: { responseBytes: 4_096 } });
    const channel = await open(transport, server.url);
    const error = await channel.closed;
    expect(error).toMatchObject({ code, phase: "send" });
    expect(transport.statistics()).toMatchObject(idle);
    await until(() => server.sockets.every((socket) => socket.closed || socket.readableEnded));
  });
});

describe("over TLS", () => {
  const authority = createCertificateAuthority();
  const certificate = authority.issue();
  const tls = { key: certificate.key, cert: certificate.cert };
  const secure = () =>
    serve(
      opening((socket, { head }) => void socket.write(switched(head))),
      { tls },
    );

  it("it trusts whom exchanges trust", async () => {
    await using server = await secure();
    await using transport = loopback({ tls: { ca: authority.cert } });
    const channel = await open(transport, server.url);
    expect(channel.peer).toBe("tls");
    channel.close();
    await using stranger = loopback();
    const error = await failure(stranger.channel(server.url, listen()));
    expect(error).toMatchObject({ code: "tls_failed", phase: "connect" });
  });

  it("a pin decides before a byte leaves", async () => {
    await using server = await secure();
    let bytes = 0;
    server.connection().then((socket) => socket.on("data", (data: Buffer) => (bytes += data.length)));
    await using transport = loopback();
    const pins = [`sha256/${"A".repeat(43)}=`];
    const error = await failure(transport.channel(server.url, listen({ pins })));
    expect(error).toMatchObject({ code: "pin_mismatch", phase: "connect" });
    expect(bytes).toBe(0);
    const right = await open(transport, server.url, { pins: [certificate.pin] });
    expect(right.peer).toBe("pin");
    right.close();
    expect(transport.statistics()).toMatchObject(idle);
  });
});
