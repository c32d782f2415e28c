import { once } from "node:events";
import { describe, expect, it } from "vitest";
import type { ExchangeRequest } from "../core/transport.ts";
import {
  answer,
  answering,
  failure,
  loopback,
  onRequests,
  request,
  type SeenRequest,
  serve,
  text,
  upload,
} from "./rig.suite.ts";
import { createTransport } from "./transport.ts";

describe("one exchange", () => {
  it("sends the request as given and returns the answer as it came", async () => {
    const seen: SeenRequest[] = [];
    await using server = await serve((socket) =>
      onRequests(socket, (one) => {
        seen.push(one);
        socket.write(answer(201, "made", "X-One: 1\r\nContent-Type: text/plain\r\n"));
      }),
    );
    await using transport = loopback();
    const headers = Object.freeze(["content-type", "application/octet-stream", "x-device", "pos-1"]);
    const body = Buffer.from("firmware");
    const reply = await transport.exchange(server.url, upload(body, { method: "PUT", path: "/u?slot=b", headers }));
    expect(reply).toMatchObject({ status: 201, sent: "all", peer: "none" });
    expect(reply).not.toHaveProperty("certificate");
    expect(text(reply.body)).toBe("made");
    expect(reply.headers.get("x-one")).toBe("1");
    expect([...reply.headers]).toContainEqual(["content-type", "text/plain"]);
    expect(seen).toHaveLength(1);
    expect(seen[0]?.body.toString()).toBe("firmware");
    expect(seen[0]?.head.split("\r\n")).toEqual([
      "PUT /u?slot=b HTTP/1.1",
      `host: 127.0.0.1:${server.port}`,
      "connection: keep-alive",
      "content-type: application/octet-stream",
      "x-device: pos-1",
      "content-length: 8",
    ]);
  });

  it.each([200, 204, 301, 302, 304, 307, 400, 404, 429, 500, 503, 599])(
    "resolves with %d, whatever it means",
    async (status) => {
      const body = status === 204 || status === 304 ? "" : "why";
      await using server = await serve((socket) =>
        onRequests(socket, () => socket.write(answer(status, body, "location: http://127.0.0.1:1/elsewhere\r\n"))),
      );
      await using transport = loopback();
      const reply = await transport.exchange(server.url, request());
      expect(reply.status).toBe(status);
      expect(text(reply.body)).toBe(body);
      expect(server.sockets).toHaveLength(1);
    },
  );

  it("reads chunked bodies, and bodies that end with the connection", async () => {
    await using server = await serve((socket, index) =>
      onRequests(socket, () => {
        if (index === 0)
          socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
        else socket.end("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nfghij");
      }),
    );
    await using transport = loopback();
    expect(text((await transport.exchange(server.url, request({ keepAlive: false }))).body)).toBe("abcde");
    expect(text((await transport.exchange(server.url, request())).body)).toBe("fghij");
  });

  it("keeps the connection after HEAD", async () => {
    await using server = await serve((socket) =>
      onRequests(socket, () =>
        socket.write("HTTP/1.1 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2000000\r\n\r\n"),
      ),
    );
    await using transport = loopback();
    for (let i = 0; i < 3; i++) {
      const reply = await transport.exchange(server.url, request({ method: "HEAD" }));
      expect(reply.body).toHaveLength(0);
      expect(reply.headers.get("content-length")).toBe("2000000");
    }
    expect(server.sockets).toHaveLength(1);
  });

  it("names a length of 0 for a POST without a body, and none for a GET", async () => {
    const heads: string[] = [];
    await using server = await serve((socket) =>
      onRequests(socket, ({ head }) => {
        heads.push(head);
        socket.write(answer(200));
      }),
    );
    await using transport = loopback();
    await transport.exchange(server.url, upload(undefined));
    await transport.exchange(server.url, upload([]));
    await transport.exchange(server.url, upload(new Uint8Array(0)));
    await transport.exchange(server.url, request());
    expect(heads.map((head) => /content-length: .*/.exec(head)?.[0])).toEqual([
      "content-length: 0",
      "content-length: 0",
      "content-length: 0",
      undefined,
    ]);
  });

  it("resolves with what the caller reads from the answer, and rejects with what the reading throws", async () => {
    await using server = await serve(answering("42"));
    await using transport = loopback();
    expect(await transport.exchange(server.url, request(), (reply) => Number(text(reply.body)))).toBe(42);
    const broken = new RangeError("the caller's own");
    const fails = () => {
      throw broken;
    };
    await expect(transport.exchange(server.url, request(), fails)).rejects.toBe(broken);
    expect(transport.statistics()).toMatchObject({ connections: 1, inFlight: 0 });
  });

  it("tells each interim answer as it comes", async () => {
    await using server = await serve((socket) =>
      onRequests(socket, () => {
        socket.write("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nx-hint: 1\r\n\r\n");
        socket.write(answer(200, "ok"));
      }),
    );
    await using transport = loopback();
    const seen: unknown[] = [];
    const reply = await transport.exchange(
      server.url,
      request({ onInformation: (status, headers) => seen.push([status, headers.get("x-hint")]) }),
    );
    expect(reply.status).toBe(200);
    expect(seen).toEqual([
      [102, undefined],
      [103, "1"],
    ]);
  });

  it("ends with a callback's own error when a callback throws", async () => {
    await using server = await serve((socket) =>
      onRequests(socket, () => socket.write(`HTTP/1.1 102 Processing\r\n\r\n${answer(200)}`)),
    );
    await using transport = loopback();
    const broken = new RangeError("the caller's own");
    const fails = () => {
      throw broken;
    };
    await expect(transport.exchange(server.url, request({ onInformation: fails }))).rejects.toBe(broken);
    await expect(transport.exchange(server.url, upload(Buffer.from("x"), { onSent: fails }))).rejects.toBe(broken);
    await expect(transport.exchange(server.url, upload(Buffer.alloc(1e6), { onSent: fails }))).rejects.toBe(broken);
    expect(transport.statistics()).toMatchObject({ connections: 0, inFlight: 0 });
  });
});

describe("what ends an exchange before it begins", () => {
  it.each<[string, string, Partial<ExchangeRequest>]>([
    ["a bad method", "invalid_option", { method: "get" }],
    ["a bad path", "invalid_path", { path: "http://evil/" }],
    ["a bad header", "invalid_header", { headers: ["host", "evil"] }],
    ["a bad pin", "invalid_option", { pins: ["sha1/x"] }],
    ["pins for plain http", "pin_mismatch", { pins: [`sha256/${"A".repeat(43)}=`] }],
    ["a deadline that has passed", "deadline_exceeded", { deadline: performance.now() - 1 }],
    ["a deadline that is no number", "deadline_exceeded", { deadline: Number.NaN }],
    ["a signal that has aborted", "aborted", { signal: AbortSignal.abort() }],
  ])("%s", async (_, code, changes) => {
    await using server = await serve();
    await using transport = loopback();
    const error = await failure(transport.exchange(server.url, request(changes)));
    expect(error).toMatchObject({ code, bytesOut: "none" });
    expect(server.sockets).toHaveLength(0);
  });

  it("an origin that is not canonical, or denied", async () => {
    await using transport = createTransport();
    const strange = await failure(transport.exchange("http://10.0.0.1:80", request()));
    expect(strange).toMatchObject({ code: "invalid_address", message: expect.stringContaining("http://10.0.0.1,") });
    expect(await failure(transport.exchange("http://127.0.0.1", request()))).toMatchObject({ code: "address_denied" });
    expect(() => transport.origin("http://[::1]")).toThrow(expect.objectContaining({ code: "address_denied" }));
    for (let i = 0; i < 2; i++) {
      expect(transport.origin("HTTP://Device.lan:80/")).toBe("http://device.lan");
      expect(() => transport.origin("http://[::1]")).toThrow(expect.objectContaining({ code: "address_denied" }));
    }
    for (let i = 0; i < 20_000; i++) expect(transport.origin(`http://d${i}.lan/`)).toBe(`http://d${i}.lan`);
    expect(transport.origin("http://d0.lan/")).toBe("http://d0.lan");
  });
});

describe("closing", () => {
  it("ends what is in flight with client_closed, and what comes later too", async () => {
    await using server = await serve();
    const transport = loopback();
    const accepted = server.connection();
    const under = failure(transport.exchange(server.url, request({ phase: "verify" })));
    const socket = await accepted;
    await once(socket, "data");
    const closed = once(socket, "close");
    await transport[Symbol.asyncDispose]();
    expect(await under).toMatchObject({ code: "client_closed", phase: "verify", bytesOut: "all", retryable: false });
    await closed;
    expect(await failure(transport.exchange(server.url, request()))).toMatchObject({
      code: "client_closed",
      bytesOut: "none",
    });
    expect(transport.statistics()).toMatchObject({ connections: 0, inFlight: 0 });
    await transport[Symbol.asyncDispose]();
  });

  it("closes idle connections", async () => {
    await using server = await serve(answering());
    const transport = loopback();
    await transport.exchange(server.url, request());
    const [socket] = server.sockets;
    const closed = socket && once(socket, "close");
    expect(transport.statistics()).toMatchObject({ connections: 1, inFlight: 0, opened: 1, evicted: 0 });
    await transport[Symbol.asyncDispose]();
    await closed;
    expect(transport.statistics().connections).toBe(0);
  });
});
