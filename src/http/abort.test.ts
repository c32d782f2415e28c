import { once } from "node:events";
import type { Socket } from "node:net";
import { describe, expect, it } from "vitest";
import {
  answer,
  answering,
  CountedChunks,
  failure,
  loopback,
  onRequests,
  request,
  StillClock,
  serve,
  upload,
} from "./rig.suite.ts";

/** Time stands still here: only the signal itself can end an exchange. */
const still = () => {
  const clock = new StillClock();
  return { clock, deadline: clock.now() + 1000 };
};

describe("the caller's signal ends an exchange at once", () => {
  it("while the connection is being opened", async () => {
    const { clock, deadline } = still();
    const controller = new AbortController();
    // A name that never resolves: the exchange cannot get any further.
    await using transport = loopback({ clock, lookup: () => undefined });
    const ending = failure(
      transport.exchange("http://device.lan", request({ deadline, signal: controller.signal, phase: "send" })),
    );
    expect(transport.statistics().inFlight).toBe(1);
    controller.abort("enough");
    expect(await ending).toMatchObject({ code: "aborted", phase: "send", bytesOut: "none", cause: "enough" });
    expect(transport.statistics()).toMatchObject({ connections: 0, inFlight: 0 });
  });

  it("before a byte of the body has left, while the source is slow", async () => {
    const { clock, deadline } = still();
    const controller = new AbortController();
    await using server = await serve();
    await using transport = loopback({ clock });
    const asked = Promise.withResolvers<void>();
    const resume = Promise.withResolvers<void>();
    let returned = 0;
    const slow = {
      length: 10,
      async *[Symbol.asyncIterator]() {
        try {
          asked.resolve();
          await resume.promise;
          yield Buffer.alloc(10);
        } finally {
          returned++;
        }
      },
    };
    const ending = failure(transport.exchange(server.url, upload(slow, { deadline, signal: controller.signal })));
    await asked.promise;
    controller.abort();
    expect(await ending).toMatchObject({ code: "aborted", bytesOut: "none" });
    resume.resolve();
    await expect.poll(() => returned).toBe(1);
    expect(server.sockets.map((socket) => socket.bytesRead)).toEqual([0]);
  });

  it("in the middle of a body, and the source is given back", async () => {
    const { clock, deadline } = still();
    const controller = new AbortController();
    await using server = await serve((socket) => socket.pause());
    await using transport = loopback({ clock });
    const body = new CountedChunks(50_000_000);
    const accepted = server.connection();
    const ending = failure(transport.exchange(server.url, upload(body, { deadline, signal: controller.signal })));
    const socket = await accepted;
    await once(socket, "readable");
    controller.abort();
    expect(await ending).toMatchObject({ code: "aborted", bytesOut: "some", retryable: false });
    await body.released;
    expect([body.begun, body.ended]).toEqual([1, 1]);
  });

  it("from within onSent", async () => {
    const { clock, deadline } = still();
    await using server = await serve((socket) => socket.resume());
    await using transport = loopback({ clock });
    for (const body of [Buffer.from("small"), Buffer.alloc(1_000_000), new CountedChunks(5_000_000)]) {
      const controller = new AbortController();
      const changes = { deadline, signal: controller.signal, onSent: () => controller.abort() };
      expect(await failure(transport.exchange(server.url, upload(body, changes)))).toMatchObject({ code: "aborted" });
    }
    expect(transport.statistics()).toMatchObject({ connections: 0, inFlight: 0 });
  });

  it("while the answer is awaited", async () => {
    const { clock, deadline } = still();
    const controller = new AbortController();
    await using server = await serve((socket) => onRequests(socket, () => socket.emit("asked")));
    await using transport = loopback({ clock });
    const accepted = server.connection();
    const ending = failure(
      transport.exchange(server.url, upload(Buffer.from("x"), { deadline, signal: controller.signal })),
    );
    const socket = await accepted;
    await once(socket, "asked");
    controller.abort();
    expect(await ending).toMatchObject({ code: "aborted", bytesOut: "all" });
    await once(socket, "close");
  });

  it("in the middle of an answer", async () => {
    const { clock, deadline } = still();
    const controller = new AbortController();
    await using server = await serve((socket) =>
      onRequests(socket, () => socket.write("HTTP/1.1 102 P\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\npart")),
    );
    await using transport = loopback({ clock });
    const ending = failure(
      transport.exchange(
        server.url,
        request({ deadline, signal: controller.signal, onInformation: () => setImmediate(() => controller.abort()) }),
      ),
    );
    const error = await ending;
    expect(error).toMatchObject({ code: "aborted", bytesOut: "all" });
    expect(error.reply).toEqual({ status: 200 });
  });

  it("while it waits for the pace", async () => {
    const { clock, deadline } = still();
    const controller = new AbortController();
    await using server = await serve();
    await using transport = loopback({ clock });
    const body = new CountedChunks(1_000_000);
    const waiting = Promise.withResolvers<void>();
    let left = 0;
    const pace = {
      take: (_: number, signal?: AbortSignal) =>
        new Promise<void>((__, reject) => {
          signal?.addEventListener("abort", () => {
            left++;
            reject(signal.reason);
          });
          waiting.resolve();
        }),
    };
    const ending = failure(transport.exchange(server.url, upload(body, { deadline, signal: controller.signal, pace })));
    await waiting.promise;
    controller.abort();
    expect(await ending).toMatchObject({ code: "aborted", bytesOut: "none" });
    expect(left).toBe(1);
    await body.released;
  });

  it("and leaves no listener behind, however an exchange ends", async () => {
    await using server = await serve((socket, index) =>
      onRequests(socket, () => (index === 0 ? socket.write(answer(200)) : socket.destroy())),
    );
    await using transport = loopback();
    const { signal } = new AbortController();
    let listeners = 0;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners++;
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners--;
      remove(...args);
    };
    await transport.exchange(server.url, request({ signal, keepAlive: false }));
    await failure(transport.exchange(server.url, request({ signal })));
    await failure(transport.exchange(server.url, request({ signal, path: "bad" })));
    expect(listeners).toBe(0);
  });

  it("and does nothing once the answer is there", async () => {
    await using server = await serve(answering());
    await using transport = loopback();
    const controller = new AbortController();
    const reply = await transport.exchange(server.url, request({ signal: controller.signal }));
    controller.abort();
    expect(reply.status).toBe(200);
    await transport.exchange(server.url, request());
    expect(server.sockets).toHaveLength(1);
    expect((server.sockets[0] as Socket).destroyed).toBe(false);
  });
});
