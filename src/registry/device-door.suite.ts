import { describe, expect, it } from "vitest";
import type { DeviceCredentials } from "../core/credentials.ts";
import type { DeviceInput } from "../core/registry.ts";
import { accept, device, isDeeplyFrozen, loginHeaders, type RegistryDriver } from "./driver.suite.ts";

const endless: Record<string, unknown> = {};
endless["again"] = endless;

const malformed: readonly (readonly [what: string, result: string, row: unknown])[] = [
  ["no object", "invalid_device", null],
  ["no id", "invalid_device", { address: "http://a" }],
  ["an empty id", "invalid_device", device("")],
  ["a long id", "invalid_device", device("x".repeat(257))],
  ["a control in the id", "invalid_device", device("a\nb")],
  ["a NUL in the id", "invalid_device", device("a\0b")],
  ["a bidirectional mark in the id", "invalid_device", device("a\u202Eb")],
  ["half a surrogate pair in the id", "invalid_device", device("a\uD800")],
  ["an id that is a number", "invalid_device", { id: 7, address: "http://a" }],
  ["no address", "invalid_address", { id: "a" }],
  ["a bare address", "invalid_address", { id: "a", address: "10.0.0.1" }],
  ["another scheme", "invalid_address", { id: "a", address: "ftp://a" }],
  ["a path", "invalid_address", { id: "a", address: "http://a/b" }],
  ["a query", "invalid_address", { id: "a", address: "http://a?b" }],
  ["credentials", "invalid_address", { id: "a", address: "http://u:hush-hush@a" }],
  ["an address with a space", "invalid_address", { id: "a", address: "http://a b" }],
  ["a long address", "invalid_address", { id: "a", address: `http://${"a".repeat(2_048)}` }],
  ["an empty group", "invalid_group", device("a", { group: "" })],
  ["an empty name", "invalid_device", device("a", { name: "" })],
  ["a long site", "invalid_device", device("a", { site: "s".repeat(257) })],
  ["a control in the location", "invalid_device", device("a", { location: "\u001b[31m" })],
  ["tags that are no list", "invalid_device", { ...device("a"), tags: "beta" }],
  ["an empty tag", "invalid_device", device("a", { tags: [""] })],
  ["too many tags", "invalid_device", device("a", { tags: Array.from({ length: 65 }, (_, i) => `t${i}`) })],
  ["too many pins", "invalid_device", device("a", { pins: Array.from({ length: 17 }, (_, i) => `p${i}`) })],
  ["metadata that is a list", "invalid_device", { ...device("a"), metadata: ["a"] }],
  ["metadata that is no text", "invalid_device", { ...device("a"), metadata: { a: 1 } }],
  ["long metadata", "invalid_device", device("a", { metadata: { a: "x".repeat(4_097) } })],
  ["a prototype in metadata", "invalid_device", { ...device("a"), metadata: JSON.parse('{"__proto__":"x"}') }],
  [
    "a prototype in the profile",
    "invalid_profile",
    { ...device("a"), profile: JSON.parse('{"send":{"__proto__":{}}}') },
  ],
  ["a profile of an unknown purpose", "invalid_profile", { ...device("a"), profile: { sned: {} } }],
  ["a profile with options that are not flat", "invalid_profile", { ...device("a"), profile: { options: { a: {} } } }],
  ["a profile whose options are false", "invalid_profile", { ...device("a"), profile: { options: false } }],
  ["a profile with a function", "invalid_profile", { ...device("a"), profile: { send: { path: () => "/" } } }],
  [
    "a profile with a number that JSON has not",
    "invalid_profile",
    { ...device("a"), profile: { send: { n: Number.NaN } } },
  ],
  ["a profile that is too large", "invalid_profile", device("a", { profile: { send: { path: "x".repeat(65_537) } } })],
  ["a profile that nobody put", "invalid_profile", device("a", { profileId: "nobody" })],
  ["a profile that contains itself", "invalid_profile", { ...device("a"), profile: { send: endless } }],
  ["a profile with a class's object", "invalid_profile", { ...device("a"), profile: { send: { path: new Date(0) } } }],
  [
    "a profile with a list of what is not JSON",
    "invalid_profile",
    { ...device("a"), profile: { send: { path: [1n] } } },
  ],
  [
    "a profile with half a surrogate pair",
    "invalid_profile",
    { ...device("a"), profile: { send: { path: "\uD800" } } },
  ],
  ["a profile that is a list", "invalid_profile", { ...device("a"), profile: [] }],
  ...(["send", "inspect", "activate", "commit", "rollback", "health"] as const).map(
    (purpose) =>
      [
        `a profile with a login, to ${purpose}`,
        "invalid_profile",
        device("a", { profile: { [purpose]: { headers: { "x-a": "1", Authorization: "Bearer hush-hush" } } } }),
      ] as const,
  ),
  ...loginHeaders.map(
    (name) =>
      [
        `a profile with a header ${JSON.stringify(name)}`,
        "invalid_profile",
        device("a", { profile: { send: { headers: { [name]: "hush-hush" } } } }),
      ] as const,
  ),
  ["an empty profileId", "invalid_profile", device("a", { profileId: "" })],
  ["a revision that is none", "invalid_device", { ...device("a"), ifRevision: -1 }],
];

/** What a device may look like. */
export function testDeviceDoor(driver: RegistryDriver): void {
  describe("at the door", () => {
    it.each(malformed)("refuses %s: %s", async (_, result, row) => {
      await using registry = await driver.open();
      const [put] = await registry.devices.put([row as DeviceInput]);
      expect(put).toMatchObject({ result, reason: expect.stringMatching(/ must /) });
      expect(JSON.stringify(put)).not.toContain("hush-hush");
      expect((await registry.devices.page()).items).toEqual([]);
      expect(({} as { x?: unknown }).x).toBeUndefined();
    });

    it("takes what just fits, in any script", async () => {
      await using registry = await driver.open();
      const rows = [
        device("x".repeat(256)),
        device("\u{1F600}".repeat(256)),
        device("Kasse Köln №7 – 東京"),
        device("constructor", { metadata: { constructor: "a", toString: "b", hasOwnProperty: "c" } }),
        device("a", { tags: Array.from({ length: 64 }, (_, i) => `t${i}`), metadata: { a: "x".repeat(4_096) } }),
      ];
      await accept(registry.devices, ...rows);
      const found = await registry.devices.getMany(rows.map(({ id }) => id));
      for (const row of rows) expect(found.get(row.id)).toMatchObject(row);
    });

    it("keeps a profile as it is, fields that only a delivery knows included", async () => {
      await using registry = await driver.open();
      const send = { path: "/a", list: [1, "b", null, { c: true }], none: undefined };
      await accept(registry.devices, { ...device("a"), profile: { send } } as DeviceInput);
      const profile = (await registry.devices.getMany(["a"])).get("a")?.profile;
      expect(profile).toStrictEqual({ send: { path: "/a", list: [1, "b", null, { c: true }] } });
      expect(isDeeplyFrozen(profile)).toBe(true);
    });

    it("says where a login belongs that stands in a profile's header, and keeps headers of all other names", async () => {
      await using registry = await driver.open();
      const put = async (headers: Readonly<Record<string, string>>) =>
        (await registry.devices.put([device("a", { profile: { send: { headers } } })]))[0];
      expect(await put({ "x-a": "1", AUTHORIZATION: "hush-hush" })).toEqual({
        id: "a",
        result: "invalid_profile",
        reason: expect.stringMatching(
          /^profile\.send\.headers must not hold "authorization": .*a device's credentials say/,
        ),
      });
      const kept = { "x-key": "1", "x-authorization": "2", cookies: "3" };
      expect(await put(kept)).toMatchObject({ result: "created" });
      expect((await registry.devices.getMany(["a"])).get("a")?.profile?.send?.headers).toEqual(kept);
    });

    it("keeps a repeated tag once", async () => {
      await using registry = await driver.open();
      await accept(registry.devices, device("a", { tags: ["x", "y", "x"] }));
      expect((await registry.devices.getMany(["a"])).get("a")?.tags).toEqual(["x", "y"]);
    });

    it("takes no override for a base profile", async () => {
      await using registry = await driver.open();
      await accept(registry.profiles, { id: "p", name: "P" }, { id: "o", name: "O", parent: "p" });
      const [good, bad] = await registry.devices.put([
        device("a", { profileId: "p" }),
        device("b", { profileId: "o" }),
      ]);
      expect([good?.result, bad?.result]).toEqual(["created", "invalid_profile"]);
    });

    it("keeps where a login is to be found, and takes no secret in its place", async () => {
      await using registry = await driver.open();
      const put = async (credentials: unknown) => {
        const [result] = await registry.devices.put([device("a", { credentials: credentials as DeviceCredentials })]);
        return result?.result;
      };
      const malformed = [
        "secret",
        { username: "u", password: "secret" },
        { token: "secret" },
        { username: "u" },
        { username: "u:v", password: { env: "A" } },
        { token: { env: "A", file: "b" } },
        { token: {} },
        { token: { env: "A B" } },
        { token: { file: "" } },
        { token: { env: "A" }, username: "u" },
        { token: { env: "A" }, note: "secret" },
        { token: { env: "A", value: "secret" } },
      ];
      for (const credentials of malformed)
        expect([credentials, await put(credentials)]).toEqual([credentials, "invalid_device"]);
      expect(await put({ username: "u", password: { file: "a/b" } })).toBe("created");
      const row = (await registry.devices.getMany(["a"])).get("a");
      expect(row?.credentials).toEqual({ username: "u", password: { file: "a/b" } });
      expect(Object.isFrozen(row?.credentials?.password)).toBe(true);
    });
  });
}
