import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type FirmwareFile, type ForkedFleet, forkFleet, writeFirmware } from "../../../mocks/index.ts";
import type { Device } from "../../core/index.ts";
import { firmwareBytes, newVersion, oldVersion, type Part } from "./plan.ts";

/** A device of the demonstration with its part. */
export interface Actor {
  readonly device: Device;
  readonly part: Part;
}

export interface Stage extends AsyncDisposable {
  readonly actors: readonly Actor[];
  readonly fleet: ForkedFleet;
  readonly firmware: FirmwareFile;
  /** Where its fleet may be kept: it goes with the stage. */
  readonly store: string;
}

/** Writes the firmware to a temporary file and starts the devices in a process of their own. Disposing undoes both. */
export async function setStage(cast: readonly Part[]): Promise<Stage> {
  await using undo = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "flashwave-demo-"));
  undo.defer(() => rm(directory, { recursive: true, force: true }));
  const firmware = await writeFirmware(join(directory, "demo.bin"), { version: newVersion, length: firmwareBytes });
  const fleet = undo.use(
    await forkFleet({ count: cast.length, device: { version: oldVersion, rebootMs: 100, accepts: "firmware" } }),
  );
  const nobody = await closedPort();
  const actors: Actor[] = [];
  for (const [index, { id, address }] of fleet.devices.entries()) {
    const part = cast[index];
    if (part === undefined) continue;
    const control = fleet.control(id);
    if (part.script) await control.script(...part.script);
    if (part.fallsIll) await control.health("failing-after-update");
    actors.push({ device: { id, address: part.absent ? nobody : address }, part });
  }
  const kept = undo.move();
  return {
    actors,
    fleet,
    firmware,
    store: join(directory, "fleet.db"),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** An address at which a moment ago somebody listened, and now nobody does. */
async function closedPort(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return `http://127.0.0.1:${typeof address === "object" ? address?.port : 1}`;
}
