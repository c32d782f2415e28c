import { http } from "./delivery/http/index.ts";
import type { Client, ClientOptions } from "./push/index.ts";
import { createClient as createPushClient } from "./push/index.ts";

export { type OpenArtifactOptions, openArtifact, readSignedDocument } from "./bytes/index.ts";
export * from "./core/index.ts";
export type * from "./push/index.ts";
export { examineArtifact, referencedCredentials } from "./push/index.ts";

/**
 * A client that speaks generic HTTP unless told otherwise.
 *
 * @example
 * await using client = createClient();
 * await using artifact = await openArtifact("pos-2.4.0.bin", { version: "2.4.0" });
 * const outcome = await client.update({ id: "pos-001", address: "http://10.0.0.12" }, artifact);
 *
 * @throws {FlashwaveError} `invalid_option`
 */
export function createClient(options: ClientOptions = {}): Client {
  return createPushClient(options, [http()]);
}
