import { once } from "node:events";
import type { Socket } from "node:net";
import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { createCertificateAuthority } from "../../mocks/index.ts";
import { answer, answering, CountedChunks, failure, loopback, serve, upload } from "./rig.suite.ts";
import { SentMeter } from "./sent.ts";

const socket = (state: { writableLength?: number; destroyed?: boolean; errored?: Error | null }) =>
  ({ writableLength: 0, destroyed: false, errored: null, ...state }) as Socket;

describe("SentMeter", () => {
  it("says none until a byte may have left", () => {
    const meter = new SentMeter(10);
    expect(meter.bytesOut).toBe("none");
    meter.wrote(5, socket({ errored: new Error("refused") }));
    expect(meter.bytesOut).toBe("none");
    expect(meter.observe(socket({}))).toBe(false);
    meter.wrote(5, socket({}));
    expect(meter.bytesOut).toBe("some");
  });

  it("wants both: all queued, and nothing waiting in a socket that is open", () => {
    const meter = new SentMeter(10);
    meter.wrote(9, socket({}));
    expect(meter.observe(socket({}))).toBe(false);
    meter.wrote(1, socket({}));
    expect(meter.observe(socket({ writableLength: 1 }))).toBe(false);
    expect(meter.observe(socket({ destroyed: true }))).toBe(false);
    expect(meter.observe(undefined)).toBe(false);
    expect(meter.bytesOut).toBe("some");
    expect(meter.observe(socket({}))).toBe(true);
    expect(meter.bytesOut).toBe("all");
  });

  it("takes no body as left once the head was written", () => {
    const meter = new SentMeter(0);
    expect(meter.observe(socket({}))).toBe(false);
    meter.wrote(0, socket({ writableLength: 100 }));
    expect(meter.observe(socket({ writableLength: 100 }))).toBe(true);
  });

  it("never takes it back", () => {
    const meter = new SentMeter(1);
    meter.wrote(1, socket({}));
    expect(meter.observe(socket({}))).toBe(true);
    expect(meter.observe(socket({ writableLength: 9, destroyed: true }))).toBe(true);
  });
});

const size = 50_000_000;
const bodies = {
  chunks: () => new CountedChunks(size),
  "small chunks": () => new CountedChunks(size, 1000),
  "resident bytes": () => Buffer.alloc(size, 1),
  "three segments": () => [Buffer.from("head"), new CountedChunks(size), Buffer.from("tail")],
};

describe.each(Object.entries(bodies))("50 MB as %s", (_, body) => {
  it("counts as sent when the device read all of it", async () => {
    await using server = await serve(answering());
    await using transport = loopback();
    const reported: number[] = [];
    for (let i = 0; i < 2; i++) {
      reported.length = 0;
      const reply = await transport.exchange(server.url, upload(body(), { onSent: (bytes) => reported.push(bytes) }));
      expect(reply).toMatchObject({ status: 200, sent: "all" });
      expect(reported.every((bytes, at) => bytes > (reported[at - 1] ?? 0))).toBe(true);
      expect(reported.at(-1)).toBeGreaterThanOrEqual(size);
    }
    expect(server.sockets).toHaveLength(1);
  });

  it.each([200, 202, 401, 413, 500])("counts as partial when the device answers %d after 4 MB", async (status) => {
    await using server = await serve((socket) => {
      let read = 0;
      const onData = (data: Buffer) => {
        read += data.length;
        if (read < 4_000_000) return;
        // Reads no more, so that the rest has nowhere to go.
        socket.off("data", onData).pause();
        socket.write(answer(status, "early"));
      };
      socket.on("data", onData);
    });
    await using transport = loopback();
    const sent = body();
    const reply = await transport.exchange(server.url, upload(sent));
    expect(reply).toMatchObject({ status, sent: "partial" });
    expect(Buffer.from(reply.body).toString()).toBe("early");
    expect(transport.statistics()).toMatchObject({ connections: 0, inFlight: 0 });
    await given(sent);
    server.sockets[0]?.resume();
    await once(server.sockets[0] as Socket, "close");
    // The connection is not used again: what was left of this body would be taken for the next request.
    void transport.exchange(server.url, upload(Buffer.from("next"))).catch(() => undefined);
    await server.connection();
    expect(server.sockets).toHaveLength(2);
  });
});

/** Every source that was begun was given back, once. */
async function given(body: unknown): Promise<void> {
  for (const source of [body].flat()) {
    if (!(source instanceof CountedChunks)) continue;
    await source.released;
    expect([source.begun, source.ended]).toEqual([1, 1]);
  }
}

it("over TLS to a near device, every body that left counts as sent, also when the device then closes", async () => {
  const authority = createCertificateAuthority();
  const { key, cert } = authority.issue();
  // In a thread of its own: only a device with its own loop answers within one turn of ours.
  const device = new Worker(tlsDevice, { eval: true, workerData: { key, cert } });
  const [port] = await once(device, "message");
  await using transport = loopback({ tls: { ca: authority.cert } });
  for (let round = 0; round < 25; round++) {
    const replies = await Promise.all(
      Array.from({ length: 16 }, () => transport.exchange(`https://127.0.0.1:${port}`, upload(Buffer.alloc(500)))),
    );
    expect(replies.map(({ sent }) => sent)).toEqual(replies.map(() => "all"));
  }
  expect(transport.statistics().reused).toBeGreaterThan(100);
  await transport[Symbol.asyncDispose]();
  await device.terminate();
});

/** Answers each request at once and closes after every fifth. */
const tlsDevice = `
  const { parentPort, workerData } = require("node:worker_threads");
  const server = require("node:tls").createServer(workerData, (socket) => {
    let count = 0;
    socket.on("error", () => undefined);
    socket.on("data", (data) => {
      if (!data.includes("POST")) return;
      if (++count % 5 > 0) socket.write("HTTP/1.1 200 OK\\r\\ncontent-length: 2\\r\\n\\r\\nok");
      else socket.end("HTTP/1.1 200 OK\\r\\nconnection: close\\r\\ncontent-length: 2\\r\\n\\r\\nok");
    });
  });
  server.listen(0, "127.0.0.1", () => parentPort.postMessage(server.address().port));
`;

describe("early answers of other kinds", () => {
  it("a small body behind a socket that does not drain is partial as well", async () => {
    await using server = await serve((socket) => {
      socket.pause();
      socket.write(answer(200, "before anything was read"));
    });
    await using transport = loopback();
    // More than all kernel buffers on the way, in slices: the last one cannot have left.
    const reply = await transport.exchange(server.url, upload(Buffer.alloc(30_000_000)));
    expect(reply.sent).toBe("partial");
  });

  it("an answer and a reset: the answer where it was read first, otherwise a lost connection, never a hang", async () => {
    await using server = await serve((socket) => {
      socket.once("data", () => {
        socket.write(answer(403, "no"));
        setImmediate(() => socket.resetAndDestroy());
      });
    });
    await using transport = loopback();
    for (let i = 0; i < 20; i++) {
      const body = new CountedChunks(size);
      const outcome = await transport.exchange(server.url, upload(body)).catch((error: unknown) => error);
      if (outcome instanceof Error) expect(outcome).toMatchObject({ code: "connection_lost", bytesOut: "some" });
      else expect(outcome).toMatchObject({ status: 403, sent: "partial" });
      await body.released;
      expect(body.ended).toBe(1);
    }
    expect(transport.statistics()).toMatchObject({ connections: 0, inFlight: 0 });
  });

  it("a head without the rest of the answer is no answer, but the error tells its status", async () => {
    await using server = await serve((socket) => {
      socket.once("data", () => {
        socket.end("HTTP/1.1 507 Full\r\ncontent-length: 100\r\n\r\npart");
      });
    });
    await using transport = loopback();
    const body = new CountedChunks(size);
    const error = await failure(transport.exchange(server.url, upload(body)));
    expect(error).toMatchObject({ code: "connection_lost", bytesOut: "some", retryable: true, reply: { status: 507 } });
    await body.released;
  });
});
