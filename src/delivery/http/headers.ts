import { Buffer } from "node:buffer";
import type { ArtifactRef } from "../../core/artifact.ts";
import type { SendStep } from "../../core/delivery.ts";
import type { Device } from "../../core/device.ts";
import type { HeaderBlock } from "../../core/transport.ts";
import { withDefaults } from "../shared/request-plan.ts";
import { headerValue, maxDeviceString } from "../shared/text.ts";
import type { Plan } from "./plan.ts";

/** The plan's frozen block, and the few pairs that vary with the device, the artifact and the push. */
export function artifactHeaders(plan: Plan, device: Device, artifact: ArtifactRef, step: SendStep): HeaderBlock {
  const { identify, reprDigest, idempotencyKey, versionHeader } = plan.along;
  const headers = [...plan.send.headers];
  if (identify) {
    headers.push("x-device-id", headerValue(device.id));
    // A name is for people: a very long one is cut rather than refused by a device's header limit.
    if (device.name) headers.push("x-device-name", headerValue(device.name.slice(0, maxDeviceString)));
  }
  if (reprDigest) headers.push("repr-digest", reprDigestOf(artifact));
  // A structured-field String: percent-encoding leaves neither quotes nor backslashes in it.
  if (idempotencyKey) headers.push("idempotency-key", `"${encodeURIComponent(step.pushId.toWellFormed())}"`);
  if (versionHeader && artifact.version !== "") headers.push("x-firmware-version", headerValue(artifact.version));
  return step.headers === undefined ? headers : withDefaults(callerHeaders(step.headers), headers);
}

/** What the caller added to this one push goes before everything of the same name. */
function callerHeaders(headers: Readonly<Record<string, string>>): string[] {
  return Object.entries(headers).flatMap(([name, value]) => [name.toLowerCase(), value]);
}

const digests = new WeakMap<ArtifactRef, string>();

/** RFC 9530 §3. Made once per artifact: a fleet is given the same one. */
function reprDigestOf(artifact: ArtifactRef): string {
  const known = digests.get(artifact);
  if (known !== undefined) return known;
  const field = `sha-256=:${Buffer.from(artifact.digest, "hex").toString("base64")}:`;
  digests.set(artifact, field);
  return field;
}
