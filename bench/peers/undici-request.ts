import { Agent, request } from "undici";
import type { Context, Runner } from "../types.ts";
import { asReadable, makeBody } from "./bodies.ts";
import { origins, pick, pumpPromises, pushHeaders, withLength } from "./shared.ts";

/** `undici.request` as its documentation shows it: a URL, an agent, the body read. */
export async function prepare({ parameters, port, file }: Context): Promise<Runner> {
  const dispatcher = new Agent();
  const hosts = origins(parameters.devices, port);
  const body = await makeBody(parameters, file);
  const plain = parameters.body === undefined || parameters.body === "memory";
  const headers = (plain ? pushHeaders : withLength(parameters.bytes ?? 0)) as string[];

  const push = async (index: number): Promise<void> => {
    const answer = await request(`${pick(hosts, index)}/update`, {
      dispatcher,
      method: "POST",
      headers,
      body: asReadable(body()),
    });
    await answer.body.dump();
    if (answer.statusCode !== 200) throw new Error(`status ${answer.statusCode}`);
  };
  const inspect = async (index: number): Promise<void> => {
    const answer = await request(`${pick(hosts, index)}/version`, { dispatcher });
    const state = (await answer.body.json()) as { version?: unknown };
    if (answer.statusCode !== 200 || state.version !== "2.4.0") throw new Error("wrong version");
  };
  const once = parameters.method === "GET" ? inspect : push;
  return { run: (ops) => pumpPromises(parameters.inFlight, ops, once), close: () => dispatcher.destroy() };
}
