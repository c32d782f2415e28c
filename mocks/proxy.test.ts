import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { expect, it } from "vitest";
import { startProxy } from "./proxy.ts";

/** Keeps all that came, over all connections, and answers each piece with its length. */
async function keeper() {
  const got: Buffer[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => {
      got.push(chunk);
      socket.write(`${chunk.length};`);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    port: address !== null && typeof address === "object" ? address.port : 0,
    text: () => Buffer.concat(got).toString("latin1"),
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

it("carries bytes both ways, and counts them", async () => {
  await using server = await keeper();
  await using proxy = await startProxy({ to: server.port });
  const client = connect(proxy.port, "127.0.0.1");
  client.write("hello");
  expect(String(await once(client, "data"))).toBe("5;");
  client.destroy();
  expect(proxy.counters()).toEqual({ up: 5, held: 0, down: 2, connections: 1, cut: 0 });
});

it("cuts at its byte, once for each, and all before it arrives", async () => {
  await using server = await keeper();
  await using proxy = await startProxy({ to: server.port, cuts: [3, 8] });
  for (let times = 0; times < 2; times++) {
    const client = connect(proxy.port, "127.0.0.1");
    client.write("abcde");
    await expect(once(client, "end")).rejects.toMatchObject({ code: "ECONNRESET" });
  }
  const last = connect(proxy.port, "127.0.0.1");
  last.write("vwxyz");
  await once(last, "data");
  last.destroy();
  expect(server.text()).toBe("abcabcvwxyz");
  expect(proxy.counters()).toMatchObject({ up: 15, connections: 3, cut: 2 });
});

it("changes the bytes that it was told to, and no other", async () => {
  await using server = await keeper();
  await using proxy = await startProxy({ to: server.port, flips: [1, 3] });
  const client = connect(proxy.port, "127.0.0.1");
  client.write("aaaaa");
  await once(client, "data");
  client.destroy();
  expect(server.text()).toBe("a\x9ea\x9ea");
});
