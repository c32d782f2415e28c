import type { ResumeToken } from "../core/delivery.ts";
import { FlashwaveError, inContext, isFlashwaveError } from "../core/errors.ts";
import { closeQuietly } from "./update.ts";
import type { Work } from "./work.ts";

/** Has the device forget a broken send. */
export async function discard(work: Work, token: ResumeToken): Promise<void> {
  const session = work.open();
  try {
    if (session.discard === undefined) throw cannot(work);
    await session.discard(token, work.step(work.readTimeout));
  } catch (error) {
    throw isFlashwaveError(error) ? inContext(error, { device: work.id }) : error;
  } finally {
    await closeQuietly(session);
  }
}

function cannot({ id, delivery }: Work): FlashwaveError {
  const message = `The delivery ${JSON.stringify(delivery)} has no way to tell a device that. Leave the upload: the device forgets it by itself.`;
  return new FlashwaveError("unsupported", message, { phase: "prepare", device: id });
}
