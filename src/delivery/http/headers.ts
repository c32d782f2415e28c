import { Buffer } from "node:buffer";
import type { ArtifactRef } from "../../core/artifact.ts";
import type { SendStep } from "../../core/delivery.ts";
import type { Device } from "../../core/device.ts";
import type { HeaderBlock } from "../../core/transport.ts";
import { withDefaults } from "../shared/request-plan.ts";
import { headerValue, maxDeviceString } from "../shared/text.ts";
import type { SendPlan } from "./plan.ts";

/** The block that a plan and an artifact share with a whole fleet, and the few pairs that vary with device and push. */
export function artifactHeaders(plan: SendPlan, device: Device, artifact: ArtifactRef, step: SendStep): HeaderBlock {
  const { identify, idempotencyKey } = plan.along;
  const block = blockOf(plan, artifact);
  const headers: string[] = identify ? [...block, "x-device-id", headerValue(device.id)] : [...block];
  // A name is for people: a very long one is cut rather than refused by a device's header limit.
  if (identify && device.name) headers.push("x-device-name", headerValue(device.name.slice(0, maxDeviceString)));
  // A structured-field String: percent-encoding leaves neither quotes nor backslashes in it.
  if (idempotencyKey) headers.push("idempotency-key", `"${encodeURIComponent(step.pushId.toWellFormed())}"`);
  return step.headers === undefined ? headers : withDefaults(callerHeaders(step.headers), headers);
}

const blocks = new WeakMap<SendPlan, WeakMap<ArtifactRef, HeaderBlock>>();

/** Made once per plan and artifact. */
function blockOf(plan: SendPlan, artifact: ArtifactRef): HeaderBlock {
  let known = blocks.get(plan);
  if (known === undefined) {
    known = new WeakMap();
    blocks.set(plan, known);
  }
  let block = known.get(artifact);
  if (block === undefined) {
    const { reprDigest, versionHeader } = plan.along;
    block = Object.freeze([
      ...plan.send.headers,
      ...(reprDigest ? ["repr-digest", reprDigestOf(artifact)] : []),
      ...(versionHeader && artifact.version !== "" ? ["x-firmware-version", headerValue(artifact.version)] : []),
    ]);
    known.set(artifact, block);
  }
  return block;
}

/** What the caller added to this one push goes before everything of the same name. */
function callerHeaders(headers: Readonly<Record<string, string>>): string[] {
  return Object.entries(headers).flatMap(([name, value]) => [name.toLowerCase(), value]);
}

/** RFC 9530 §3. */
export function reprDigestOf(artifact: ArtifactRef): string {
  return `sha-256=:${Buffer.from(artifact.digest, "hex").toString("base64")}:`;
}
