import type { SimulatedDevice } from "../device.ts";
import type { Asked, Dialect } from "../dialect.ts";
import type { RequestHead } from "../records.ts";
import type { Answer, Effect } from "../routes.ts";
import { type DeviceServer, type DeviceServerOptions, startDeviceServer } from "../server.ts";
import { DigestLogin } from "../web-upload/digest-login.ts";
import { FileForm } from "../web-upload/file-form.ts";
import { plain, target } from "../web-upload/kit.ts";
import { Audience } from "./audience.ts";

/** How one upload ends on the websocket. What becomes of its answer is a matter of `DeviceServer.script`. */
export interface SwupdatePlay {
  /**
   * `success`, the default. `failure`: in the middle of installing. `unfit`: refused by its signature, before anything
   * was begun. `missed`: DONE, without the verdict before it. `hang`: it begins and says no more. `dumb`: it says that
   * it took the upload on, and no more. `mute`: not a word.
   * `busy`: it is at another update, takes nothing and says nothing.
   */
  readonly ends: "success" | "failure" | "unfit" | "missed" | "hang" | "dumb" | "mute" | "busy";
  /** What its log says of a failure. @default a real one's words */
  readonly complaint?: string;
}

export interface SwupdateDeviceOptions extends DeviceServerOptions {
  /** Digest is asked for, on every path. @default nobody has to log in */
  readonly login?: { readonly username: string; readonly password: string };
}

export interface SwupdateDevice extends DeviceServer {
  /** Plays these on the next uploads, one each. */
  play(...plays: readonly SwupdatePlay[]): void;
  /** Says something on the websocket: a message as an object, or text as it is. */
  say(message: object | string): void;
  /** Who listens on the websocket. */
  readonly listeners: number;
  /** Ends every websocket without a goodbye. */
  dropListeners(): void;
}

/**
 * A fake of SWUpdate's web server (mongoose), made from what a real one was seen to say: `POST /upload` takes one file
 * of a form and answers 200 for having received it; the websocket `/ws` tells how it ends; `POST /restart` restarts.
 * It has no version route, so `paths.version` (`/version`) stands for a file in its document root. With `activation: "on-request"` it
 * has no command to restart with after an update, and waits for `/restart`.
 */
export async function startSwupdate(options: SwupdateDeviceOptions = {}): Promise<SwupdateDevice> {
  const fake = new Fake(options);
  const server = await startDeviceServer({ ...options, dialect: fake });
  server.device.on("received", ({ complete }) => {
    if (!complete) fake.cutShort();
  });
  const { audience } = fake;
  const own = {
    play: (...plays: readonly SwupdatePlay[]) => void fake.plays.push(...plays),
    say: (message: object | string) => audience.say(typeof message === "string" ? message : JSON.stringify(message)),
    dropListeners: () => audience.drop(),
  };
  const device = Object.defineProperties(own, Object.getOwnPropertyDescriptors(server));
  return Object.defineProperty(device, "listeners", { get: () => audience.size }) as unknown as SwupdateDevice;
}

class Fake implements Dialect {
  readonly audience = new Audience();
  readonly plays: SwupdatePlay[] = [];
  readonly #login: DigestLogin | undefined;
  /** A count may be used once, so a login is looked at once. */
  readonly #admitted = new WeakMap<RequestHead, boolean>();
  #play: SwupdatePlay = { ends: "success" };
  #begun = false;
  readonly #versionPath: string;

  constructor({ login, paths }: SwupdateDeviceOptions) {
    this.#versionPath = paths?.version ?? "/version";
    this.#login = login && new DigestLogin("SWUpdate", login.username, login.password);
  }

  endpointOf({ method, path: whole }: RequestHead) {
    const { path } = target(whole);
    if (path === "/upload" && method === "POST") return "update";
    if (path === "/restart" && method === "POST") return "activate";
    return path === this.#versionPath && method === "GET" ? "version" : "other";
  }

  unwrap(head: RequestHead): FileForm {
    if (this.#admits(head)) this.#begin();
    return new FileForm(head);
  }

  answer(device: SimulatedDevice, endpoint: string, asked: Asked, effect: Effect): Answer {
    const { head } = asked;
    if (!this.#admits(head)) {
      const challenge = { "www-authenticate": this.#login?.challenge() ?? "" };
      return { reply: { status: 401, headers: challenge, body: "" }, outcome: "refused" };
    }
    // As the real one: whatever the path.
    const admitted = this.audience.admit(head);
    if (admitted !== undefined) return admitted;
    if (endpoint === "version") return { reply: { status: 200, json: { ...device.report() } } };
    if (endpoint === "activate") {
      return { ...plain(201, "Device will reboot now.\n"), after: () => effect.effect && device.switchOver() };
    }
    if (endpoint === "update") return this.#received(device, asked, effect);
    const { path } = target(head.path);
    if (path === "/upload" || path === "/restart") return { ...plain(405, "Method Not Allowed\n"), outcome: "refused" };
    return { ...plain(404, "Not found\n"), outcome: "refused" };
  }

  /** An upload that ended before its end: the installer misses the rest. */
  cutShort(): void {
    if (this.#begun) this.#fail("ERROR : HASH mismatch : 00 <--> ff");
  }

  #admits(head: RequestHead): boolean {
    const admitted = this.#admitted.get(head) ?? this.#login?.holds(head) ?? true;
    this.#admitted.set(head, admitted);
    return admitted;
  }

  #begin(): void {
    const play = this.plays.shift() ?? { ends: "success" };
    this.#play = play;
    this.#begun = false;
    if (play.ends === "busy" || play.ends === "mute") return;
    this.#message("6", "Software Update started !");
    if (play.ends === "dumb") return;
    this.#status("DOWNLOAD");
    if (play.ends === "unfit") {
      this.#fail(play.complaint ?? "ERROR : Signature verification failed");
      return;
    }
    this.#begun = true;
    this.#status("START");
    this.audience.say(JSON.stringify({ type: "info", source: 'fw.swu{"VERSION" : "0"}}' }));
    this.#status("RUN");
    this.#status("DOWNLOAD");
  }

  #received(device: SimulatedDevice, { received, form }: Asked, { effect, as, fallBackAfter }: Effect): Answer {
    const { ends, complaint } = this.#play;
    if (ends === "busy") return { ...plain(500, "Failed to queue command\n"), outcome: "refused" };
    const file = form?.problem === undefined ? form?.file : undefined;
    if (received === undefined || file === undefined) return { ...plain(400, "no file\n"), outcome: "refused" };
    const { reply } = plain(200, `Ok, ${file.filename} - 6 bytes.\r\n`);
    if (!effect) return { reply, outcome: "discarded" };
    const objection = device.objection(received);
    const good =
      objection === undefined && (ends === "success" || ends === "missed" || ends === "dumb" || ends === "mute");
    if (good) device.stage(received, as);
    const restarts = good && device.options.activation !== "on-request";
    const after = () => {
      if (ends === "failure" || objection !== undefined) this.#fail(complaint ?? objection ?? "Installation failed !");
      else if (ends === "success" || ends === "missed") this.#install(ends === "success");
      if (restarts) device.switchOver(fallBackAfter === undefined ? {} : { fallBackAfter });
    };
    return { reply, outcome: good ? "installed" : "refused", after };
  }

  #install(told: boolean): void {
    this.#begun = false;
    this.#message("6", "Installation in progress");
    this.#status("RUN");
    for (const percent of ["0", "50", "100"]) {
      this.audience.say(JSON.stringify({ type: "step", number: "1", step: "1", name: "image", percent }));
    }
    if (told) this.#status("SUCCESS");
    this.#status("DONE");
  }

  #fail(complaint: string): void {
    this.#begun = false;
    this.#message("3", complaint);
    this.#message("3", "Image invalid or corrupted. Not installing ...");
    this.#status("RUN");
    this.#status("FAILURE");
  }

  #status(status: string): void {
    this.audience.say(`{\r\n\t"type": "status",\r\n\t"status": "${status}"\r\n}\r\n`);
  }

  #message(level: string, said: string): void {
    this.audience.say(JSON.stringify({ type: "message", level, text: said }));
  }
}
