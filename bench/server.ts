/**
 * The device end of every trial: the cheapest HTTP/1.1 server that still reads whole requests. It knows lengths, not
 * meanings: a request's head is searched for `content-length`, its body is drained into one reused buffer, and one of
 * two fixed answers goes back. One listener stands for all devices: each 127.x.y.z is an origin of its own. A listener
 * per address would need a descriptor each, beside that of its connection: 20,000 for the largest trial. So it listens
 * on every address, and hangs up on whoever does not come from loopback.
 */
import { createServer, type Server, Socket } from "node:net";
import { answer, begin } from "./protocols.ts";

const version = '{"version":"2.4.0"}';
const okay = (body: string): Buffer =>
  Buffer.from(
    `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: keep-alive\r\n\r\n${body}`,
  );
const answers = { get: okay(version), other: okay('{"status":"ok"}') };
const letterG = 0x47;
const headEnd = Buffer.from("\r\n\r\n");

const getAnswer = () => answers.get;
const otherAnswer = () => answers.other;

/** What the generic client asks, told apart by as few bytes as possible; nothing for another protocol's request. */
function plain(head: Buffer, text: string): (() => Buffer) | undefined {
  if (head[0] === letterG && text.startsWith("/version ", 4)) return getAnswer;
  if (text.startsWith("/update ", 5)) return otherAnswer;
  begin(text);
  return undefined;
}

/** `Socket` can read into one reused buffer only when it is made around its handle; `net` does not offer it for servers. */
interface WithHandle {
  readonly _handle: object;
}

function serve(accepted: Socket, buffer: Buffer): void {
  let bodyLeft = 0;
  let waiting: Buffer | undefined;
  let reply: () => Buffer | undefined = () => answers.other;

  const feed = (input: Buffer): void => {
    let rest = input;
    while (rest.length > 0) {
      if (bodyLeft > 0) {
        const taken = Math.min(bodyLeft, rest.length);
        bodyLeft -= taken;
        rest = rest.subarray(taken);
      } else {
        const head = waiting === undefined ? rest : Buffer.concat([waiting, rest]);
        const end = head.indexOf(headEnd);
        if (end < 0) {
          waiting = Buffer.from(head);
          return;
        }
        waiting = undefined;
        const text = head.toString("latin1", 0, end);
        const length = Number(/content-length: *(\d+)/i.exec(text)?.[1] ?? 0);
        reply = plain(head, text) ?? (() => answer(text, length, socket));
        bodyLeft = length;
        rest = head.subarray(end + 4);
      }
      if (bodyLeft === 0) {
        const said = reply();
        if (said === undefined) socket.destroy();
        else socket.write(said);
      }
    }
  };

  const options = {
    handle: (accepted as unknown as WithHandle)._handle,
    readable: true,
    writable: true,
    onread: {
      buffer,
      callback: (count: number, filled: Buffer): boolean => {
        feed(filled.subarray(0, count));
        return true;
      },
    },
  };
  const socket = new Socket(options as ConstructorParameters<typeof Socket>[0]);
  socket.setNoDelay(true);
  socket.on("error", () => socket.destroy());
  socket.on("end", () => socket.end());
  socket.resume();
}

/** Starts the server on a free port of every loopback address. */
export function startServer(): Promise<{ readonly port: number; readonly server: Server }> {
  const buffer = Buffer.allocUnsafeSlow(256 * 1024);
  const server = createServer({ pauseOnConnect: true }, (accepted) => {
    if (accepted.remoteAddress?.startsWith("127.") === true) serve(accepted, buffer);
    else accepted.destroy();
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port: 0, host: "0.0.0.0", backlog: 4096 }, () => {
      const address = server.address();
      if (address === null || typeof address === "string") return reject(new Error("The server has no port."));
      resolve({ port: address.port, server });
    });
  });
}

if (import.meta.main) {
  const { port } = await startServer();
  process.stdout.write(`${port}\n`);
  // The runner holds our standard input: when it is gone, so are we.
  process.stdin.on("end", () => process.exit(0)).resume();
}
