import { createServer } from "node:net";
import { type DeviceServer, type DeviceServerOptions, makeFirmware, startDeviceServer } from "../mocks/index.ts";
import {
  type AdmissionOptions,
  type Artifact,
  type Client,
  type ClientEvent,
  type ClientOptions,
  type Device,
  openArtifact,
  type Profile,
  type SignedDocument,
} from "../src/index.ts";
import { manifestFor, newSigner, type Signer, signedBy } from "../src/trust/kit.suite.ts";
import { fastClient } from "./kit.ts";

export const release: Signer = newSigner();
export const second: Signer = newSigner();
export const bytes: Buffer = makeFirmware({ version: "2.0.0", length: 4_096 });
export const document: Uint8Array = manifestFor(bytes);
export const signed: SignedDocument = signedBy(document, release);
export const policy: AdmissionOptions = { keys: [release.publicKey] };
const telling: Profile = { inspect: { also: { hardware: "/hardware", deviceId: "/id", bootId: "/bootId" } } };

export const open = (
  options: { manifest?: SignedDocument; minisign?: Uint8Array; version?: string } = {},
  content: Uint8Array = bytes,
): Promise<Artifact> => openArtifact(content, { version: "2.0.0", ...options });

/** A port of this machine that counts who connects; nobody is answered. */
export async function listen(): Promise<AsyncDisposable & { readonly address: string; connections(): number }> {
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { readonly port: number };
  return {
    address: `http://127.0.0.1:${port}`,
    connections: () => connections,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

interface Stage extends AsyncDisposable {
  readonly server: DeviceServer;
  readonly client: Client;
  readonly device: Device;
  readonly events: readonly ClientEvent[];
  asked(): readonly string[];
}

/** A device that tells its hardware, and what it was asked for. */
export async function stage(
  options: DeviceServerOptions,
  admission: AdmissionOptions,
  more: ClientOptions = {},
): Promise<Stage> {
  const stack = new AsyncDisposableStack();
  const server = stack.use(await startDeviceServer({ id: "pos-001", version: "1.0.0", ...options }));
  const events: ClientEvent[] = [];
  const client = stack.use(fastClient({ admission, onEvent: (event) => events.push(event), ...more }));
  const device: Device = { id: "pos-001", address: server.url, profile: telling };
  const asked = () => server.control.requests().map(({ method, path }) => `${method} ${path}`);
  return { server, client, device, events, asked, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}
