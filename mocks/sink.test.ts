import { expect, test } from "vitest";
import { makeFirmware, sha256 } from "./firmware.ts";
import { ask, getText, RawClient, requestText } from "./raw-client.ts";
import { startSink } from "./sink.ts";

test("drains what it is sent, answers GETs, and counts", async () => {
  await using sink = await startSink({ json: '{"version":"5"}' });
  const body = makeFirmware({ version: "1", length: 700_000 });
  expect(await ask(sink.url, { method: "POST", body })).toMatchObject({ status: 200, text: "ok" });
  expect((await ask(sink.url)).json).toEqual({ version: "5" });
  expect(sink.counters()).toEqual({ requests: 2, bytes: 700_000, connections: 2, lastDigest: "" });
  sink.reset();
  expect(sink.counters()).toMatchObject({ requests: 0, bytes: 0 });
});

test("keeps its connection, however the bytes are cut", async () => {
  await using sink = await startSink({ hash: true });
  await using client = new RawClient(sink.url);
  for (const byte of requestText("/update", "hello")) client.send(byte);
  await client.until(sha256("hello"));
  client.send(requestText("/update") + getText("/version") + requestText("/update", "again"));
  await client.until(new RegExp(`${sha256("")}[\\s\\S]*version[\\s\\S]*${sha256("again")}`));
  expect(sink.counters()).toEqual({ requests: 4, bytes: 10, connections: 1, lastDigest: sha256("again") });
  await sink.close();
  await client.ended;
});
