import { describe, expect, it } from "vitest";
import { idOf, linkOf, membersOf, textAt } from "./resource.ts";

const origin = "https://bmc.example:8443";

describe("links", () => {
  it.each([
    ["/redfish/v1/UpdateService", "/redfish/v1/UpdateService"],
    ["/redfish/v1/", "/redfish/v1/"],
    ["/a?b=c", "/a?b=c"],
    ["https://bmc.example:8443/redfish/v1/TaskService/Tasks/1", "/redfish/v1/TaskService/Tasks/1"],
    ["HTTPS://BMC.example:8443/a", "/a"],
    // RFC 3986 §5.2.4, done by the URL parser: what is asked for is what is written here.
    ["https://bmc.example:8443/a/../b", "/b"],
  ])("%s leads to %s", (uri, path) => expect(linkOf(uri, origin)).toEqual({ path }));

  it.each([
    ["http://bmc.example:8443/a", "foreign"],
    ["https://bmc.example/a", "foreign"],
    ["https://evil.example:8443/a", "foreign"],
    ["https://bmc.example:8443@evil.example/a", "foreign"],
    ["https://user@bmc.example:8443/a", "foreign"],
    ["//evil.example/a", "foreign"],
    ["\\\\evil.example\\a", "foreign"],
    ["javascript:alert(1)", "foreign"],
    ["file:///etc/passwd", "foreign"],
    ["Tasks/1", "unusable"],
    ["?a", "unusable"],
    ["/a/../../b", "unusable"],
    ["/a/%2e%2e/b", "unusable"],
    ["/a b", "unusable"],
    ["/a\r\nx-evil: 1", "unusable"],
    ["/a#b", "unusable"],
    [`/${"a".repeat(9_000)}`, "unusable"],
    [7, "unusable"],
    [{}, "unusable"],
    ["", "absent"],
    [null, "absent"],
    [undefined, "absent"],
  ])("%j is %s", (uri, problem) => expect(linkOf(uri, origin)).toEqual({ problem }));
});

describe("resources", () => {
  it("gives members and the next page", () => {
    const page = {
      Members: [{ "@odata.id": "/a" }, { "@odata.id": "//b" }, 7, null],
      "Members@odata.nextLink": "/next",
    };
    expect(membersOf(page, origin)).toEqual({
      links: [{ path: "/a" }, { problem: "foreign" }, { problem: "absent" }, { problem: "absent" }],
      next: { path: "/next" },
    });
    expect(membersOf({ Members: {} }, origin)).toEqual({ links: [], next: { problem: "absent" } });
  });

  it("names members by their last segment", () => {
    expect([idOf("/a/b"), idOf("/a/b/"), idOf("/")]).toEqual(["b", "b", ""]);
  });

  it("looks at own members alone", () => {
    const resource = JSON.parse('{"__proto__":{"Version":"6.6.6"}}');
    expect(textAt(resource, "/Version")).toBeUndefined();
    expect(textAt(resource, "/constructor/name")).toBeUndefined();
  });
});
