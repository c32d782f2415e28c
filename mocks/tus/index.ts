import { withLogin } from "../login.ts";
import { startDeviceServer } from "../server.ts";
import { TusDialect } from "./dialect.ts";
import type { TusDevice, TusDeviceOptions } from "./options.ts";

export type { TusDevice, TusDeviceOptions, TusExtension } from "./options.ts";
export type { UploadRecord } from "./uploads.ts";

/**
 * A device that takes its firmware as a tus 1.0.0 upload, made from the specification; where it leaves a choice, it
 * does as the project's own Node server does. Requests that carry bytes are its updates, so faults on "update" are
 * faults of a PATCH; a cut one keeps what came. A whole upload is installed; its version is that of a simulated image,
 * or what the metadata says. It keeps all uploads in memory.
 */
export async function startTusDevice(options: TusDeviceOptions = {}): Promise<TusDevice> {
  const dialect = new TusDialect(options);
  const { login } = options;
  const spoken = login === undefined ? dialect : withLogin(dialect, login);
  const server = await startDeviceServer({ ...options, dialect: spoken });
  const own: Pick<TusDevice, "uploads" | "expire" | "lose"> = {
    uploads: () => [...dialect.uploads.values()].map((upload) => upload.record()),
    expire(path) {
      for (const known of [...dialect.uploads.keys()]) if (path === undefined || path === known) dialect.expire(known);
    },
    lose: (path, offset) => dialect.uploads.get(path)?.truncate(offset),
  };
  return Object.defineProperties(own, Object.getOwnPropertyDescriptors(server)) as TusDevice;
}
