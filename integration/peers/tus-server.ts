import { fork } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { TusServerOptions } from "./tus-server-main.ts";

export type { TusServerOptions } from "./tus-server-main.ts";

/** The tus project's own Node server with its file store, in a process of its own. */
export interface TusServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** SHA-256 and size of every upload in its store. */
  stored(): Promise<readonly { readonly bytes: number; readonly sha256: string }[]>;
  /** What it was asked, in order: `"PATCH /files/<id>"` with the id left out. */
  requests(): Promise<readonly { readonly method: string; readonly headers: Readonly<Record<string, string>> }[]>;
}

export async function startTusServer(options: TusServerOptions): Promise<TusServer> {
  const child = fork(join(import.meta.dirname, "tus-server-main.ts"), [JSON.stringify(options)], { execArgv: [] });
  const exited = once(child, "exit");
  const ended = exited.then(([code]) => Promise.reject(new Error(`the tus server ended with ${code}`)));
  ended.catch(() => {});
  const [{ port }] = (await Promise.race([once(child, "message"), ended])) as [{ port: number }];
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    async stored() {
      const names = (await readdir(options.directory)).filter((name) => !name.endsWith(".json"));
      return Promise.all(names.map((name) => fingerprint(join(options.directory, name))));
    },
    async requests() {
      const answer = once(child, "message");
      child.send("requests");
      const [requests] = (await Promise.race([answer, ended])) as [Awaited<ReturnType<TusServer["requests"]>>];
      return requests;
    },
    async [Symbol.asyncDispose]() {
      if (child.connected) child.disconnect();
      await exited;
    },
  };
}

async function fingerprint(path: string): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash("sha256");
  let bytes = 0;
  await pipeline(createReadStream(path), async (source: AsyncIterable<Buffer>) => {
    for await (const chunk of source) {
      bytes += chunk.length;
      hash.update(chunk);
    }
  });
  return { bytes, sha256: hash.digest("hex") };
}
