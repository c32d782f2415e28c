import { describe, expect, it } from "vitest";
import { device, expectCode } from "../driver.suite.ts";
import { testRegistry } from "../registry.suite.ts";
import { createMemoryRegistry } from "./index.ts";

testRegistry({
  driver: "memory",
  open: async (options) => createMemoryRegistry(options),
  reopen: "it lasts as long as its process",
});

describe("createMemoryRegistry", () => {
  it("begins with the devices it is given", async () => {
    await using registry = createMemoryRegistry({ devices: [device("b"), device("a")] });
    expect((await registry.devices.page()).items.map(({ id }) => id)).toEqual(["a", "b"]);
  });

  it.each([[[device("a"), { id: "b", address: "10.0.0.1" }]], [[device("a"), device("a")]]])(
    "refuses devices it cannot keep",
    (devices) => {
      expect(() => createMemoryRegistry({ devices })).toThrow(/^devices\[1\]/);
    },
  );

  it.each([null, { device: [] }, { devices: {} }])("refuses options that are none: %j", (options) => {
    expect(() => createMemoryRegistry(options as never)).toThrow(expect.objectContaining({ code: "invalid_option" }));
  });

  it("forgets old changes in the end, and says so instead of losing them", async () => {
    await using registry = createMemoryRegistry();
    const { feed } = await registry.devices.page();
    await registry.devices.put(Array.from({ length: 200_000 }, (_, i) => device(`d${i % 7}`)));
    await expectCode(registry.devices.changes(feed), "invalid_cursor");
    const fresh = (await registry.devices.page()).feed;
    await registry.devices.put([device("late")]);
    expect((await registry.devices.changes(fresh)).changes).toMatchObject([{ change: "created", id: "late" }]);
  });
});
