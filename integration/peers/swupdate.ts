import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { cp, mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";

const run = promisify(execFile);
const megabyte = 1_048_576;

export interface SwuOptions {
  readonly version: string;
  /** Of the one file in it. Default 3 MiB. */
  readonly bytes?: number;
  /** Shell commands before and after the install. A `before` that fails ends it. */
  readonly before?: string;
  readonly after?: string;
  /** What is wrong with it. */
  readonly flaw?: "digest" | "signature";
}

/** Where signed images are made: an authority, a signer, and a folder that goes with it. */
export class Workshop implements AsyncDisposable {
  readonly folder: string;
  readonly #programs: Readonly<Record<"cpio" | "openssl", string>>;
  #images = 0;

  private constructor(folder: string, programs: Readonly<Record<"cpio" | "openssl", string>>) {
    this.folder = folder;
    this.#programs = programs;
  }

  static async open(programs: Readonly<Record<"cpio" | "openssl", string>>): Promise<Workshop> {
    const workshop = new Workshop(await mkdtemp(join(tmpdir(), "flashwave-swu-")), programs);
    const key = ["-newkey", "rsa:2048", "-nodes", "-keyout"];
    await writeFile(join(workshop.folder, "extensions"), "extendedKeyUsage=emailProtection\n");
    await workshop.#openssl("req", "-x509", ...key, "ca.key", "-out", "ca.pem", "-subj", "/CN=ca", "-days", "2");
    await workshop.#openssl("req", ...key, "signer.key", "-out", "signer.csr", "-subj", "/CN=signer");
    const by = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "extensions"];
    await workshop.#openssl("x509", "-req", "-in", "signer.csr", ...by, "-out", "signer.pem");
    return workshop;
  }

  async #openssl(...args: readonly string[]): Promise<void> {
    await run(this.#programs.openssl, args, { cwd: this.folder });
  }

  /** Makes a signed image that installs one file; gives its path. */
  async image({ version, bytes = 3 * megabyte, before = ":", after = ":", flaw }: SwuOptions): Promise<string> {
    const name = `image-${++this.#images}`;
    const at = await mkdtemp(join(this.folder, `${name}-`));
    const payload = Buffer.alloc(bytes, version);
    const script = `#!/bin/sh\nset -e\nif [ "$1" = preinst ]; then ${before}\nelse ${after}\nfi\n`;
    const sha256 = (content: Buffer | string) => createHash("sha256").update(content).digest("hex");
    const description = `software = {
  version = "${version}";
  hardware-compatibility: [ "1.0" ];
  files: ( { filename = "payload"; path = "${join(this.folder, "installed")}"; sha256 = "${sha256(payload)}"; } );
  scripts: ( { filename = "script"; type = "shellscript"; sha256 = "${sha256(script)}"; } );
}
`;
    await writeFile(join(at, "sw-description"), description);
    await writeFile(join(at, "script"), script);
    await writeFile(join(at, "payload"), payload);
    const files = ["-in", join(at, "sw-description"), "-out", join(at, "sw-description.sig")];
    const signer = ["-signer", "signer.pem", "-inkey", "signer.key"];
    await this.#openssl("cms", "-sign", ...files, ...signer, "-outform", "DER", "-nosmimecap", "-binary");
    if (flaw === "digest") await spoil(join(at, "payload"), bytes >> 1);
    if (flaw === "signature") await spoil(join(at, "sw-description.sig"), 400);
    return this.#pack(at, join(this.folder, `${name}.swu`));
  }

  async #pack(from: string, to: string): Promise<string> {
    const packing = spawn(this.#programs.cpio, ["-o", "-H", "crc", "--quiet"], { cwd: from });
    // The order is part of the format: description, signature, then what they speak of.
    packing.stdin.end("sw-description\nsw-description.sig\npayload\nscript\n");
    await writeFile(to, packing.stdout);
    if (packing.exitCode === null) await once(packing, "exit");
    if (packing.exitCode !== 0) throw new Error(`cpio ended with ${packing.exitCode}`);
    return to;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function spoil(path: string, at: number): Promise<void> {
  const file = await open(path, "r+");
  await file.write(Buffer.from("XX"), 0, 2, at);
  await file.close();
}

export interface SwupdatePeerOptions {
  readonly workshop: Workshop;
  readonly tls?: { readonly key: string; readonly cert: string };
  readonly login?: { readonly username: string; readonly password: string };
  /** Seconds without a byte after which it answers 408. Default 3. */
  readonly stall?: number;
  /** Run after an update and at `/restart`. Default: a command that does nothing. */
  readonly restart?: string;
}

/** A SWUpdate that runs as this user, with a web server on loopback whose document root tells the version. */
export interface SwupdatePeer extends AsyncDisposable {
  readonly url: string;
  /** A shell command that makes `GET /version.json` tell this version. */
  tells(version: string): string;
  /** How often its restart command ran. */
  restarts(): Promise<number>;
}

export async function startSwupdatePeer(program: string, options: SwupdatePeerOptions): Promise<SwupdatePeer> {
  const { workshop, tls, login, stall = 3 } = options;
  const folder = await mkdtemp(join(workshop.folder, "peer-"));
  const root = join(folder, "www");
  await cp("/usr/share/swupdate/www", root, { recursive: true, dereference: true });
  await writeFile(join(root, "version.json"), '{"version":"1.0.0"}');
  const port = await freePort();
  const url = `${tls === undefined ? "http" : "https"}://127.0.0.1:${port}`;
  const web = ["-r", root, "-p", url, "-t", String(stall)];
  if (tls !== undefined) {
    await writeFile(join(folder, "cert.pem"), tls.cert);
    await writeFile(join(folder, "key.pem"), tls.key);
    web.push("-s", "-C", join(folder, "cert.pem"), "-K", join(folder, "key.pem"));
  }
  if (login !== undefined) {
    const secret = createHash("md5").update(`${login.username}:device:${login.password}`).digest("hex");
    await writeFile(join(folder, "users"), `${login.username}:device:${secret}\n`);
    web.push("--auth-domain", "device", "--global-auth-file", join(folder, "users"));
  }
  const restart = join(folder, "restart.sh");
  await writeFile(restart, `#!/bin/sh\necho restarted >> ${join(folder, "restarts")}\n`, { mode: 0o755 });
  const args = ["-v", "-k", join(workshop.folder, "ca.pem"), "-H", "board:1.0", "-p", restart, "-w", web.join(" ")];
  // Its sockets and scratch files go to a folder of its own, or two peers would share them.
  const child = spawn(program, args, { cwd: folder, stdio: "ignore", env: { ...process.env, TMPDIR: `${folder}/` } });
  const exited = once(child, "exit");
  await up(url, () => child.exitCode);
  return {
    url,
    tells: (version) => `printf '{"version":"${version}"}' > ${join(root, "version.json")}`,
    restarts: async () => (await readFile(join(folder, "restarts"), "utf8").catch(() => "")).split("\n").length - 1,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await Promise.race([exited, pause(3_000)]);
      if (child.exitCode === null && child.signalCode === null) {
        child.kill("SIGKILL");
        await exited;
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** Waits until somebody listens; gives up after ten seconds, or with the process. */
async function up(url: string, exitCode: () => number | null): Promise<void> {
  const { hostname, port } = new URL(url);
  for (let tries = 0; tries < 200; tries++) {
    if (exitCode() !== null) throw new Error(`swupdate ended with ${exitCode()}`);
    if (await answers(hostname, Number(port))) return;
    await pause(50);
  }
  throw new Error(`swupdate does not listen at ${url}`);
}

function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.once("connect", () => resolve(true));
    socket.once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
