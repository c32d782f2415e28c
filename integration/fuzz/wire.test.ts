import { createHash } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer, type Socket } from "node:net";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect } from "vitest";
import type { ExchangeReply, Transport } from "../../src/core/transport.ts";
import { createTransport } from "../../src/http/index.ts";
import { settled } from "../kit.ts";
import { bent } from "./bent.ts";
import { fuzzLaterTest, judgeLater, type Verdict } from "./kit.ts";
import { documents, replies } from "./recorded.ts";

/** What the server says to the request for `/<number>`, in one piece or in two. */
const scripts = new Map<string, readonly Uint8Array[]>();
const sockets = new Set<Socket>();

const server = createServer((socket) => {
  sockets.add(socket);
  socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
  let head = "";
  const onData = (data: Buffer) => {
    head += data.toString("latin1");
    if (!head.includes("\r\n\r\n")) return;
    socket.off("data", onData).resume();
    void say(socket, head);
  };
  socket.on("data", onData);
});

async function say(socket: Socket, head: string): Promise<void> {
  const [, path = "", channel] = /^\w+ \/(\w+)(\/ws)?/.exec(head) ?? [];
  if (channel !== undefined) socket.write(switched(head));
  for (const part of scripts.get(path) ?? []) {
    socket.write(part);
    await new Promise((resolve) => setImmediate(resolve));
  }
  socket.end();
}

function switched(head: string): string {
  const key = /sec-websocket-key: (\S+)/i.exec(head)?.[1];
  const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;
}

const cap = 65_536;
let origin: string;
let transport: Transport;
beforeAll(async () => {
  server.listen({ host: "127.0.0.1", port: 0, backlog: 1_024 });
  await once(server, "listening");
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  transport = createTransport({
    addressPolicy: { permit: ["127.0.0.0/8"] },
    limits: { responseBytes: cap },
    timeouts: { response: 5_000, stall: 5_000 },
  });
});
afterAll(async () => {
  // Whatever came: every exchange is over, and every connection can be closed.
  expect(transport.statistics().inFlight).toBe(0);
  await transport[Symbol.asyncDispose]();
  await settled(() => sockets.size, 0);
  server.close();
});

const batch = 40;
let next = 0;

/** Says `bytes` to one request, cut at `cut`, and looks at what is made of it. */
async function ask(bytes: Buffer, cut: number, body: Uint8Array | undefined): Promise<Verdict<ExchangeReply>> {
  const name = String(next++);
  scripts.set(name, [bytes.subarray(0, cut % (bytes.length + 1)), bytes.subarray(cut % (bytes.length + 1))]);
  const verdict = await judgeLater(async () => {
    const reply = await transport.exchange(origin, {
      method: body === undefined ? "GET" : "POST",
      path: `/${name}`,
      phase: body === undefined ? "inspect" : "send",
      deadline: performance.now() + 20_000,
      body,
    });
    expect(reply.status >= 200 && reply.status <= 999).toBe(true);
    expect(reply.body.length).toBeLessThanOrEqual(cap);
    for (const [header] of reply.headers) expect(header).toBe(header.toLowerCase());
    return reply;
  });
  scripts.delete(name);
  return verdict;
}

const http = replies.flatMap((reply) => [reply, reply + replies[0]]);
const asked = fc.tuple(bent(http), fc.nat(400), fc.constantFrom(undefined, Buffer.alloc(100, 7)));

describe("on a real socket", () => {
  fuzzLaterTest(
    "an answer is one answer under the cap, or an error with a code",
    10_000,
    fc.array(asked, { minLength: batch, maxLength: batch }),
    (all) => Promise.all(all.map(([bytes, cut, body]) => ask(bytes, cut, body))),
    batch,
  );

  const unmasked = (text: string): string => {
    const bytes = Buffer.from(text);
    const head = bytes.length < 126 ? [0x81, bytes.length] : [0x81, 126, bytes.length >> 8, bytes.length & 255];
    return Buffer.concat([Buffer.from(head), bytes]).toString("latin1");
  };
  const frames = [
    ...documents.slice(-2).map(unmasked),
    unmasked("x".repeat(300)),
    ...["\x89\x02hi", "\x8a\x00", "\x88\x02\x03\xe8", "\x01\x01a\x80\x01b", "\x82\x01\x00", "\xc1\x01a"],
  ];
  const stream = fc
    .array(fc.constantFrom(...frames), { minLength: 1, maxLength: 3 })
    .chain((parts) => bent([parts.join("")]))
    .map((bytes) => Buffer.from(bytes.toString("utf8"), "latin1"));

  fuzzLaterTest(
    "a websocket gives whole texts, and ends with a code",
    4_000,
    fc.array(stream, { minLength: batch, maxLength: batch }),
    (all) =>
      Promise.all(
        all.map(async (bytes): Promise<Verdict<unknown>> => {
          const name = String(next++);
          scripts.set(name, [bytes]);
          const texts: string[] = [];
          const verdict = await judgeLater(async () => {
            const opened = await transport.channel(origin, {
              path: `/${name}/ws`,
              phase: "settle",
              deadline: performance.now() + 20_000,
              onText: (text) => void texts.push(text),
            });
            if ("status" in opened) throw new Error("it switched protocols");
            const end = await opened.closed;
            expect(["connection_lost", "malformed_reply"]).toContain(end?.code);
            return end?.code;
          });
          scripts.delete(name);
          for (const text of texts) expect(text.length).toBeLessThanOrEqual(cap);
          return "value" in verdict && verdict.value === "connection_lost" ? verdict : { refused: "malformed_reply" };
        }),
      ),
    batch,
  );
});
