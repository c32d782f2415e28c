import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from "node:tls";
import { handsOn, playRaw, type RawStep } from "../raw.ts";
import { drop, endless, whole } from "./behaviour.ts";

/** What a device does where a TLS handshake is due: as soon as it is connected to, or once a hello came. */
export interface Handshake {
  readonly name: string;
  readonly on: "connect" | "hello";
  readonly steps: readonly RawStep[];
  /** @default "fin" */
  readonly ending?: "fin" | "rst" | "mute" | "hold";
}

/** RFC 8446 §5.1: a record of a type, of TLS 1.2 as all say on the wire. */
const record = (type: number, body: string, length: number = body.length): string =>
  String.fromCharCode(type, 3, 3, length >> 8, length & 0xff) + body;
const alert = (level: number, description: number) => record(21, String.fromCharCode(level, description));

/** §4.1.3, with the version and the cipher that it chose. */
function serverHello(version: string, cipher: string): string {
  const body = `${version}${"r".repeat(32)}\0${cipher}\0`;
  return record(22, `\x02\0\0${String.fromCharCode(body.length)}${body}`);
}

const fatal = [
  ["a failed handshake", 40],
  ["a bad certificate", 42],
  ["an internal error", 80],
  ["another version", 70],
  ["an unknown name", 112],
] as const;

export const handshakes: readonly Handshake[] = [
  { name: "silence", on: "connect", steps: [], ending: "mute" },
  { name: "nothing is read", on: "connect", steps: [], ending: "hold" },
  { name: "the end at once", on: "connect", steps: [] },
  { name: "a reset at once", on: "connect", steps: [], ending: "rst" },
  {
    name: "a banner before the hello",
    on: "connect",
    steps: [{ write: "SSH-2.0-dropbear_2022.83\r\n" }],
    ending: "mute",
  },
  { name: "silence behind the hello", on: "hello", steps: [], ending: "mute" },
  { name: "the end behind the hello", on: "hello", steps: [] },
  { name: "a reset behind the hello", on: "hello", steps: [], ending: "rst" },
  { name: "plain HTTP", on: "hello", steps: [{ write: whole }] },
  {
    name: "plain HTTP that is refused",
    on: "hello",
    steps: [{ write: "HTTP/1.1 400 Bad Request\r\n\r\n" }],
    ending: "rst",
  },
  ...fatal.map(
    ([name, code]): Handshake => ({ name: `an alert of ${name}`, on: "hello", steps: [{ write: alert(2, code) }] }),
  ),
  { name: "a goodbye", on: "hello", steps: [{ write: alert(1, 0) }] },
  { name: "warnings without end", on: "hello", steps: [{ write: alert(1, 90), times: endless }] },
  { name: "half a record, then silence", on: "hello", steps: [{ write: record(22, "\x02\0", 80) }], ending: "mute" },
  { name: "half a record, then the end", on: "hello", steps: [{ write: record(22, "\x02\0", 80) }] },
  { name: "half a record, then a reset", on: "hello", steps: [{ write: record(22, "\x02\0", 80) }], ending: "rst" },
  { name: "a record above its size", on: "hello", steps: [{ write: record(22, "a".repeat(40_000), 40_000) }] },
  { name: "empty records without end", on: "hello", steps: [{ write: record(22, ""), times: endless }] },
  { name: "an unknown type of record", on: "hello", steps: [{ write: record(99, "abc") }] },
  { name: "data before the handshake", on: "hello", steps: [{ write: record(23, "abc") }] },
  { name: "a change of ciphers before the handshake", on: "hello", steps: [{ write: record(20, "\x01"), times: 100 }] },
  {
    name: "a hello that drips",
    on: "hello",
    steps: [{ write: record(22, "a".repeat(200), 16_000), times: endless, everyMs: drop }],
  },
  { name: "a hello of SSL 3", on: "hello", steps: [{ write: serverHello("\x03\x00", "\0\x2f") }], ending: "mute" },
  { name: "a hello of TLS 1.0", on: "hello", steps: [{ write: serverHello("\x03\x01", "\0\x2f") }], ending: "mute" },
  { name: "a hello of TLS 1.1", on: "hello", steps: [{ write: serverHello("\x03\x02", "\0\x2f") }], ending: "mute" },
  { name: "a hello of TLS 9", on: "hello", steps: [{ write: serverHello("\x03\x09", "\0\x2f") }], ending: "mute" },
  {
    name: "a cipher that nobody offered",
    on: "hello",
    steps: [{ write: serverHello("\x03\x03", "\0\0") }],
    ending: "mute",
  },
  {
    name: "a hello that came twice",
    on: "hello",
    steps: [{ write: serverHello("\x03\x03", "\xc0\x2b").repeat(2) }],
    ending: "mute",
  },
  { name: "noise", on: "hello", steps: [{ write: "\x16\x03\x01\xff\xfe\x80\0".repeat(50) }] },
  { name: "noise without end", on: "hello", steps: [{ write: "\x16\x03\xff\xff\0", times: endless }] },
];

export interface Front extends AsyncDisposable {
  readonly url: string;
  /** Requests that got through: none, if nobody trusts it. */
  readonly requests: number;
}

/** Plays a handshake to whoever connects. */
export function startHandshake({ on, steps, ending = "fin" }: Handshake): Promise<Front> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    keep(sockets, socket);
    const play = () => playRaw(handsOn(socket), { headers: {} }, steps, ending);
    if (on === "connect") {
      socket.resume();
      play();
    } else socket.once("data", play);
  });
  return front(server, sockets, () => 0);
}

/** Speaks TLS as it should, and then does as `behave` has it: with the session, and with the socket beneath. */
export function startTlsFront(
  options: TlsOptions,
  behave: (secure: TLSSocket, plain: Socket) => void = () => {},
): Promise<Front> {
  const sockets = new Set<Socket>();
  const plains = new Map<string, Socket>();
  let requests = 0;
  const server = createTlsServer(options, (secure) => {
    secure.on("error", () => {});
    secure.on("data", () => requests++);
    const plain = plains.get(`${secure.remotePort}`);
    if (plain !== undefined) behave(secure, plain);
  });
  server.on("connection", (plain: Socket) => {
    keep(sockets, plain);
    plains.set(`${plain.remotePort}`, plain);
  });
  server.on("tlsClientError", () => {});
  return front(server, sockets, () => requests);
}

function keep(sockets: Set<Socket>, socket: Socket): void {
  sockets.add(socket);
  socket.on("error", () => {});
  socket.on("close", () => sockets.delete(socket));
}

async function front(server: Server, sockets: ReadonlySet<Socket>, requests: () => number): Promise<Front> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get requests() {
      return requests();
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
