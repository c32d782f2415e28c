import type { Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { malformedReplies } from "../../mocks/index.ts";
import { isFlashwaveError } from "../core/errors.ts";
import { answer, CountedChunks, failure, loopback, onRequests, request, serve, upload } from "./rig.suite.ts";

const timeouts = { response: 150 };
const whole = (bytes: string) => (socket: Socket) => onRequests(socket, () => socket.write(bytes, "latin1"));

describe("answers that are not HTTP, or stop half-way", () => {
  it.each(Object.entries(malformedReplies))("%s: settles, as an answer or with a code of its own", async (_, reply) => {
    for (const leave of ["open", "ended"]) {
      await using server = await serve((socket) =>
        onRequests(socket, () => (leave === "open" ? socket.write(reply, "latin1") : socket.end(reply, "latin1"))),
      );
      await using transport = loopback({ timeouts });
      const outcome = await transport.exchange(server.url, request()).catch((error: unknown) => error);
      if (isFlashwaveError(outcome)) {
        const codes = ["malformed_reply", "connection_lost", "response_timeout", "reply_too_large"];
        expect(codes).toContain(outcome.code);
        expect(outcome.bytesOut).toBe("all");
      } else {
        expect(outcome).toMatchObject({ status: expect.any(Number), sent: "all" });
      }
      expect(transport.statistics().inFlight).toBe(0);
    }
  });

  it("neither believes nor carries over what is left on the connection", async () => {
    await using server = await serve((socket) =>
      onRequests(socket, () => socket.write(answer(200, "one") + answer(200, "two"))),
    );
    await using transport = loopback();
    for (let i = 0; i < 3; i++) {
      const reply = await transport.exchange(server.url, request());
      expect(Buffer.from(reply.body).toString()).toBe("one");
    }
    expect(server.sockets).toHaveLength(3);
  });
});

describe("bytes that belong to no body", () => {
  const chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
  const pour = (socket: Socket, filler: string): void => {
    if (!socket.destroyed) socket.write(filler.repeat(65_536), "latin1", () => setImmediate(pour, socket, filler));
  };

  it.each([
    ["a reason", "HTTP/1.1 200 ", "a"],
    ["a chunk's size", chunked, "0"],
    ["a chunk's extension", `${chunked}5;`, "a"],
  ])("%s without end is too large, whatever time is left", async (_, head, filler) => {
    await using server = await serve((socket) =>
      onRequests(socket, () => {
        socket.write(head);
        pour(socket, filler);
      }),
    );
    await using transport = loopback({ timeouts: { response: 60_000 }, limits: { responseBytes: 1000 } });
    const error = await failure(transport.exchange(server.url, request()));
    expect(error).toMatchObject({ code: "reply_too_large", bytesOut: "all" });
    expect(transport.statistics()).toMatchObject({ connections: 0, inFlight: 0 });
  });

  it("leave room for a body in chunks of one byte each", async () => {
    const bytes = 500_000;
    await using server = await serve(whole(`${chunked}${"1\r\nx\r\n".repeat(bytes)}0\r\n\r\n`));
    await using transport = loopback({ timeouts: { response: 60_000 }, limits: { responseBytes: bytes } });
    expect((await transport.exchange(server.url, request())).body).toHaveLength(bytes);
  });

  it("are counted for each answer on a kept connection anew", async () => {
    const hints = `HTTP/1.1 103 Hints\r\nx: ${"a".repeat(15_000)}\r\n\r\n`.repeat(49);
    await using server = await serve((socket) =>
      onRequests(socket, () => {
        socket.write(hints);
        // Longer than from one look at the table of deadlines to the next.
        setTimeout(() => socket.write(hints + answer(200, "one")), 120);
      }),
    );
    await using transport = loopback({ timeouts: { response: 60_000 }, limits: { responseBytes: 1000 } });
    for (let i = 0; i < 3; i++) expect(await transport.exchange(server.url, request())).toMatchObject({ status: 200 });
    expect(server.sockets).toHaveLength(1);
  });
});

describe("which code says what", () => {
  it.each([
    ["noise", "malformed_reply", "\0\0\0\0"],
    ["an unsolicited 100 Continue", "malformed_reply", "HTTP/1.1 100 Continue\r\n\r\n"],
    ["an upgrade nobody asked for", "malformed_reply", "HTTP/1.1 101 S\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n"],
    ["two lengths", "malformed_reply", "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab"],
    ["a flood of interim answers", "malformed_reply", "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(101)],
    ["long headers", "reply_too_large", `HTTP/1.1 200 OK\r\nx: ${"a".repeat(20_000)}\r\n\r\n`],
    ["many headers", "reply_too_large", `HTTP/1.1 200 OK\r\n${"x-name: value\r\n".repeat(2000)}\r\n`],
    ["a body announced above the cap", "reply_too_large", "HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n"],
    [
      "a chunked body above the cap",
      "reply_too_large",
      `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3e9\r\n${"x".repeat(1001)}\r\n`,
    ],
    ["an endless body", "reply_too_large", `HTTP/1.1 200 OK\r\n\r\n${"x".repeat(100_000)}`],
  ])("%s is %s", async (_, code, bytes) => {
    await using server = await serve(whole(bytes));
    await using transport = loopback({ timeouts, limits: { responseBytes: 1000 } });
    const error = await failure(transport.exchange(server.url, request()));
    expect(error).toMatchObject({ code, bytesOut: "all", retryable: true, phase: "inspect" });
    expect(transport.statistics()).toMatchObject({ connections: 0, inFlight: 0 });
  });

  it.each([
    ["before an answer", "", 0],
    ["within a status line", "HTTP/1.1 2", 0],
    ["within the headers", "HTTP/1.1 200 OK\r\ncontent-le", 0],
    ["within a body", "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc", 200],
    ["within a chunk", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\na\r\nabc", 200],
  ])("a connection that ends %s is lost", async (_, bytes, status) => {
    await using server = await serve((socket) => onRequests(socket, () => socket.end(bytes)));
    await using transport = loopback();
    const error = await failure(transport.exchange(server.url, upload(Buffer.from("x"))));
    expect(error).toMatchObject({ code: "connection_lost", bytesOut: "all", phase: "send" });
    expect(error.reply?.status ?? 0).toBe(status);
  });

  it("takes 100 interim answers and exactly the cap", async () => {
    await using server = await serve(whole("HTTP/1.1 102 P\r\n\r\n".repeat(100) + answer(200, "x".repeat(1000))));
    await using transport = loopback({ limits: { responseBytes: 1000 } });
    expect((await transport.exchange(server.url, request())).body).toHaveLength(1000);
  });

  it("a lost connection in the middle of a body says so, and gives the source back", async () => {
    await using server = await serve((socket) => socket.once("data", () => socket.resetAndDestroy()));
    await using transport = loopback();
    const body = new CountedChunks(50_000_000);
    const error = await failure(transport.exchange(server.url, upload(body)));
    expect(error).toMatchObject({ code: "connection_lost", bytesOut: "some", phase: "send" });
    await body.released;
    expect([body.begun, body.ended]).toEqual([1, 1]);
  });

  it("a refused connection never touched the source", async () => {
    const server = await serve();
    await server.close();
    await using transport = loopback();
    const body = new CountedChunks(1_000_000);
    const error = await failure(transport.exchange(server.url, upload(body)));
    expect(error).toMatchObject({ code: "connect_failed", phase: "connect", bytesOut: "none", retryable: true });
    expect(error.message).toContain("ECONNREFUSED");
    expect([body.begun, body.ended]).toEqual([0, 0]);
    expect(transport.statistics()).toMatchObject({ connections: 0, failed: 1, opened: 0 });
  });
});
