import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { type ArtifactServer, createArtifactServer } from "../src/delivery/serve/index.ts";
import { type Artifact, openArtifact, type Publication } from "../src/index.ts";
import { describePeer } from "./peers/peer.ts";
import { Workshop } from "./peers/swupdate.ts";

const run = promisify(execFile);
const device = { id: "dev-1", address: "http://127.0.0.1:1" };

/** One line to a server: what was asked over it, and where it is cut once. */
interface Line extends AsyncDisposable {
  readonly url: string;
  /** The heads of all requests, oldest first. */
  readonly asked: readonly string[];
  readonly cuts: () => number;
}

/**
 * Stands before a server and ends the first line on which it has sent `cutAt` bytes, so that the peer loses an answer
 * half-way that the server itself would have finished.
 */
async function startLine(port: () => number, cutAt = Number.POSITIVE_INFINITY): Promise<Line> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  let cuts = 0;
  const keep = (socket: Socket) => {
    sockets.add(socket);
    return socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
  };
  const line = createServer((peer) => {
    const server = keep(connect(port(), "127.0.0.1"));
    let sent = 0;
    keep(peer).on("data", (piece: Buffer) => {
      asked.push(...(piece.toString("latin1").match(/^(?:GET|HEAD) [\s\S]*?\r\n\r\n/gm) ?? []));
      server.write(piece);
    });
    server.on("data", (piece: Buffer) => {
      sent += piece.length;
      if (sent >= cutAt && cuts === 0) {
        cuts++;
        // With a FIN, and not a reset: what came before is then there to go on from, however slow the peer reads.
        peer.end(piece.subarray(0, piece.length - (sent - cutAt)));
        server.resetAndDestroy();
      } else if (!peer.write(piece)) {
        server.pause();
        peer.once("drain", () => server.resume());
      }
    });
    peer.on("end", () => server.end());
    server.on("end", () => peer.end());
    peer.on("close", () => server.destroy());
    server.on("close", () => peer.end());
  }).listen(0, "127.0.0.1");
  await once(line, "listening");
  return {
    url: `http://127.0.0.1:${(line.address() as AddressInfo).port}`,
    asked,
    cuts: () => cuts,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => line.close(resolve));
    },
  };
}

interface Stage {
  readonly publication: Publication;
  readonly artifact: Artifact;
  readonly line: Line;
}

/** Publishes a file behind a line. Everything ends with the test. */
async function publish(path: string, cutAt?: number): Promise<Stage> {
  const stack = new AsyncDisposableStack();
  onTestFinished(() => stack.disposeAsync());
  let server: ArtifactServer | undefined;
  const line = stack.use(await startLine(() => server?.port ?? 0, cutAt));
  server = stack.use(await createArtifactServer({ publicUrl: line.url }));
  const artifact = stack.use(await openArtifact(path, { cacheBytes: 0 }));
  return { publication: await server.publish(artifact.payload, device), artifact, line };
}

const methods = ({ asked }: Line) => asked.map((head) => head.slice(0, head.indexOf(" ")));
const ranges = ({ asked }: Line) => asked.flatMap((head) => /^range: *(.*)\r$/im.exec(head)?.[1] ?? []);
const sha256 = async (path: string) =>
  createHash("sha256")
    .update(await readFile(path))
    .digest("hex");

describePeer("swupdate as one that pulls", ["swupdate", "cpio", "openssl"], (programs) => {
  let workshop: Workshop;
  beforeAll(async () => {
    workshop = await Workshop.open(programs);
  });
  afterAll(() => workshop[Symbol.asyncDispose]());

  const bytes = 6_000_000;

  /** One download with three retries; resolves with its exit code. */
  async function pull(url: string): Promise<number> {
    const folder = await mkdtemp(join(workshop.folder, "puller-"));
    const args = ["-v", "-k", join(workshop.folder, "ca.pem"), "-H", "board:1.0", "-p", "true"];
    return new Promise((resolve) => {
      const environment = { ...process.env, TMPDIR: `${folder}/` };
      const options = { cwd: folder, env: environment, maxBuffer: 64 * 1_048_576, timeout: 25_000 };
      execFile(programs.swupdate, [...args, "-d", `-u ${url} -r 3 -t 5`], options, (error) => {
        resolve(error === null ? 0 : Number(error.code ?? -1));
      });
    });
  }

  const installed = async () => {
    const content = await readFile(join(workshop.folder, "installed"));
    return [content.length, content.subarray(0, 5).toString()];
  };

  it("asks for the head, fetches a signed image and installs it", async () => {
    const image = await workshop.image({ version: "2.0.0", bytes });
    const { publication, artifact, line } = await publish(image);
    expect(await pull(publication.url)).toBe(0);
    await publication.fetched;
    expect(publication.progress()).toMatchObject({ open: 0, bytes: artifact.length, covered: artifact.length });
    expect(methods(line)).toEqual(["HEAD", "GET"]);
    expect(await installed()).toEqual([bytes, "2.0.0"]);
  });

  it("goes on by Range after its line was cut", async () => {
    const image = await workshop.image({ version: "3.0.0", bytes });
    const { publication, line } = await publish(image, 2_000_000);
    expect(await pull(publication.url)).toBe(0);
    await publication.fetched;
    expect(line.cuts()).toBe(1);
    expect(ranges(line)).toEqual([expect.stringMatching(/^bytes=[1-9]\d*-$/)]);
    expect(await installed()).toEqual([bytes, "3.0.0"]);
  });

  it("gets nothing from a URL that has ended, and installs nothing", async () => {
    const image = await workshop.image({ version: "4.0.0", bytes });
    const { publication } = await publish(image);
    await publication[Symbol.asyncDispose]();
    expect(await pull(publication.url)).not.toBe(0);
    expect(await installed().catch(() => "nothing")).not.toContain("4.0.0");
  });
});

describePeer("curl as one that pulls", ["curl"], ({ curl }) => {
  let folder: string;
  let file: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "flashwave-pull-"));
    file = join(folder, "fw.bin");
    await writeFile(file, Buffer.alloc(5_000_000, "flashwave"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const fetching = async (...args: readonly string[]) => (await run(curl, ["-sS", "-f", ...args])).stdout;

  it("fetches it whole", async () => {
    const { publication, artifact } = await publish(file);
    const to = join(folder, "whole");
    await fetching("-o", to, publication.url);
    await publication.fetched;
    expect(await sha256(to)).toBe(artifact.digest);
  });

  it("goes on where a file ends (-C -)", async () => {
    const { publication, artifact, line } = await publish(file, 1_000_000);
    const to = join(folder, "resumed");
    await expect(fetching("-o", to, publication.url)).rejects.toThrow();
    await fetching("-C", "-", "-o", to, publication.url);
    await publication.fetched;
    expect(ranges(line)).toHaveLength(1);
    expect(await sha256(to)).toBe(artifact.digest);
  });

  it("is given the rest only of what it has a part of (If-Range)", async () => {
    const { publication, artifact } = await publish(file);
    const status = (tag: string) =>
      fetching("-o", "/dev/null", "-w", "%{http_code}", "-r", "1000-", "-H", `If-Range: ${tag}`, publication.url);
    expect(await status(`"${artifact.digest}"`)).toBe("206");
    expect(await status('"another"')).toBe("200");
  });

  it("is given several ranges as the whole, and none beyond the end", async () => {
    const { publication } = await publish(file);
    const status = (range: string) =>
      run(curl, ["-sS", "-o", "/dev/null", "-w", "%{http_code}", "-r", range, publication.url]);
    expect((await status("0-9,100-109")).stdout).toBe("200");
    expect((await status("0-9,10-109")).stdout).toBe("206");
    expect((await status("5000000-")).stdout).toBe("416");
  });
});
