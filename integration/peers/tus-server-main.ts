// What `startTusServer` runs: @tus/server as it is, a hook that "installs" what was uploaded, and a way to read what
// runs, which tus does not have.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { FileStore } from "@tus/file-store";
import { Server } from "@tus/server";

export interface TusServerOptions {
  readonly directory: string;
  readonly maxSize?: number;
  readonly relativeLocation?: boolean;
  /** A `Location` that is not the server's own. */
  readonly location?: string;
  /** Milliseconds after which an unfinished upload is gone. */
  readonly expiresAfter?: number;
  /** What its hook answers when an upload is whole. */
  readonly finish?: { readonly status_code: number; readonly body?: string };
}

const options: TusServerOptions = JSON.parse(process.argv[2] ?? "{}");
const { directory, maxSize, relativeLocation, location, expiresAfter, finish } = options;
let running = { version: "1.0.0", bootId: "boot-1" };
let boots = 1;
const requests: { readonly method: string; readonly headers: Readonly<Record<string, unknown>> }[] = [];

const tus = new Server({
  path: "/files",
  datastore: new FileStore({
    directory,
    ...(expiresAfter !== undefined && { expirationPeriodInMilliseconds: expiresAfter }),
  }),
  ...(maxSize !== undefined && { maxSize }),
  ...(relativeLocation !== undefined && { relativeLocation }),
  ...(location !== undefined && { generateUrl: () => location }),
  onUploadFinish: async (_request, upload) => {
    running = { version: upload.metadata?.["version"] ?? "unknown", bootId: `boot-${++boots}` };
    return finish ?? {};
  },
});

const server = createServer((request, response) => {
  const { method = "", headers, url } = request;
  if (url === "/version") {
    response.setHeader("content-type", "application/json").end(JSON.stringify(running));
    return;
  }
  requests.push({ method, headers });
  void tus.handle(request, response);
});
server.listen(0, "127.0.0.1", () => process.send?.({ port: (server.address() as AddressInfo).port }));

process.on("message", () => process.send?.(requests));
// A parent that died takes its server along.
process.once("disconnect", () => process.exit(0));
