import { Agent, request } from "node:http";
import type { Context, Runner } from "../types.ts";
import { asStream, makeBody } from "./bodies.ts";
import { host, pump, pushHeaderRecord } from "./shared.ts";
import { readVersion } from "./undici-dispatch.ts";

export async function prepare({ parameters, port, file }: Context): Promise<Runner> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const body = await makeBody(parameters, file);
  const get = parameters.method === "GET";
  const method = get ? "GET" : "POST";
  const path = get ? "/version" : "/update";
  const headers = get ? {} : { ...pushHeaderRecord, "content-length": parameters.bytes ?? 0 };

  const once = (index: number, done: (error?: unknown) => void): void => {
    const host_ = host(index % parameters.devices);
    const sent = request({ agent, host: host_, port, method, path, headers }, (answer) => {
      let text: Buffer | undefined;
      answer.on("data", (chunk: Buffer) => {
        text = text === undefined ? chunk : Buffer.concat([text, chunk]);
      });
      answer.on("end", () => {
        if (answer.statusCode !== 200 || (get && readVersion(text) !== "2.4.0")) return done(new Error("wrong answer"));
        // The agent takes the socket back after this event.
        process.nextTick(done);
      });
    });
    sent.on("error", done);
    if (get) return void sent.end();
    const content = asStream(body());
    if (Buffer.isBuffer(content)) sent.end(content);
    else content.on("error", done).pipe(sent);
  };
  return { run: (ops) => pump(parameters.inFlight, ops, once), close: () => agent.destroy() };
}
