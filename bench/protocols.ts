/**
 * What devices of each protocol answer, by request: fixed words, no state but who listens on a websocket. Like the rest
 * of the bench's server it takes everything and looks at nothing, so that what is measured is the adapter.
 */
import { createHash } from "node:crypto";
import { connect, type Socket } from "node:net";

const http = (status: string, headers: readonly string[] = [], body = ""): Buffer =>
  Buffer.from(
    [
      `HTTP/1.1 ${status}`,
      ...headers,
      ...(body || status[0] !== "1" ? [`Content-Length: ${body.length}`] : []),
      "",
      body,
    ].join("\r\n"),
  );
const json = (value: object, status = "200 OK", headers: readonly string[] = []): Buffer =>
  http(status, ["Content-Type: application/json", ...headers], JSON.stringify(value));

const tus = "Tus-Resumable: 1.0.0";
const updateService = {
  "@odata.id": "/redfish/v1/UpdateService",
  HttpPushUri: "/redfish/v1/UpdateService/push",
  MultipartHttpPushUri: "/redfish/v1/UpdateService/multipart",
};

const fixed: Readonly<Record<string, Buffer>> = {
  "OPTIONS /files": http("204 No Content", [tus, "Tus-Version: 1.0.0", "Tus-Extension: creation,termination"]),
  "POST /files": http("201 Created", [tus, "Location: /files/1"]),
  "GET /redfish/v1/": json({ "@odata.id": "/redfish/v1/", UpdateService: { "@odata.id": updateService["@odata.id"] } }),
  "GET /redfish/v1/UpdateService": json(updateService),
  "POST /redfish/v1/UpdateService/multipart": json(
    { "@odata.id": "/redfish/v1/TaskService/Tasks/1", TaskState: "Running" },
    "202 Accepted",
    ["Location: /redfish/v1/TaskService/Tasks/1/Monitor"],
  ),
  "GET /upload": http("405 Method Not Allowed", ["Connection: close"]),
  "POST /upload": http("200 OK", [], "Ok, firmware.bin - 1 bytes."),
  "POST /u": http("200 OK", [], "Update Successful!"),
};

const listeners = new Set<Socket>();

/** One text frame of a websocket (RFC 6455 §5.2), shorter than 126 bytes. */
function frame(text: string): Buffer {
  return Buffer.concat([Buffer.from([0x81, text.length]), Buffer.from(text)]);
}

function tell(...statuses: readonly string[]): void {
  for (const status of statuses) {
    for (const socket of listeners) socket.write(frame(JSON.stringify({ type: "status", status })));
  }
}

/** Before the body of a request: a SWUpdate says at once that it takes an upload on. */
export function begin(head: string): void {
  if (head.startsWith("POST /upload ")) tell("START");
}

/** After the body of a request; nothing for a request that no device here knows. */
export function answer(head: string, length: number, socket: Socket): Buffer | undefined {
  const [method = "", path = ""] = head.split(" ", 2);
  if (method === "PATCH") return http("204 No Content", [tus, `Upload-Offset: ${length}`]);
  const key = /\r\nsec-websocket-key: *(\S+)/i.exec(head)?.[1];
  if (key !== undefined) return upgraded(key, socket);
  if (path.startsWith("/ota?url=")) return fetching(decodeURIComponent(path.slice("/ota?url=".length)));
  if (path === "/upload" && method === "POST") tell("RUN", "SUCCESS", "DONE");
  return fixed[`${method} ${path}`];
}

/** RFC 6455 §4.2.2. */
function upgraded(key: string, socket: Socket): Buffer {
  listeners.add(socket);
  socket.on("close", () => listeners.delete(socket));
  const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  return http("101 Switching Protocols", [
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${accept}`,
  ]);
}

const drain = Buffer.allocUnsafeSlow(256 * 1024);

/** A Shelly's order: the bytes are fetched over a connection of its own, which the server ends after them. */
function fetching(url: string): Buffer {
  const { hostname, port, pathname } = new URL(url);
  const onread = { buffer: drain, callback: () => true };
  const socket = connect({ host: hostname, port: Number(port), onread });
  socket.on("error", () => socket.destroy());
  socket.write(`GET ${pathname} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nConnection: close\r\n\r\n`);
  return json({ status: "updating" });
}
