import { describe, expect, it } from "vitest";
import type { Profile } from "../../core/profile.ts";
import { createPlans, type RedfishOptions, settingNames } from "./settings.ts";

const invalid = expect.objectContaining({ code: "invalid_profile" });
const thrown = (call: () => unknown): unknown => {
  try {
    return call();
  } catch (error) {
    return error;
  }
};

describe("settings", () => {
  it("lays a profile's options over the factory's, one by one", () => {
    const { sending } = createPlans({ applyTime: "OnReset", options: { inventory: "BMC", auth: "basic" } });
    expect(sending(undefined)).toMatchObject({ applyTime: "OnReset", inventory: "BMC", auth: "basic", push: "auto" });
    const profile: Profile = { options: { applyTime: "Immediate", targets: "/a /b" } };
    expect(sending(profile)).toMatchObject({ applyTime: "Immediate", inventory: "BMC", targetPaths: ["/a", "/b"] });
    expect(sending(profile)).toBe(sending(profile));
  });

  it.each([
    { auth: "digest" },
    { push: "fetch" },
    { patience: 0 },
    { patience: "long" },
    { targets: "" },
    { targets: "http://evil/" },
    { targets: ["/a"] },
    { applyTime: "Soon" },
    { forceUpdate: "yes" },
    { inventory: "a/b" },
    { inventory: "" },
    { reset: "both" },
    { reset: "//evil/" },
    { resetType: "a b" },
    { boot: "system" },
    { boot: "http://evil/" },
    { uuid: 1 },
    { colour: "red" },
  ])("refuses %j, at once and from a profile", (options) => {
    expect(thrown(() => createPlans(options as unknown as RedfishOptions))).toEqual(invalid);
    expect(thrown(() => createPlans().sending({ options } as unknown as Profile))).toEqual(invalid);
    const [name = ""] = Object.keys(options);
    const read = thrown(() => createPlans().reading({ options } as unknown as Profile));
    // What another delivery is told is none of the probe's business.
    expect(read).toEqual(settingNames.includes(name) ? invalid : expect.objectContaining({ push: "auto" }));
  });

  it("takes a publisher from the factory alone", () => {
    const publisher = { publish: () => Promise.reject(new Error("not asked")) };
    expect(createPlans({ publisher }).sending({ options: { push: "pull" } })).toMatchObject({
      publisher,
      push: "pull",
    });
    expect(thrown(() => createPlans({ publisher: {} } as unknown as RedfishOptions))).toEqual(invalid);
    expect(thrown(() => createPlans().sending({ publisher } as Profile))).toEqual(invalid);
  });

  it("takes no requests: a service names its own", () => {
    const send = { path: "/update" };
    expect(thrown(() => createPlans({ send } as RedfishOptions))).toEqual(invalid);
    expect(thrown(() => createPlans().sending({ send }))).toEqual(invalid);
    expect(createPlans().reading({ send })).toMatchObject({ inspect: true });
    expect(thrown(() => createPlans().reading({ inspect: { path: "/version" } }))).toEqual(invalid);
    expect(thrown(() => createPlans({ health: { path: "/health" } }))).toEqual(invalid);
  });

  it("takes a profile's word that there is nothing to read", () => {
    expect(createPlans({ health: false }).reading(undefined)).toMatchObject({ inspect: true, health: false });
    expect(createPlans().reading({ inspect: false })).toMatchObject({ inspect: false, health: true });
  });
});
