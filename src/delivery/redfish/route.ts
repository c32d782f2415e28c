import { Buffer } from "node:buffer";
import { multipart } from "../../bytes/index.ts";
import type { Payload, Segment } from "../../core/payload.ts";
import { linkOf, type Resource, textAt, valueAt } from "./resource.ts";
import type { Plan } from "./settings.ts";

/** How an image goes to one service, and what that service says of it beforehand. */
export interface Route {
  readonly kind: "multipart" | "raw";
  readonly path: string;
  /** Most bytes of an image, where the service says. */
  readonly limit?: number | undefined;
  /** The image will be installed later: by a restart, or in a maintenance window. */
  readonly staged: boolean;
}

/** Pure: from what an update service tells of itself. `problem` says in our words why nothing can be sent. */
export function chooseRoute(updates: Resource, plan: Plan, origin: string): Route | { readonly problem: string } {
  const uris = { multipart: valueAt(updates, "/MultipartHttpPushUri"), raw: valueAt(updates, "/HttpPushUri") };
  const links = { multipart: linkOf(uris.multipart, origin), raw: linkOf(uris.raw, origin) };
  const kinds = plan.push === "auto" ? (["multipart", "raw"] as const) : [plan.push];
  const foreign = kinds.find((kind) => "problem" in links[kind] && links[kind].problem !== "absent");
  const kind = kinds.find((one) => "path" in links[one]);
  const link = kind && links[kind];
  if (kind === undefined || link === undefined || !("path" in link)) {
    if (foreign === undefined) return { problem: `its update service names no push URI (${kinds.join(", ")})` };
    return { problem: `the ${foreign} push URI of its update service leads to another origin, or nowhere` };
  }
  const own = textAt(updates, "/HttpPushUriOptions/HttpPushUriApplyTime/ApplyTime");
  if (kind === "raw") {
    const problem = sayable(plan, own);
    if (problem !== undefined) return { problem };
  }
  const applyTime = plan.applyTime ?? own;
  const most = valueAt(updates, "/MaxImageSizeBytes");
  return {
    kind,
    path: link.path,
    limit: typeof most === "number" && Number.isSafeInteger(most) && most > 0 ? most : undefined,
    staged: applyTime !== undefined && applyTime !== "Immediate",
  };
}

/** A raw image comes without parameters: what was asked for has to be what the service does anyway. */
function sayable({ targetPaths, forceUpdate, applyTime }: Plan, own: string | undefined): string | undefined {
  if (targetPaths.length > 0) return "it takes images by the raw push URI alone, where no targets can be said";
  if (forceUpdate !== undefined) return "it takes images by the raw push URI alone, where forceUpdate cannot be said";
  if (applyTime === undefined || applyTime === own) return undefined;
  return "it takes images by the raw push URI alone, where the apply time is its own setting, and that is another";
}

/** The body of one push, and where in it the image begins. */
export interface Body {
  readonly contentType: string;
  readonly segments: Segment | readonly Segment[];
  readonly before: number;
}

/** DSP0266 §12.6.2: `UpdateParameters`, then `UpdateFile`; or the image as it is. */
export function bodyOf(route: Route, plan: Plan, payload: Payload): Body {
  const { length, name } = payload.artifact;
  const image = payload.slice(0, length);
  if (route.kind === "raw") return { contentType: "application/octet-stream", segments: image, before: 0 };
  const { contentType, segments } = multipart([
    {
      name: "UpdateParameters",
      contentType: "application/json",
      body: Buffer.from(JSON.stringify(parametersOf(plan))),
    },
    { name: "UpdateFile", filename: filenameOf(name), contentType: "application/octet-stream", body: image },
  ]);
  const at = segments.indexOf(image);
  return { contentType, segments, before: segments.slice(0, at).reduce((sum, segment) => sum + segment.length, 0) };
}

function parametersOf({ targetPaths, applyTime, forceUpdate }: Plan): object {
  return {
    ...(targetPaths.length > 0 && { Targets: targetPaths }),
    ...(applyTime !== undefined && { "@Redfish.OperationApplyTime": applyTime }),
    ...(forceUpdate !== undefined && { ForceUpdate: forceUpdate }),
  };
}

/** Services keep the file by this name, some with a shell: letters that mean nothing to anybody. */
function filenameOf(name: string): string {
  return name.replace(/[^\w.-]+/g, "_").slice(-128) || "firmware.bin";
}
