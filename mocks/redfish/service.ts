import { createHash } from "node:crypto";
import { createSimulatedDevice, type SimulatedDevice } from "../device.ts";
import type { Received, RequestHead } from "../records.ts";
import type { PullFault } from "../shelly/pull.ts";
import { realTime, type SimulatorClock } from "../time.ts";
import { fetchImage } from "./fetch.ts";
import type { ApplyTime, RedfishDeviceOptions } from "./options.ts";
import { failure, internalError, missing, type Reply } from "./replies.ts";
import { readOrder } from "./requests.ts";
import { type Json, type Member, type Model, paths, resourceAt, taskOf } from "./resources.ts";
import { Sessions } from "./sessions.ts";
import { TaskTable, type UpdateTask } from "./tasks.ts";

/** What came with an image. */
export interface UpdateParameters {
  readonly targets: readonly string[];
  readonly applyTime?: ApplyTime | undefined;
  /** As it was said; absent where it was not. */
  readonly forceUpdate?: unknown;
}

const applyTimes: readonly ApplyTime[] = [
  "Immediate",
  "OnReset",
  "AtMaintenanceWindowStart",
  "InMaintenanceWindowOnReset",
  "OnStartUpdateRequest",
];

const someDay = Date.UTC(2026, 0, 1);
const moment = (ms: number): string => new Date(someDay + ms).toISOString().replace(/\.\d+/, "");

/** A Redfish service (DSP0266, DSP0268) without sockets: what it tells, and what requests do to it. */
export class RedfishService implements Model {
  readonly options: RedfishDeviceOptions;
  readonly device: SimulatedDevice;
  readonly tasks: TaskTable;
  readonly sessions: Sessions;
  /** Every ResetType it was asked for, and every set of update parameters it was given. */
  readonly resets: string[] = [];
  readonly parameters: UpdateParameters[] = [];
  /** What goes wrong with the next fetches, one each. */
  readonly pullFaults: PullFault[] = [];
  readonly #ending = new AbortController();
  #previous: Member | undefined;
  readonly #clock: SimulatorClock;

  constructor(options: RedfishDeviceOptions) {
    this.options = options;
    const { version, health, rebootMs, clock, uptime } = options;
    this.#clock = clock ?? realTime;
    this.device = createSimulatedDevice({ id: "bmc", ...given({ version, health, rebootMs, clock, uptime }) });
    this.tasks = new TaskTable(this.#clock);
    this.sessions = new Sessions(options.user);
    this.device.on("booted", () => {
      // Sessions and, where they are kept in RAM, tasks do not survive.
      this.sessions.clear();
      if (options.style === "openbmc") this.tasks.forget();
    });
  }

  /** By a clock that nobody has set: in whole seconds since some day. */
  now = (): string => moment(this.#clock.now());
  lastReset = (): string => moment(this.#clock.now() - this.device.uptime * 1_000);

  members = (): readonly Member[] => {
    const { member = "BMC", others = [{ id: "Bootloader", version: "0.9" }], style } = this.options;
    const { version, healthy } = this.device;
    const running: Member = {
      id: style === "openbmc" ? hashOf(version) : member,
      version,
      updateable: true,
      state: "Enabled",
      health: healthy ? "OK" : "Critical",
    };
    const spare = style === "openbmc" && this.#previous !== undefined && this.#previous.version !== version;
    return [
      running,
      ...(spare && this.#previous ? [this.#previous] : []),
      ...others.map(
        (other): Member => ({
          ...other,
          updateable: other.updateable ?? false,
          state: "Enabled",
          health: "OK",
        }),
      ),
    ];
  };

  /** Every request but a push. */
  answer({ method, path }: RequestHead, body: string): Reply {
    if (method === "GET" || method === "HEAD") return this.#read(path);
    if (method === "DELETE" && path.startsWith(`${paths.sessions}/`)) return this.#logout(path);
    if (method !== "POST") return failure(405, "Base.1.13.OperationNotAllowed", "Not this method.");
    const json = readOrder(body);
    if (json === undefined) return failure(400, "Base.1.13.MalformedJSON", "The body is not JSON.");
    if (path === paths.sessions) return this.#login(json);
    if (path === paths.pull) return this.#pull(json);
    if (path.endsWith(".Reset")) return this.#reset(path, json);
    return missing;
  }

  /** A whole image came. Its targets and apply time are judged first; what it is, only by the task. */
  accept(received: Received, parameters: UpdateParameters): { reply: Reply; outcome: Received["outcome"] } {
    const { style = "dmtf" } = this.options;
    this.parameters.push(parameters);
    const { targets, applyTime = this.options.applyTime ?? "Immediate" } = parameters;
    const known = targets.every((target) => this.#exists(target));
    if (!known || (style === "openbmc" && targets.length > 1)) return { reply: internalError, outcome: "refused" };
    if (!applyTimes.includes(applyTime)) return { reply: internalError, outcome: "refused" };
    const objection = this.device.objection(received);
    const { ending = "completed" } = this.options;
    const task = this.tasks.begin(ending === "never" ? Number.POSITIVE_INFINITY : (this.options.taskMs ?? 0), (ended) =>
      this.#end(ended, received, applyTime, objection !== undefined),
    );
    // 202 whatever becomes of it: a failing activation too.
    return { reply: this.#accepted(task), outcome: applyTime === "Immediate" ? "installed" : "staged" };
  }

  /** The maintenance window opens. */
  openWindow(): void {
    this.device.switchOver();
  }

  close(): void {
    this.#ending.abort();
    this.tasks.stop();
    this.device[Symbol.dispose]();
  }

  #exists(path: string): boolean {
    return resourceAt(path, this) !== undefined;
  }

  #accepted(task: UpdateTask): Reply {
    const { retryAfter, locationOrigin = "" } = this.options;
    const headers = {
      location: `${locationOrigin}${paths.monitors}/${task.id}`,
      ...(retryAfter !== undefined && { "retry-after": String(retryAfter) }),
    };
    return { status: 202, headers, json: taskOf(task) };
  }

  #end(task: UpdateTask, received: Received, applyTime: ApplyTime, spoilt: boolean): void {
    const { ending = "completed", style } = this.options;
    const bad = spoilt || ending === "critical" || ending === "exception";
    task.state = "Completed";
    if (bad) this.#fail(task, "Update.1.0.ApplyFailed", "The image was not applied.");
    if (bad && ending === "critical") task.state = "Completed";
    if (ending === "vanishes") this.tasks.forget();
    if (bad) return;
    this.#previous = { ...(this.members()[0] as Member), state: "StandbySpare" };
    this.device.stage(received);
    if (applyTime === "Immediate") this.device.switchOver();
    else if (style !== "openbmc") {
      task.messages.push({ id: "Update.1.0.AwaitToActivate", severity: "OK", text: "Waiting to be activated." });
    }
  }

  #fail(task: UpdateTask, id: string, text: string): void {
    task.state = "Exception";
    task.status = "Critical";
    task.messages.push({ id, severity: "Critical", text });
  }

  #read(path: string): Reply {
    if (path.startsWith(`${paths.monitors}/`)) return this.#monitor(path.slice(paths.monitors.length + 1));
    const json = resourceAt(path, this);
    return json === undefined ? missing : { status: 200, json, headers: { "odata-version": "4.0" } };
  }

  #monitor(id: string): Reply {
    const task = this.tasks.find(id);
    if (task === undefined) return missing;
    if (task.state === "Running") return this.#accepted(task);
    if (this.options.style === "openbmc") {
      if (task.told) return missing;
      task.told = true;
      return { status: 204 };
    }
    return task.state === "Exception"
      ? failure(500, "Update.1.0.ApplyFailed", "The image was not applied.")
      : { status: 200, json: taskOf(task) };
  }

  #login(json: Json): Reply {
    const { locationOrigin = "" } = this.options;
    const { UserName: name, Password: password } = json;
    if (typeof name !== "string" || !this.sessions.knows(name, password)) {
      return failure(401, "Base.1.13.ResourceAtUriUnauthorized", "The login was refused.");
    }
    const { id, token } = this.sessions.open(name);
    const path = `${paths.sessions}/${id}`;
    const headers = { "x-auth-token": token, location: `${locationOrigin}${path}` };
    return { status: 201, headers, json: resourceAt(path, this) ?? {} };
  }

  #logout(path: string): Reply {
    return this.sessions.delete(path.slice(paths.sessions.length + 1)) ? { status: 204 } : missing;
  }

  #pull(order: Json): Reply {
    const { ImageURI: uri, TransferProtocol: protocol, Targets: targets, ForceUpdate: forceUpdate } = order;
    const applyTime = order["@Redfish.OperationApplyTime"];
    const known = protocol === undefined || protocol === "HTTP" || protocol === "HTTPS";
    if (typeof uri !== "string" || !known) {
      return failure(400, "Base.1.13.ActionParameterMissing", "ImageURI is missing.");
    }
    const { ending, taskMs = 0 } = this.options;
    const task = this.tasks.begin(Number.POSITIVE_INFINITY, () => {});
    const failed = () => this.#fail(task, "Update.1.0.TransferFailed", "The image could not be fetched.");
    const parameters = {
      targets: Array.isArray(targets) ? targets : [],
      applyTime: applyTime as ApplyTime | undefined,
      forceUpdate,
    };
    this.parameters.push(parameters);
    const fault = this.pullFaults.shift();
    // Simulated devices speak to loopback alone.
    if (!/^http:\/\/127\.0\.0\.1[:/]/.test(uri)) failed();
    else if (fault?.kind !== "never") {
      void fetchImage(this.device, uri, fault, this.#ending.signal).then((received) => {
        if (received === undefined) failed();
        else if (ending !== "never") {
          const when = parameters.applyTime ?? this.options.applyTime ?? "Immediate";
          this.tasks.after(taskMs, () =>
            this.#end(task, received, when, this.device.objection(received) !== undefined),
          );
        }
      });
    }
    return this.#accepted(task);
  }

  #reset(path: string, { ResetType: type }: Json): Reply {
    const owner = path.slice(0, path.indexOf("/Actions/"));
    if (path.indexOf("/Actions/") === -1 || !this.#exists(owner)) return missing;
    if (typeof type !== "string" || !/^(?:Graceful|Force)Restart$/.test(type)) return internalError;
    this.resets.push(`${owner} ${type}`);
    const restart = () => {
      if (!this.device.switchOver()) this.device.reboot();
    };
    return { status: 204, after: restart };
  }
}

const hashOf = (version: string): string => createHash("sha512").update(version).digest("hex").slice(0, 8);

type Given<T> = { [Name in keyof T]?: Exclude<T[Name], undefined> };

function given<T extends object>(fields: T): Given<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Given<T>;
}
