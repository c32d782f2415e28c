import { boundaryOf, FormReader, MalformedForm } from "../form.ts";
import type { Reception } from "../reception.ts";
import type { Received, SeenRequest } from "../records.ts";
import type { ApplyTime } from "./options.ts";
import { internalError, type Reply } from "./replies.ts";
import { paths } from "./resources.ts";
import type { RedfishService, UpdateParameters } from "./service.ts";

/** How a body is taken in: what reads it, and what it amounted to. */
interface Intake {
  write(chunk: Buffer): void;
  /** @throws MalformedForm */
  end(): UpdateParameters;
}

/** One image on its way in, by either push URI. A form is read as it arrives; only its first part is kept. */
export class Push {
  readonly #service: RedfishService;
  readonly #reception: Reception;
  #intake: Intake | undefined;

  constructor(service: RedfishService, seen: SeenRequest) {
    this.#service = service;
    this.#reception = service.device.receive(seen);
    this.#intake = intakeOf(seen, this.#reception);
  }

  write(chunk: Buffer): void {
    try {
      this.#intake?.write(chunk);
    } catch (error) {
      this.#spoil(error);
    }
  }

  /** The whole body came. `ignored`: nothing comes of it. */
  end(ignored: boolean): Reply {
    let reply = internalError;
    this.#reception.finish(true, (received): Received["outcome"] => {
      try {
        const parameters = this.#intake?.end();
        if (parameters === undefined) return "refused";
        if (ignored) return "discarded";
        const accepted = this.#service.accept(received, parameters);
        reply = accepted.reply;
        return accepted.outcome;
      } catch (error) {
        this.#spoil(error);
        return "refused";
      }
    });
    return reply;
  }

  lost(): void {
    this.#reception.finish(false, () => "incomplete");
  }

  #spoil(error: unknown): void {
    if (!(error instanceof MalformedForm)) throw error;
    this.#intake = undefined;
  }
}

/** Nothing for a body of the wrong type: it is answered with 500, as real services do. */
function intakeOf(seen: SeenRequest, reception: Reception): Intake | undefined {
  const type = seen.headers["content-type"];
  if (seen.path === paths.raw) {
    if (type !== "application/octet-stream") return undefined;
    return { write: (chunk) => reception.write(chunk), end: () => ({ targets: [] }) };
  }
  const boundary = boundaryOf(type);
  return boundary === undefined ? undefined : formIntake(boundary, reception);
}

/** DSP0266 §12.6.2: a part `UpdateParameters` of JSON, then a part `UpdateFile` with a name and the bytes. */
function formIntake(boundary: string, reception: Reception): Intake {
  const order = ["UpdateParameters", "UpdateFile"];
  let part = -1;
  let parameters = "";
  const reader = new FormReader(boundary, {
    onPart(head) {
      part++;
      const headers = headersOf(head);
      const disposition = headers["content-disposition"] ?? "";
      const [, name, , filename] = /^form-data; name="(\w+)"(; filename="([^"]+)")?$/.exec(disposition) ?? [];
      const type = part === 0 ? "application/json" : "application/octet-stream";
      if (name !== order[part] || headers["content-type"] !== type)
        throw new MalformedForm("not the parts of an update");
      if (part === 1 && filename === undefined) throw new MalformedForm("the file has no name");
    },
    onBytes(chunk) {
      if (part === 0) parameters += chunk.toString();
      else reception.write(chunk);
    },
  });
  return {
    write: (chunk) => reader.write(chunk),
    end() {
      reader.end();
      if (part !== 1) throw new MalformedForm("not the parts of an update");
      return parametersOf(parameters);
    },
  };
}

function headersOf(head: readonly string[]): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const line of head) {
    const [, name, value] = /^([A-Za-z-]+): ([\x20-\x7e]*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) throw new MalformedForm("a part's header is no header");
    headers[name.toLowerCase()] = value;
  }
  return headers;
}

function parametersOf(text: string): UpdateParameters {
  let json: Record<string, unknown>;
  try {
    json = JSON.parse(text) as Record<string, unknown>;
  } catch {
    throw new MalformedForm("UpdateParameters is not JSON");
  }
  const { Targets: targets = [], ForceUpdate: forceUpdate } = json;
  const applyTime = json["@Redfish.OperationApplyTime"];
  const strange = Object.keys(json).filter((name) => !known.includes(name));
  const paths = Array.isArray(targets) && targets.every((target) => typeof target === "string");
  if (!paths || (forceUpdate !== undefined && typeof forceUpdate !== "boolean") || strange.length > 0)
    throw new MalformedForm("not parameters of an update");
  return { targets, applyTime: applyTime as ApplyTime | undefined, forceUpdate };
}

const known: readonly string[] = ["Targets", "ForceUpdate", "@Redfish.OperationApplyTime"];
