import { once } from "node:events";
import type { Socket } from "node:net";
import { describe, expect, it } from "vitest";
import type { TransportOptions } from "./options.ts";
import {
  answer,
  CountedChunks,
  failure,
  loopback,
  onRequests,
  request,
  StillClock,
  serve,
  upload,
} from "./rig.suite.ts";

/** A transport in which time passes only when told. */
const timed = (options: TransportOptions = {}) => {
  const clock = new StillClock();
  return { clock, transport: loopback({ clock, ...options }), far: clock.now() + 10_000_000 };
};

/** Lets the loop turn until nothing is left to do at once. */
const settled = async () => {
  for (let i = 0; i < 20; i++) await new Promise(setImmediate);
};

describe("limits", () => {
  it("connect: nothing was sent, by default after 10 s", async () => {
    const { clock, transport, far } = timed({ lookup: () => undefined });
    const ending = failure(transport.exchange("http://device.lan", request({ deadline: far })));
    clock.advance(9950);
    expect(transport.statistics().inFlight).toBe(1);
    clock.advance(100);
    expect(await ending).toMatchObject({
      code: "connect_timeout",
      phase: "connect",
      bytesOut: "none",
      retryable: true,
    });
    expect(transport.statistics()).toMatchObject({ connections: 0, inFlight: 0 });
    await transport[Symbol.asyncDispose]();
  });

  it("connect covers the TLS handshake", async () => {
    const { clock, transport, far } = timed();
    await using server = await serve();
    const accepted = server.connection();
    const ending = failure(transport.exchange(server.url.replace("http", "https"), request({ deadline: far })));
    await once(await accepted, "data");
    clock.advance(10_100);
    expect(await ending).toMatchObject({ code: "connect_timeout", bytesOut: "none" });
    await transport[Symbol.asyncDispose]();
  });

  it("stall: the device stops reading, by default for 60 s", async () => {
    const { clock, transport, far } = timed();
    await using server = await serve((socket) => socket.pause());
    const accepted = server.connection();
    const body = new CountedChunks(50_000_000);
    const ending = failure(transport.exchange(server.url, upload(body, { deadline: far })));
    await once(await accepted, "readable");
    await settled();
    clock.advance(59_950);
    expect(transport.statistics().inFlight).toBe(1);
    clock.advance(150);
    expect(await ending).toMatchObject({ code: "stall_timeout", phase: "send", bytesOut: "some", retryable: true });
    await body.released;
    await transport[Symbol.asyncDispose]();
  });

  it("stall begins anew with every byte that is taken", async () => {
    const { clock, transport, far } = timed();
    await using server = await serve((socket) => socket.pause());
    const accepted = server.connection();
    let sent = 0;
    const body = new CountedChunks(30_000_000);
    const whole = transport.exchange(server.url, upload(body, { deadline: far, onSent: (bytes) => (sent = bytes) }));
    const socket: Socket = await accepted;
    await once(socket, "readable");
    let rest = 30_000_000;
    let stood = 0;
    while (rest > 0) {
      await settled();
      clock.advance(30_000);
      const before = sent;
      while (sent === before && rest > 0) {
        rest -= (socket.read() as Buffer | null)?.length ?? 0;
        await new Promise(setImmediate);
      }
      stood++;
      if (rest < 300) break;
    }
    expect(stood).toBeGreaterThan(3);
    socket.resume();
    socket.write(answer(200));
    expect((await whole).status).toBe(200);
    await transport[Symbol.asyncDispose]();
  });

  it("a chunk that leaves in pieces shows signs of life, and progress, with each of them", async () => {
    const { clock, transport, far } = timed();
    await using server = await serve((socket) => socket.pause());
    const accepted = server.connection();
    // More than the 24 MB that the device takes and all that kernels keep between them: tcp_rmem allows up to 32 MiB.
    const total = 96_000_000;
    const one = {
      length: total,
      async *[Symbol.asyncIterator]() {
        yield Buffer.alloc(total);
      },
    };
    const told: number[] = [];
    const whole = transport.exchange(server.url, upload(one, { deadline: far, onSent: (bytes) => told.push(bytes) }));
    const socket: Socket = await accepted;
    await once(socket, "readable");
    let left = total;
    for (let step = 0; step < 8; step++) {
      // Half the stall limit passes, then the device takes 3 MB.
      clock.advance(30_000);
      for (const goal = left - 3_000_000; left > goal; await new Promise(setImmediate)) {
        left -= (socket.read() as Buffer | null)?.length ?? 0;
      }
      await settled();
      clock.advance(50);
    }
    expect(told.length).toBeGreaterThan(4);
    expect(told).toEqual(told.toSorted((a, b) => a - b));
    expect(told.at(-1)).toBeLessThan(total);
    for (; left > 0; await new Promise(setImmediate)) left -= (socket.read() as Buffer | null)?.length ?? 0;
    socket.write(answer(200));
    expect((await whole).status).toBe(200);
    expect(told.at(-1)).toBe(total);
    await transport[Symbol.asyncDispose]();
  });

  it("stall does not count while the source is the slow one", async () => {
    const { clock, transport, far } = timed();
    await using server = await serve((socket) => onRequests(socket, () => socket.write(answer(200))));
    const asked = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    const slow = {
      length: 8,
      async *[Symbol.asyncIterator]() {
        yield Buffer.alloc(4);
        asked.resolve();
        await go.promise;
        yield Buffer.alloc(4);
      },
    };
    const whole = transport.exchange(server.url, upload(slow, { deadline: far }));
    await asked.promise;
    clock.advance(600_000);
    go.resolve();
    expect((await whole).sent).toBe("all");
    await transport[Symbol.asyncDispose]();
  });

  it("response: the device does not answer, by default for 30 s after the last byte", async () => {
    const { clock, transport, far } = timed();
    await using server = await serve((socket) => onRequests(socket, () => socket.emit("asked")));
    for (const one of [request({ deadline: far }), upload(new CountedChunks(1_000_000), { deadline: far })]) {
      const accepted = server.connection();
      const ending = failure(transport.exchange(server.url, one));
      await once(await accepted, "asked");
      await settled();
      clock.advance(29_950);
      expect(transport.statistics().inFlight).toBe(1);
      clock.advance(150);
      const error = await ending;
      expect(error).toMatchObject({ code: "response_timeout", bytesOut: "all", retryable: true });
      expect(error.message).toContain("did not answer for 30000 ms");
    }
    await transport[Symbol.asyncDispose]();
  });

  it("response begins anew with each interim answer and each piece, and says when an answer stopped", async () => {
    const { clock, transport, far } = timed();
    await using server = await serve((socket) => onRequests(socket, () => socket.emit("asked")));
    const accepted = server.connection();
    let interim = 0;
    const ending = failure(transport.exchange(server.url, request({ deadline: far, onInformation: () => interim++ })));
    const socket = await accepted;
    await once(socket, "asked");
    for (let i = 1; i <= 4; i++) {
      clock.advance(25_000);
      socket.write("HTTP/1.1 102 Processing\r\n\r\n");
      await expect.poll(() => interim).toBe(i);
    }
    clock.advance(25_000);
    socket.write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n");
    for (let i = 0; i < 4; i++) {
      await settled();
      clock.advance(25_000);
      socket.write("x");
    }
    await settled();
    clock.advance(30_100);
    const error = await ending;
    expect(error).toMatchObject({
      code: "response_timeout",
      message: expect.stringContaining("nothing more of its answer"),
    });
    expect(error.reply?.status).toBe(200);
    await transport[Symbol.asyncDispose]();
  });

  it("the deadline ends what no other limit does: a drip of one byte after the other", async () => {
    const { clock, transport } = timed();
    await using server = await serve((socket) =>
      onRequests(socket, () => {
        socket.write("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n");
        socket.emit("asked");
      }),
    );
    const accepted = server.connection();
    const ending = failure(transport.exchange(server.url, request({ deadline: clock.now() + 100_000 })));
    const socket = await accepted;
    await once(socket, "asked");
    for (let passed = 0; passed < 100_000; passed += 10_000) {
      socket.write(".");
      await settled();
      expect(transport.statistics().inFlight).toBe(1);
      clock.advance(10_000);
    }
    expect(await ending).toMatchObject({ code: "deadline_exceeded", bytesOut: "all", retryable: true });
    await transport[Symbol.asyncDispose]();
  });

  it("the time of waiting for the pace is added to the deadline", async () => {
    const { clock, transport } = timed();
    await using server = await serve((socket) => onRequests(socket, () => socket.emit("asked")));
    const go: (() => void)[] = [];
    const pace = { take: () => new Promise<void>((resolve) => void go.push(resolve)) };
    const accepted = server.connection();
    const body = [Buffer.alloc(1000), Buffer.alloc(1000)];
    const ending = failure(transport.exchange(server.url, upload(body, { deadline: clock.now() + 20_000, pace })));
    const socket = await accepted;
    for (let i = 1; i <= 2; i++) {
      await expect.poll(() => go.length).toBe(i);
      clock.advance(500_000);
      go[i - 1]?.();
    }
    await once(socket, "asked");
    await settled();
    clock.advance(19_900);
    expect(transport.statistics().inFlight).toBe(1);
    clock.advance(200);
    expect(await ending).toMatchObject({ code: "deadline_exceeded" });
    await transport[Symbol.asyncDispose]();
  });
});

it("with the clock of the machine, every limit acts within ten times its length", async () => {
  const timeouts = { connect: 60, stall: 60, response: 60 };
  await using silent = await serve((socket) => socket.pause());
  await using mute = await serve((socket) => socket.resume());
  await using transport = loopback({ timeouts, lookup: () => undefined });
  const codes = await Promise.all([
    failure(transport.exchange("http://device.lan", request())),
    failure(transport.exchange(silent.url, upload(new CountedChunks(30_000_000)))),
    failure(transport.exchange(mute.url, request())),
    failure(transport.exchange(mute.url, request({ deadline: performance.now() + 20 }))),
  ]);
  expect(codes.map(({ code }) => code)).toEqual([
    "connect_timeout",
    "stall_timeout",
    "response_timeout",
    "deadline_exceeded",
  ]);
}, 6000);
