import type { SimulatedDevice, SwitchOptions } from "../device.ts";
import type { Asked, Dialect } from "../dialect.ts";
import type { Answer, Effect } from "../routes.ts";
import { type DeviceServer, type DeviceServerOptions, startDeviceServer } from "../server.ts";
import { DigestLogin } from "./digest-login.ts";
import { FileForm } from "./file-form.ts";
import { healthOf, install, missing } from "./kit.ts";

export interface AxisOptions extends DeviceServerOptions {
  /** Digest is asked for. @default nobody has to log in */
  readonly login?: { readonly username: string; readonly password: string };
  /** Where a refusal's code stands: in the body of a 200, or as the status. @default "body" */
  readonly refusals?: "body" | "status";
  /** What it says to every upload, by code: 409 a downgrade, 421 another product, 422 unsigned, 423 busy, … */
  readonly refuses?: number;
  /** Whether it takes an upload while an earlier one is on trial, where a real one answers 412. @default false */
  readonly patient?: boolean;
}

const path = "/axis-cgi/firmwaremanagement.cgi";
const basicsPath = "/axis-cgi/basicdeviceinfo.cgi";
const serialNumber = "ACCC8E000000";

/**
 * A fake of the firmware management of an Axis device (VAPIX, API 1.0), made from its contract and not from its code:
 * one path, and a method named in JSON. `upgrade` comes as a form, part `json` without a filename and then part `file`;
 * with `autoCommit: "never"` the new image is on trial, and is taken back after `autoRollback` minutes unless `commit`
 * comes. `commit` may be repeated; `rollback` goes back whenever there is something to go back to, committed or not.
 * What names it, and its version once more, is told by another path, of the basic device information.
 *
 * A request's method stands in its body, so its records call every JSON request `version`. `/health` is a route of the
 * owner's own.
 */
export function startAxis(options: AxisOptions = {}): Promise<DeviceServer> {
  const { login, refusals = "body" } = options;
  const digest = login && new DigestLogin(`AXIS_${serialNumber}`, login.username, login.password);
  const dialect: Dialect = {
    endpointOf(head) {
      if (head.path === "/health") return "health";
      if (head.path === basicsPath && head.method === "POST") return "version";
      if (head.path !== path || head.method !== "POST") return "other";
      return head.headers["content-type"]?.startsWith("multipart/") ? "update" : "version";
    },
    unwrap: (head) => new FileForm(head),
    answer(device, endpoint, asked, effect) {
      if (endpoint === "health") return healthOf(device);
      if (asked.head.path !== path && asked.head.path !== basicsPath) return missing;
      if (digest !== undefined && !digest.holds(asked.head)) {
        return {
          reply: { status: 401, headers: { "www-authenticate": digest.challenge() }, body: "" },
          outcome: "refused",
        };
      }
      if (asked.head.path === basicsPath) return basicsOf(device, asked.body);
      const refuse = (method: string, code: number): Answer => {
        const status = refusals === "status" ? code : 200;
        const json = { apiVersion: "1.0", method, error: { code, message: "refused" } };
        return { reply: { status, json }, outcome: "refused" };
      };
      if (endpoint === "other") return refuse("", 405);
      if (endpoint === "update") return upgrade(device, asked, effect, options, refuse);
      return order(device, asked.body, effect, refuse);
    },
  };
  return startDeviceServer({ ...options, dialect });
}

type Refuse = (method: string, code: number) => Answer;
type Told = Readonly<Record<string, unknown>>;

function answered(method: string, data: Told): Answer {
  return { reply: { status: 200, json: { apiVersion: "1.0", method, data } } };
}

function upgrade(
  device: SimulatedDevice,
  { received, form }: Asked,
  effect: Effect,
  { refuses, patient = false }: AxisOptions,
  refuse: Refuse,
): Answer {
  if (received === undefined || form === undefined || form.problem !== undefined) return refuse("upgrade", 400);
  const [json, file, ...more] = form.parts;
  const params = paramsOf(form.fields["json"]);
  const laidOut =
    json?.name === "json" && json.contentType === "application/json" && file?.name === "file" && file === form.file;
  if (!laidOut || more.length > 0 || params === undefined) return refuse("upgrade", 400);
  if (refuses !== undefined) return refuse("upgrade", refuses);
  if (device.onTrial && !patient) return refuse("upgrade", 412);
  if (device.objection(received) !== undefined) return refuse("upgrade", 415);
  const how = trialOf(params);
  const firmwareVersion = received.firmware?.version ?? "unknown";
  return install(device, received, effect, answered("upgrade", { firmwareVersion }).reply, how);
}

/** Without `autoCommit: "never"` it commits once it has booted; `autoRollback` is in minutes. */
function trialOf({ autoCommit, autoRollback }: Told): SwitchOptions {
  if (autoCommit !== "never") return { trial: false };
  if (autoRollback === "never") return { trial: true, fallBackAfter: Number.POSITIVE_INFINITY };
  const minutes = typeof autoRollback === "string" && /^\d+$/.test(autoRollback) ? Number(autoRollback) : undefined;
  return { trial: true, ...(minutes !== undefined && { fallBackAfter: minutes * 60_000 }) };
}

/** The parameters of an `upgrade`, or nothing when it is none. */
function paramsOf(text: string | undefined): Told | undefined {
  const asked = parsed(text ?? "");
  if (asked?.["apiVersion"] !== "1.0" || asked["method"] !== "upgrade") return undefined;
  const { params = {} } = asked;
  return typeof params === "object" ? (params as Told) : undefined;
}

function order(device: SimulatedDevice, body: string, effect: Effect, refuse: Refuse): Answer {
  const asked = parsed(body);
  const method = String(asked?.["method"]);
  if (asked === undefined) return refuse("", 400);
  if (asked["apiVersion"] !== "1.0") return refuse(method, 417);
  if (method === "status") return answered(method, statusOf(device));
  if (method === "commit") {
    if (effect.effect) device.commit();
    return answered(method, {});
  }
  if (method !== "rollback") return refuse(method, 405);
  if (!device.revertible) return refuse(method, 404);
  return { ...answered(method, {}), after: () => effect.effect && device.rollback() };
}

function basicsOf({ version: Version }: SimulatedDevice, body: string): Answer {
  const method = "getAllProperties";
  if (parsed(body)?.["method"] !== method) return missing;
  return answered(method, { propertyList: { Brand: "AXIS", SerialNumber: serialNumber, Version } });
}

/** Fields that do not apply are left out. The contract does not say in what unit `timeToRollback` is: seconds here. */
function statusOf(device: SimulatedDevice): Told {
  const { version: activeFirmwareVersion, onTrial, revertible, trialLeft } = device;
  return {
    activeFirmwareVersion,
    ...(revertible && { isCommited: !onTrial }),
    ...(trialLeft !== undefined && { timeToRollback: Math.round(trialLeft / 1_000) }),
  };
}

function parsed(text: string): Told | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Told) : undefined;
  } catch {
    return undefined; // what a JSON parser throws says no more than this
  }
}
