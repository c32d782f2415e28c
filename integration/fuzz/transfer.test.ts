import fc from "fast-check";
import { describe, expect } from "vitest";
import { createMemoryRegistry } from "../../src/registry/memory/index.ts";
import { exportDevices, importDevices, importProfiles } from "../../src/registry/transfer/index.ts";
import { bent } from "./bent.ts";
import { fuzzLaterTest, judgeLater } from "./kit.ts";

const csv = [
  'id,address,group,tags,metadata\r\npos-1,http://10.0.0.12,g1,a;b,"{""room"":""7""}"\r\npos-2,http://10.0.0.13,g1,"[""x;y""]",\r\n',
  'address,id,profile\nhttp://10.0.0.12,"pos-1","{""send"":{""path"":""/fw""}}"\n\nhttps://10.0.0.13:8443,pos-2,\n',
  "id,address\r\n=cmd,http://10.0.0.12\r\n'@x,http://10.0.0.13\r\n",
];
const ndjson = [
  '{"id":"pos-1","address":"http://10.0.0.12","tags":["a"],"pins":[]}\n{"id":"pos-2","address":"http://10.0.0.13","metadata":{"a":"b"}}\n',
  '{"id":"p","address":"http://10.0.0.12","profile":{"send":{"path":"/x"},"options":{"part":65536}}}\r\n',
];
const profiles = [
  'id,name,parent,scope,group,requests\nbase,Base,,,,"{""send"":{""path"":""/fw""}}"\nchild,Child,base,group,g1,"{""send"":{""path"":""/fw2""}}"\n',
];

const format = fc.constantFrom("csv" as const, "ndjson" as const);
const pieces = fc.nat(30);

/** The bytes in pieces of one size, as a stream may cut them. */
function* cut(bytes: Buffer, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function whole(texts: AsyncIterable<string>): Promise<string> {
  let all = "";
  for await (const text of texts) all += text;
  return all;
}

describe("imports", () => {
  const input = fc.tuple(fc.oneof(bent(csv), bent(ndjson)), format, pieces);
  fuzzLaterTest(
    "take rows or refuse them by line, and what they took goes out and comes in again",
    8_000,
    input,
    async ([bytes, given, size]) => {
      await using registry = createMemoryRegistry();
      let refused = 0;
      const onRefused = ({ line, reason }: { readonly line: number; readonly reason: string }) => {
        refused++;
        expect(line).toBeGreaterThan(0);
        expect(reason.length).toBeGreaterThan(5);
      };
      const verdict = await judgeLater(() =>
        importDevices(registry.devices, cut(bytes, size + 1), { format: given, onRefused }),
      );
      const { items } = await registry.devices.page({});
      if ("value" in verdict) expect(verdict.value.refused).toBe(refused);
      for (const out of ["csv", "ndjson"] as const) {
        await using copy = createMemoryRegistry();
        const text = await whole(exportDevices(registry.devices, { format: out }));
        const report = await importDevices(copy.devices, [text], { format: out });
        expect(report).toMatchObject({ created: items.length, refused: 0 });
        expect(await whole(exportDevices(copy.devices, { format: out }))).toBe(text);
      }
      return items.length > 0 ? verdict : { refused: "nothing" };
    },
  );

  fuzzLaterTest(
    "of profiles take rows or refuse them",
    4_000,
    fc.tuple(bent(profiles), pieces),
    async ([bytes, size]) => {
      await using registry = createMemoryRegistry();
      const verdict = await judgeLater(() =>
        importProfiles(registry.profiles, cut(bytes, size + 1), { format: "csv" }),
      );
      return "value" in verdict && verdict.value.created > 0 ? verdict : { refused: "nothing" };
    },
  );
});

/** What a spreadsheet takes for a formula (OWASP, "CSV Injection"). */
const formula = /^[=+\-@\t\r]/;

describe("exports", () => {
  const name = fc
    .tuple(
      fc.constantFrom("=", "+", "-", "@", "'", "'=", "a", "", ";=", "[="),
      fc.constantFrom("cmd|' /C calc'!A0", "1+1", "SUM(A1)", 'x"y', "a,b"),
    )
    .map((parts) => parts.join(""));
  const rows = fc.uniqueArray(fc.record({ id: name, name, group: name, tags: fc.array(name, { maxLength: 3 }) }), {
    selector: ({ id }) => id,
    maxLength: 4,
  });
  fuzzLaterTest("hold no cell that a spreadsheet would run, and lose nothing by it", 4_000, rows, async (given) => {
    await using registry = createMemoryRegistry();
    const put = await registry.devices.put(given.map((row) => ({ ...row, address: "http://10.0.0.12" })));
    const text = await whole(exportDevices(registry.devices, { format: "csv" }));
    for (const line of text.split("\r\n")) {
      for (const cell of line.match(/(?<=^|,)(?:"(?:[^"]|"")*"|[^",]*)(?=,|$)/g) ?? []) {
        expect(cell.replace(/^"/, ""), cell).not.toMatch(formula);
      }
    }
    await using copy = createMemoryRegistry();
    await importDevices(copy.devices, [text], { format: "csv" });
    const [before, after] = await Promise.all([registry, copy].map(({ devices }) => devices.page({})));
    const plain = (page: typeof before) =>
      page?.items.map(({ id, name: called, group, tags }) => ({ id, called, group, tags }));
    expect(plain(after)).toEqual(plain(before));
    return put.some(({ result }) => result === "created") ? { value: put } : { refused: "nothing to export" };
  });
});
