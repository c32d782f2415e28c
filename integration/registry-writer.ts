// A process that writes to a fleet until it is killed. Every line it prints is a write that was acknowledged, but for
// "going", which comes before a write that takes away or changes what an earlier line spoke of.
// Arguments: the file or the connection string, the writer's name, how many devices (0: until killed), and the folder for
// artifacts, beside which it writes all other kinds of rows too.
import { randomBytes } from "node:crypto";
import { testArtifact } from "../src/registry/artifact-fixture.suite.ts";
import { openPostgresRegistry } from "../src/registry/postgres/index.ts";
import { openSqliteRegistry } from "../src/registry/sqlite/index.ts";
import type { Kind } from "./acknowledged.ts";

const [store = "", name = "", count = "0", artifacts = ""] = process.argv.slice(2);
const registry = await (store.startsWith("postgres:")
  ? openPostgresRegistry(store, artifacts === "" ? {} : { artifacts })
  : openSqliteRegistry(store));
const { devices, profiles, reports } = registry;
const most = Number(count) || Number.POSITIVE_INFINITY;
const device = (id: string) => ({ id, address: "http://10.0.0.1", tags: [name] });
const say = (verb: "wrote" | "there" | "going" | "gone", ...words: readonly (string | number)[]) =>
  process.stdout.write(`${[verb, ...words].join(" ")}\n`);

async function writeDevices(lane: number): Promise<void> {
  for (let i = lane; i < most; i += 4) {
    const put = await created(devices.put([device(`${name}-${i}`)]));
    await devices.observe([{ id: put.id, seenAt: i, firmware: `1.${i}.0` }]);
    say("wrote", put.id, put.revision, i);
  }
}

/** The only row of a put, which must have been taken. */
async function created(
  put: Promise<readonly { readonly id: string; readonly result: string }[]>,
): Promise<{ readonly id: string; readonly revision: number }> {
  const [row] = await put;
  if (row?.result !== "created" && row?.result !== "updated") throw new Error(JSON.stringify(row));
  return row as { id: string; result: string; revision: number };
}

async function takeAway(kind: Kind, ids: readonly string[], remove: () => Promise<number | boolean>): Promise<void> {
  for (const id of ids) say("going", kind, id);
  if (Number(await remove()) !== ids.length) throw new Error(`${ids} did not go`);
  for (const id of ids) say("gone", kind, id);
}

async function removeDevices(): Promise<void> {
  for (let i = 0; ; i += 1) {
    const { id, revision } = await created(devices.put([device(`${name}-leaving${i}`)]));
    say("there", "device", id, revision);
    await takeAway("device", [id], () => devices.remove([id]));
  }
}

/** A base and an override, which is edited; every other base is removed, and its override with it. */
async function writeProfiles(): Promise<void> {
  for (let i = 0; ; i += 1) {
    const base = await created(profiles.put([{ id: `${name}-p${i}`, name }]));
    say("there", "profile", base.id, base.revision);
    const override = (path: string) => ({ id: `${base.id}-o`, name, parent: base.id, requests: { send: { path } } });
    const first = await created(profiles.put([override("/first")]));
    say("there", "profile", first.id, first.revision);
    say("going", "profile", first.id);
    const second = await created(profiles.put([override("/second")]));
    say("there", "profile", second.id, second.revision);
    if (i % 2 === 1) {
      await takeAway("profile", [base.id, second.id], async () => (await profiles.remove([base.id])).removed);
    }
  }
}

async function writeReports(): Promise<void> {
  const { id } = await created(devices.put([device(`${name}-reporter`)]));
  for (let i = 0; ; i += 1) {
    const [report] = await reports.append([{ id: `${i}`, device: id, kind: "log", body: name }]);
    if (report?.result !== "appended") throw new Error(JSON.stringify(report));
    say("there", "report", `${id}/${i}`);
  }
}

/** More than a block each; every other one is removed. */
async function writeArtifacts(): Promise<void> {
  for (let i = 0; ; i += 1) {
    const { digest } = await registry.artifacts.put(testArtifact(randomBytes(300_000), {}, 65_536));
    say("there", "artifact", digest);
    if (i % 2 === 1) await takeAway("artifact", [digest], () => registry.artifacts.remove(digest));
  }
}

const others = artifacts === "" ? [] : [removeDevices(), writeProfiles(), writeReports(), writeArtifacts()];
await Promise.all([...[0, 1, 2, 3].map(writeDevices), ...others]);
await registry[Symbol.asyncDispose]();
