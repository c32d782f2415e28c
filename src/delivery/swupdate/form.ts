import { multipart } from "../../bytes/index.ts";
import type { SendStep } from "../../core/delivery.ts";
import type { Payload, Segment } from "../../core/payload.ts";
import type { HeaderBlock } from "../../core/transport.ts";
import { withDefaults } from "../shared/request-plan.ts";

interface Form {
  readonly headers: HeaderBlock;
  readonly body: readonly Segment[];
  /** Of the whole body to the artifact's own part of it. */
  readonly onSent: ((bytes: number) => void) | undefined;
}

/** Milliseconds that the artifact waits for a device that does not say that it took the upload on. Seen: 2 until it says so. */
export const longestWait = 500;

/** SWUpdate keeps at most 512 bytes of it. */
const longestName = 128;

/**
 * The artifact as the one file of a form. SWUpdate takes any field, but a part without a filename for no file.
 *
 *     POST /upload, head of the form ─▶ taken on? ─▶ artifact ─▶ end of the form
 *
 * @param gate awaited before the artifact's first byte: a device that refuses does so once it has the head, and what
 * is sent to it after that would only make the kernel throw its answer away
 */
export function formOf(
  payload: Payload,
  profile: HeaderBlock,
  { headers = {}, onSent }: SendStep,
  gate: () => Promise<void>,
): Form {
  const { name, length } = payload.artifact;
  const filename = name.slice(0, longestName) || "image.swu";
  const file = {
    name: "file",
    filename,
    contentType: "application/octet-stream",
    body: gated(payload.slice(0, length), gate),
  };
  const { contentType, segments } = multipart([file]);
  const before = segments[0]?.length ?? 0;
  const caller = Object.entries(headers).flatMap(([header, value]) => [header.toLowerCase(), value]);
  return {
    headers: withDefaults(["content-type", contentType], withDefaults(caller, profile)),
    body: segments,
    onSent: onSent && ((bytes) => onSent(Math.min(Math.max(bytes - before, 0), length))),
  };
}

/** By hand: a generator around a generator would cost two more promises per chunk. */
function gated(segment: Segment, gate: () => Promise<void>): Segment {
  return {
    length: segment.length,
    [Symbol.asyncIterator]() {
      const chunks = segment instanceof Uint8Array ? once(segment) : segment[Symbol.asyncIterator]();
      let next = async () => {
        next = () => chunks.next();
        await gate();
        return chunks.next();
      };
      return {
        next: () => next(),
        return: async () => (await chunks.return?.()) ?? { done: true, value: undefined },
      };
    },
  };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  yield bytes;
}
