import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import type { DeviceInput, ProfileInput, Registry } from "../../core/registry.ts";
import { expectCode } from "../driver.suite.ts";
import { createMemoryRegistry } from "../memory/index.ts";
import { readCell, writeCell } from "./columns.ts";
import { CsvFault, readCsv, writeCsv } from "./csv.ts";
import {
  type ExportOptions,
  exportDevices,
  exportProfiles,
  type ImportOptions,
  importDevices,
  importProfiles,
  type RefusedRow,
  type TransferFormat,
} from "./index.ts";
import { readLines, readText } from "./lines.ts";

const formats: readonly TransferFormat[] = ["csv", "ndjson"];

async function textOf(pieces: AsyncIterable<string>): Promise<string> {
  let text = "";
  for await (const piece of pieces) text += piece;
  return text;
}

async function* piecesOf(text: string, size: number): AsyncGenerator<string, void> {
  for (let at = 0; at < text.length; at += size) yield text.slice(at, at + size);
}

async function cellsOf(text: string, size = 3): Promise<(readonly string[])[]> {
  const records: (readonly string[])[] = [];
  for await (const { cells } of readCsv(piecesOf(text, size))) records.push(cells);
  return records;
}

/** Imports into an empty fleet. */
async function imported(text: string | Uint8Array[], format: TransferFormat) {
  const registry = createMemoryRegistry();
  const refusals: RefusedRow[] = [];
  const source = typeof text === "string" ? [text] : text;
  const report = await importDevices(registry.devices, source, { format, onRefused: (row) => refusals.push(row) });
  return { registry, refusals, report };
}

describe("lines", () => {
  const linesOf = async (pieces: Iterable<string>) => {
    const lines: (readonly [number, string])[] = [];
    for await (const line of readLines(readText(pieces))) lines.push(line);
    return lines;
  };

  it.each([1, 2, 3, 100])("are the same in pieces of %i", async (size) => {
    const text = "a\r\nb\n\n \nc\r\nd";
    const pieces = Array.from({ length: text.length }, (_, at) => text.slice(at * size, (at + 1) * size));
    expect(await linesOf(pieces)).toEqual([
      [1, "a"],
      [2, "b"],
      [5, "c"],
      [6, "d"],
    ]);
  });

  it("are looked through once, however small the pieces of a long one are", async () => {
    const split = vi.spyOn(String.prototype, "split");
    try {
      const [line] = await linesOf([...Array.from({ length: 10_000 }, () => "1234567"), "\n"]);
      expect(line?.[1]).toHaveLength(70_000);
      const seen = split.mock.contexts.reduce((sum: number, text) => sum + String(text).length, 0);
      expect(seen).toBeGreaterThan(0);
      expect(seen).toBeLessThan(200_000);
    } finally {
      split.mockRestore();
    }
  });

  it("end at 8 MiB", async () => {
    const piece = "x".repeat(65_536);
    await expectCode(linesOf(Array.from({ length: 129 }, () => piece)), "invalid_option");
    expect(await linesOf(Array.from({ length: 128 }, () => piece))).toHaveLength(1);
  });
});

describe("CSV", () => {
  it.each(["=1", "+1", "-1", "@a", "\t=1", "\r=1", "'=1", "''@a"])(
    "has no cell %j that a spreadsheet would run",
    (text) => {
      expect(writeCell("text", text)).toBe(`'${text}`);
      expect(readCell("text", `'${text}`)).toBe(text);
    },
  );

  it.each([
    ["", []],
    ["\r\n\n", []],
    ["a,b\r\nc,d\r\n", [["a", "b"], ["c", "d"]]],
    ["a,b\nc,d", [["a", "b"], ["c", "d"]]],
    ["a\rb\r", [["a"], ["b"]]],
    [",\n", [["", ""]]],
    ['""\n', [[""]]],
    ['"a,b","c""d","e\r\nf"\n', [["a,b", 'c"d', "e\r\nf"]]],
    [" a , b ", [[" a ", " b "]]],
  ] as const)("reads %j", async (text, records) => {
    for (const size of [1, 2, 1_000]) expect(await cellsOf(text, size)).toEqual(records);
  }); // biome-ignore format: a table

  it.each([
    ['a,"b', "line 1: a quote never closes"],
    ['x\n"a"b', "line 2: text after a closing quote"],
    ['a"b', "line 1: a quote within a cell"],
  ])("refuses %j", async (text, message) => {
    await expect(cellsOf(text)).rejects.toThrow(CsvFault);
    await expect(cellsOf(text)).rejects.toThrow(message);
  });

  it("reads what it wrote, in whatever pieces it comes", async () => {
    const cell = fc.string({ unit: fc.constantFrom("a", ",", '"', "\n", "\r", " ", ";", "é", "\u{1F600}") });
    const record = fc.array(cell, { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(fc.array(record), fc.integer({ min: 1, max: 9 }), async (records, size) => {
        const text = records.map(writeCsv).join("");
        // One empty cell is an empty line, which is no record.
        expect(await cellsOf(text, size)).toEqual(records.filter((cells) => cells.length > 1 || cells[0] !== ""));
      }),
    );
  });

  it("does not take a file without a closing quote into memory", async () => {
    let pieces = 0;
    async function* endless(): AsyncGenerator<string, void> {
      for (yield '"'; ; yield "x".repeat(65_536)) pieces += 1;
    }
    const read = async () => {
      for await (const _ of readCsv(endless())) throw new Error("there is no record in it");
    };
    await expect(read()).rejects.toThrow("too long");
    expect(pieces).toBeLessThan(140); // 8 Mi characters
  });
});

const devices: readonly DeviceInput[] = [
  { id: "a", address: "http://10.0.0.1" },
  {
    id: 'b "quoted", with a comma',
    address: "https://10.0.0.2:8443",
    name: "Käse № 7",
    delivery: "http",
    probe: "http",
    profileId: "till",
    group: "g",
    site: "s",
    location: "l",
    tags: ["x", "y z"],
    pins: [`sha256/${"A".repeat(43)}=`],
    metadata: { "a,b": "line\nbreak", "=1+1": "" },
    profile: { send: { path: "/own", headers: { "x-a": "1" } }, health: false, options: { chunk: 5 } },
  },
  { id: "c", address: "http://10.0.0.3", tags: ["with;semicolon", "[bracket"] },
  { id: "d", address: "http://10.0.0.4", tags: [], metadata: {} },
];

const profiles: readonly ProfileInput[] = [
  { id: "till", name: "Till", description: "a,b\nc", requests: { send: { path: "/u" } }, options: { n: 1 } },
  { id: "a-deep", name: "Deep", parent: "b-group", scope: "device", device: "a" },
  { id: "b-group", name: "Group", parent: "till", scope: "group", group: "g", requests: { health: false } },
  {
    id: "other",
    name: "Other",
    items: [
      { purpose: "send", kind: "header", name: "x", value: '"' },
      { purpose: "send", kind: "query", name: "y", enabled: false },
    ],
  },
];

const shown = async ({ devices: rows, profiles: all }: Registry) => [
  (await rows.page()).items.map(({ revision: _, createdAt: __, updatedAt: ___, ...row }) => row),
  (await all.page()).items.map(({ revision: _, createdAt: __, updatedAt: ___, ...row }) => row),
];

describe.each(formats)("%s", (format) => {
  it("brings a fleet from one registry into another", async () => {
    const from = createMemoryRegistry();
    const ordered = [profiles[0], profiles[3], profiles[2], profiles[1]] as readonly ProfileInput[];
    await from.profiles.put(ordered);
    await from.devices.put(devices);
    await from.profiles.put(ordered);
    const to = createMemoryRegistry();
    const profileText = await textOf(exportProfiles(from.profiles, { format }));
    const deviceText = await textOf(exportDevices(from.devices, { format }));
    const options = { format };
    const first = await importProfiles(to.profiles, [profileText], options);
    expect(first).toEqual({ created: 3, updated: 0, refused: 1 }); // its device is not there yet
    expect(await importDevices(to.devices, [deviceText], options)).toEqual({ created: 4, updated: 0, refused: 0 });
    expect(await importProfiles(to.profiles, [profileText], options)).toEqual({ created: 1, updated: 3, refused: 0 });
    expect(await shown(to)).toEqual(await shown(from));
    expect(await textOf(exportDevices(to.devices, { format }))).toBe(deviceText);
    const some = exportDevices(from.devices, { format, filter: { site: "s" } });
    expect((await imported(await textOf(some), format)).refusals).toMatchObject([{ result: "invalid_profile" }]);
  });

  it("tells of each bad row where it stands, in order, and takes the others", async () => {
    const lines =
      format === "csv"
        ? [
            "id,metadata,address",
            "a,,http://a",
            "b,{,http://b",
            "c,,ftp://secret",
            "d",
            ",,http://e",
            'f,,"http://f"',
            "",
          ]
        : [
            "",
            '{"id":"a","address":"http://a"}',
            '{"id":"b"',
            '{"id":"c","address":"ftp://secret"}',
            '{"id":"d","address":"http://d","colour":"secret"}',
            '["secret"]',
            '{"id":"f","address":"http://f"}',
          ];
    const { registry, report, refusals } = await imported(lines.join("\n"), format);
    expect(report).toEqual({ created: 2, updated: 0, refused: 4 });
    expect([...(await registry.devices.getMany(["a", "f"])).keys()]).toEqual(["a", "f"]);
    expect(refusals.map(({ line, result }) => [line, result])).toEqual([
      [3, "malformed"],
      [4, "invalid_address"],
      [5, "malformed"],
      [6, format === "csv" ? "invalid_device" : "malformed"],
    ]);
    expect(JSON.stringify(refusals)).not.toContain("secret");
  });

  it("takes bytes that are cut anywhere, with a byte order mark, and refuses what is not UTF-8", async () => {
    const text =
      format === "csv" ? "id,address,name\nk,http://a,Käse\n" : '{"id":"k","address":"http://a","name":"Käse"}';
    const bytes = Buffer.from(`\uFEFF${text}`);
    const { registry } = await imported(
      Array.from(bytes, (byte) => Uint8Array.of(byte)),
      format,
    );
    expect((await registry.devices.getMany(["k"])).get("k")?.name).toBe("Käse");
    await expectCode(imported([Buffer.from(text), Uint8Array.of(0xff)], format), "invalid_option");
    await expectCode(imported([Buffer.from(text), Uint8Array.of(0xc3)], format), "invalid_option");
  });

  it("reads no further ahead than a batch, and stops with its signal", async () => {
    const registry = createMemoryRegistry();
    const controller = new AbortController();
    let [made, put, ahead] = [0, 0, 0];
    async function* source(): AsyncGenerator<string, void> {
      if (format === "csv") yield "id,address\n";
      for (; made < 20_000; made += 10) {
        ahead = Math.max(ahead, made - put);
        if (made === 10_000) controller.abort();
        const rows = Array.from({ length: 10 }, (_, i) => ({ id: `d${made + i}`, address: "http://a" }));
        yield rows
          .map((row) => (format === "csv" ? `${row.id},${row.address}\n` : `${JSON.stringify(row)}\n`))
          .join("");
      }
    }
    const counting = {
      put: async (...args: Parameters<typeof registry.devices.put>) => {
        const results = await registry.devices.put(...args);
        put += results.length;
        return results;
      },
    };
    const aborted = await importDevices(counting, source(), { format, signal: controller.signal }).catch(String);
    expect(aborted).toMatch(/the signal had aborted/);
    expect(aborted).toMatch(new RegExp(`; ${put} rows were imported before$`));
    expect(put).toBeGreaterThan(9_000);
    expect(put).toBeLessThanOrEqual(10_000);
    expect(ahead).toBeLessThanOrEqual(510);
  });
});

describe("options", () => {
  it("that a transfer does not know are refused, and nothing is moved", async () => {
    const { devices, profiles } = createMemoryRegistry();
    const format = "ndjson" as const;
    const rows = ['{"id":"a","address":"http://a"}'];
    const read = (pieces: AsyncIterable<string>) => pieces[Symbol.asyncIterator]().next();
    const calls: readonly (() => Promise<unknown>)[] = [
      () => importDevices(devices, rows, { format, onRefuse() {} } as ImportOptions),
      () => importProfiles(profiles, rows, { format, limit: 1 } as ImportOptions),
      () => importDevices(devices, rows, null as unknown as ImportOptions),
      () => read(exportDevices(devices, { format, limt: 1 } as ExportOptions<object>)),
      () => read(exportProfiles(profiles, { format, filter: {} } as ExportOptions<object>)),
    ];
    for (const call of calls) await expectCode(call(), "invalid_option");
    expect((await devices.page()).items).toEqual([]);
  });
});

describe("an import", () => {
  it.each(formats)("of %s takes the largest profile that a registry does", async (format) => {
    const registry = createMemoryRegistry();
    const items = Array.from({ length: 256 }, (_, i) => ({
      ...({ purpose: "send", kind: "form" } as const),
      name: `${i}`.padStart(256, '"'),
      value: '"'.repeat(8_192),
    }));
    const large = { id: "p", name: '"'.repeat(256), description: '"'.repeat(4_096), items };
    const requests = { send: { path: `/${'"'.repeat(2_000)}`, note: '"'.repeat(60_000) } };
    const [put] = await registry.profiles.put([{ ...large, requests } as ProfileInput]);
    expect(put?.result).toBe("created");
    const copy = createMemoryRegistry();
    const refused = vi.fn();
    const pieces = exportProfiles(registry.profiles, { format });
    expect(await importProfiles(copy.profiles, pieces, { format, onRefused: refused })).toMatchObject({ created: 1 });
    expect(refused.mock.calls).toEqual([]);
    const [before, after] = [await registry.profiles.getMany(["p"]), await copy.profiles.getMany(["p"])];
    expect(after.get("p")?.items).toEqual(before.get("p")?.items);
    expect(after.get("p")?.requests).toEqual(before.get("p")?.requests);
  });

  it.each([
    ["csv", '\uFEFF"id",address\na,http://a\n'],
    ["ndjson", '\uFEFF{"id":"a","address":"http://a"}\n'],
  ] as const)("of %s takes text with a byte order mark as it takes bytes", async (format, text) => {
    for (const source of [[text], ["", text.slice(0, 1), text.slice(1)], [Buffer.from(text)]]) {
      const registry = createMemoryRegistry();
      expect(await importDevices(registry.devices, source, { format })).toEqual({ created: 1, updated: 0, refused: 0 });
    }
    const twice = `\uFEFF${text}`;
    const [report] = await Promise.allSettled([importDevices(createMemoryRegistry().devices, [twice], { format })]);
    expect(report).not.toMatchObject({ value: { created: 1 } });
  });

  it.each(formats)("of %s puts fewer rows at once where they are large", async (format) => {
    const registry = createMemoryRegistry();
    const [most, text] = [40, "x".repeat(4_000)];
    const metadata = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`n${i}`, text]));
    await registry.devices.put(
      Array.from({ length: most }, (_, i) => ({ id: `d${i}`, address: "http://a", metadata })),
    );
    const puts: number[] = [];
    const counting = {
      put: (...args: Parameters<typeof registry.devices.put>) => {
        puts.push(args[0].length);
        return registry.devices.put(...args);
      },
    };
    await importDevices(counting, exportDevices(registry.devices, { format }), { format });
    expect(puts).toEqual([9, 9, 9, 9, 4]); // 2 MiB of 240,000 characters each
  });

  it.each(["", "id,colour\n", "address\na\n", "id,id\n", "__proto__,id\n"])(
    "of CSV with the header %j",
    async (text) => {
      const run = imported(text, "csv");
      if (text === "") expect((await run).report).toEqual({ created: 0, updated: 0, refused: 0 });
      else await expectCode(run, "invalid_option");
    },
  );

  it("keeps what came before quotes that do not match", async () => {
    const registry = createMemoryRegistry();
    const text = 'id,address\na,http://a\nb,"http://b\n';
    await expectCode(importDevices(registry.devices, [text], { format: "csv" }), "invalid_option");
    expect((await registry.devices.page()).items.map(({ id }) => id)).toEqual(["a"]);
  });

  it("knows two formats", async () => {
    const format = "xml" as TransferFormat;
    await expectCode(imported("", format), "invalid_option");
    await expectCode(textOf(exportDevices(createMemoryRegistry().devices, { format })), "invalid_option");
  });

  it("refuses a member that would reach a prototype", async () => {
    const { refusals } = await imported('{"id":"a","address":"http://a","__proto__":{"x":1}}', "ndjson");
    expect(refusals).toMatchObject([{ line: 1, id: "a", result: "malformed" }]);
  });
});
