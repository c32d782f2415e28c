import type { Publication, Publisher } from "../core/index.ts";
import type { ArtifactServer, ArtifactServerOptions } from "../delivery/serve/index.ts";

/**
 * Serves artifacts only while some device is to fetch one: the server listens from the first publication on, and is
 * closed with the last. So a command that serves nothing opens no port, and none is left open by one that did.
 */
export function servingOnDemand(options: ArtifactServerOptions): Publisher {
  let server: Promise<ArtifactServer> | undefined;
  let closed: Promise<void> = Promise.resolve();
  let users = 0;
  const enter = () => {
    users++;
    server ??= closed.then(async () => (await import("../delivery/serve/index.ts")).createArtifactServer(options));
    return server;
  };
  const leave = async () => {
    if (--users > 0 || server === undefined) return;
    const last = server;
    server = undefined;
    closed = last.then(
      (open) => open.close(),
      () => undefined, // it never listened
    );
    await closed;
  };
  return {
    async publish(...terms) {
      try {
        return leaving(await (await enter()).publish(...terms), leave);
      } catch (error) {
        await leave();
        throw error;
      }
    },
  };
}

function leaving(publication: Publication, leave: () => Promise<void>): Publication {
  let left: Promise<void> | undefined;
  const end = async () => {
    await publication[Symbol.asyncDispose]();
    await leave();
  };
  return {
    ...{ url: publication.url, origin: publication.origin, fetched: publication.fetched },
    progress: () => publication.progress(),
    [Symbol.asyncDispose]() {
      left ??= end();
      return left;
    },
  };
}
