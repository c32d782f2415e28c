import { Agent, fetch } from "undici";
import type { Context, Runner } from "../types.ts";
import { makeBody } from "./bodies.ts";
import { origins, pick, pumpPromises, pushHeaderRecord } from "./shared.ts";

export async function prepare({ parameters, port, file }: Context): Promise<Runner> {
  const dispatcher = new Agent();
  const hosts = origins(parameters.devices, port);
  const body = await makeBody(parameters, file);

  const push = async (index: number): Promise<void> => {
    const answer = await fetch(`${pick(hosts, index)}/update`, {
      dispatcher,
      method: "POST",
      headers: pushHeaderRecord,
      body: body() as Buffer<ArrayBuffer>,
    });
    await answer.arrayBuffer();
    if (answer.status !== 200) throw new Error(`status ${answer.status}`);
  };
  const inspect = async (index: number): Promise<void> => {
    const answer = await fetch(`${pick(hosts, index)}/version`, { dispatcher });
    const state = (await answer.json()) as { version?: unknown };
    if (answer.status !== 200 || state.version !== "2.4.0") throw new Error("wrong version");
  };
  const once = parameters.method === "GET" ? inspect : push;
  return { run: (ops) => pumpPromises(parameters.inFlight, ops, once), close: () => dispatcher.destroy() };
}
