import { Buffer } from "node:buffer";
import { multipart } from "../../bytes/index.ts";
import type { Payload, Segment } from "../../core/payload.ts";
import type { Publisher } from "../../core/publication.ts";
import { linkOf, type Resource, textAt, valueAt } from "./resource.ts";
import type { Plan } from "./settings.ts";

interface Route {
  readonly path: string;
  /** Most bytes of an image, where the service says. */
  readonly limit?: number | undefined;
  /** The image will be installed later: by a restart, or in a maintenance window. */
  readonly staged: boolean;
}

export interface PushRoute extends Route {
  readonly kind: "multipart" | "raw";
}

/** The service is told where to fetch the image. */
export interface PullRoute extends Route {
  readonly kind: "pull";
  readonly publisher: Publisher;
}

/** Pure: from what an update service tells of itself. `problem` says in our words why nothing can be sent. */
export function chooseRoute(
  updates: Resource,
  plan: Plan,
  origin: string,
): PushRoute | PullRoute | { readonly problem: string } {
  const uris = {
    multipart: valueAt(updates, "/MultipartHttpPushUri"),
    raw: valueAt(updates, "/HttpPushUri"),
    pull: valueAt(updates, "/Actions/#UpdateService.SimpleUpdate/target"),
  };
  const kinds = kindsOf(plan);
  const links = kinds.map((kind) => ({ kind, link: linkOf(uris[kind], origin) }));
  const found = links.find(({ link }) => "path" in link);
  if (found === undefined || !("path" in found.link)) {
    const away = links.find(({ link }) => "problem" in link && link.problem !== "absent");
    if (away !== undefined)
      return { problem: `the ${away.kind} URI of its update service leads to another origin, or nowhere` };
    return { problem: `its update service names no way to send an image (${kinds.join(", ")})` };
  }
  const { kind, link } = found;
  const own = textAt(updates, "/HttpPushUriOptions/HttpPushUriApplyTime/ApplyTime");
  const problem = kind === "raw" ? sayable(plan, own) : undefined;
  if (problem !== undefined) return { problem };
  const applyTime = plan.applyTime ?? own;
  const most = valueAt(updates, "/MaxImageSizeBytes");
  const route: Route = {
    path: link.path,
    limit: typeof most === "number" && Number.isSafeInteger(most) && most > 0 ? most : undefined,
    staged: applyTime !== undefined && applyTime !== "Immediate",
  };
  if (kind !== "pull") return { ...route, kind };
  if (plan.publisher === undefined)
    return { problem: "it is to fetch the image, and redfish() was given no publisher" };
  return { ...route, kind, publisher: plan.publisher };
}

/** What is tried, in this order. */
function kindsOf({ push, publisher }: Plan): readonly ("multipart" | "raw" | "pull")[] {
  if (push !== "auto") return [push];
  return publisher === undefined ? ["multipart", "raw"] : ["multipart", "raw", "pull"];
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
export function bodyOf(route: PushRoute, plan: Plan, payload: Payload): Body {
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

/** DSP8010 UpdateService, SimpleUpdate: where the image is to be fetched from, and what a form would say of it. */
export function orderOf(url: string, plan: Plan): object {
  return { ImageURI: url, TransferProtocol: url.startsWith("https:") ? "HTTPS" : "HTTP", ...parametersOf(plan) };
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
