import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { type SwupdateDevice, startDeviceServer, startSwupdate } from "../../../mocks/index.ts";
import type { SwupdateOptions } from "./index.ts";
import { clientFor, firmware, readable, unread, uploads } from "./stage.suite.ts";

/** Something that listens and does with each connection what it is told. */
async function listening(onSocket: (socket: Socket) => void = () => undefined) {
  const sockets: Socket[] = [];
  let heard = "";
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => undefined);
    socket.on("data", (data) => {
      heard += data.toString("latin1");
    });
    onSocket(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`,
    heard: () => heard,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

describe("the path of the upload", () => {
  it("that alone wants a login is refused before a byte of the image", async () => {
    await using device = await startSwupdate();
    const denied = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    await using guard = await listening((socket) => {
      socket.once("data", (head) => {
        if (head.toString("latin1").startsWith("POST")) return socket.end(denied);
        const { hostname, port } = new URL(device.url);
        const way = connect(Number(port), hostname);
        way.write(head);
        way.pipe(socket).pipe(way);
        way.on("error", () => socket.destroy());
        return undefined;
      });
    });
    await using client = clientFor();
    await using artifact = await firmware();
    const push = client.push(unread(guard), artifact);
    await expect(push).rejects.toMatchObject({ code: "refused", attempt: 1, reply: { status: 401 } });
    // The head of the form is all that follows the request's own.
    expect(guard.heard().split("POST ")[1]?.length).toBeLessThan(1_000);
  });

  const asked = ({ control }: SwupdateDevice) => control.requests().filter(({ method }) => method === "GET").length;

  it.each<readonly [string, SwupdateOptions, object, number]>([
    ["SWUpdate's own is not asked for: the websocket has shown it", {}, {}, 1],
    ["another is asked for before anything is sent", {}, { profile: { send: { path: "/upload?slot=b" } } }, 2],
    ["SWUpdate's own is asked for where the websocket is elsewhere", { channel: "/ws?all" }, {}, 2],
  ])("%s", async (_, options, changes, gets) => {
    await using device = await startSwupdate();
    await using client = clientFor(options);
    await using artifact = await firmware();
    await client.push({ ...unread(device), ...changes }, artifact);
    expect(asked(device)).toBe(gets);
    expect(uploads(device)).toHaveLength(1);
  });
});

describe("what is no SWUpdate", () => {
  it("is told before anything is sent: a device of another kind, a wrong path", async () => {
    await using other = await startDeviceServer();
    await using device = await startSwupdate();
    await using client = clientFor();
    await using artifact = await firmware();
    const refused = { code: "refused", bytesOut: "none", attempt: 1, reply: { status: 404 } };
    await expect(client.push(unread(other), artifact)).rejects.toMatchObject(refused);
    const lost = { ...unread(device), profile: { send: { path: "/upload2" } } };
    await expect(client.push(lost, artifact)).rejects.toMatchObject(refused);
    const deaf = { ...unread(other), profile: { options: { channel: "/version" } } };
    await expect(client.push(deaf, artifact)).rejects.toMatchObject({ code: "unsupported", bytesOut: "none" });
    expect(other.control.received()).toEqual([]);
    expect(uploads(device)).toHaveLength(0);
    expect(await client.inspect(readable(other))).toMatchObject({ version: "1.0.0" });
  });

  it.each<readonly [string, (socket: Socket) => void, string]>([
    ["never opens its websocket", () => undefined, "response_timeout"],
    ["hangs up on it", (socket) => socket.once("data", () => socket.destroy()), "connection_lost"],
    ["speaks something else", (socket) => socket.write("220 mail ready\r\n"), "malformed_reply"],
  ])("where it %s, it is asked again and sent nothing", async (_, behave, code) => {
    await using server = await listening(behave);
    await using client = clientFor({}, { retry: { attempts: 2, base: 5 }, timeouts: { response: 100 } });
    await using artifact = await firmware();
    const push = client.push(unread(server), artifact);
    await expect(push).rejects.toMatchObject({ code, phase: "connect", bytesOut: "none", attempt: 2 });
    expect(server.heard()).not.toContain("POST");
  });

  it("cannot be updated without a probe", async () => {
    await using device = await startSwupdate();
    await using client = clientFor();
    await using artifact = await firmware();
    const outcome = await client.update(unread(device), artifact);
    expect(outcome).toMatchObject({ status: "failed", attempts: 0, error: { code: "no_probe" } });
    expect(device.control.counters().connections).toBe(0);
  });
});
