import { describe, expect, it } from "vitest";
import { type ClientOptions, createClient, type Device } from "../src/index.ts";
import { badInputRig, refused } from "./bad-input-rig.ts";
import { failure } from "./kit.ts";

const rig = badInputRig();

const at001 = (address: unknown, rest: object = {}) => ({ id: "pos-001", address, ...rest }) as Device;

describe("an address that is none", () => {
  it.each([
    ...["", "127.0.0.1", "127.0.0.1:80", "//127.0.0.1", "ftp://127.0.0.1", "file:///etc/passwd", "javascript:alert(1)"],
    ...["http:127.0.0.1", "http:/127.0.0.1", "http:///127.0.0.1", "http://", "ws://127.0.0.1", "https//127.0.0.1"],
    ...["http://user@127.0.0.1", "http://user:t0psecret@127.0.0.1", "http://:@127.0.0.1", "http://127.0.0.1@10.0.0.1"],
    ...["http://127.0.0.1/update", "http://127.0.0.1/../x", "http://127.0.0.1?x=1", "http://127.0.0.1#x"],
    ...[
      "http://127.0.0.1:0",
      "http://127.0.0.1:65536",
      "http://127.0.0.1:-1",
      "http://127.0.0.1:80x",
      "http://127.0.0.1:",
    ],
    ...[
      " http://127.0.0.1",
      "http://127.0.0.1 ",
      "http://127.0.0.1\r\nhost: x",
      "http://127.0.0.1\0",
      "http:\\\\127.0.0.1",
    ],
    ...[
      "http://0x7f000001",
      "http://2130706433",
      "http://0177.0.0.1",
      "http://127.1",
      "http://127.0.1",
      "http://127.0.0.1.",
    ],
    ...[
      "http://１２７.0.0.1",
      "http://127。0。0。1",
      "http://ⓛocalhost",
      "http://%31%32%37.0.0.1",
      "http://lo%63alhost",
    ],
    ...["http://[::1", "http://::1", "http://[::1%25lo]", "http://[127.0.0.1]", "http://[::ffff:127.0.0.1]x"],
    ...["http://a..b", "http://-a", "http://a-", `http://${"a".repeat(64)}`, `http://${"a.".repeat(200)}a`],
  ])("%j", async (address) => {
    const call = () => rig.client.push(at001(address), rig.artifact);
    await refused(call, "invalid_address", /(must start with http|leave the credentials|paths belong|write http)/);
    expect((await failure(call)).message).not.toContain("t0psecret");
  });

  it.each([[undefined], [null], [7], [{}], [new URL("http://127.0.0.1")]])("no text at all: %s", (address) =>
    refused(() => rig.client.push(at001(address), rig.artifact), "invalid_option", /address/),
  );
});

describe("an address that is denied", () => {
  it.each([
    ...["127.0.0.1", "127.255.255.254", "[::1]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"],
    ...["0.0.0.0", "0.1.2.3", "[::]", "[::ffff:0.0.0.0]", "[::127.0.0.1]", "[64:ff9b::127.0.0.1]", "[2002:7f00:1::]"],
    ...["169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]", "224.0.0.1", "[ff02::1]", "255.255.255.255"],
  ])("%s, by default", async (host) => {
    await using strict = createClient();
    const call = () => strict.push(at001(`http://${host}:${rig.server.port}`), rig.artifact);
    await refused(call, "address_denied", /addressPolicy: \{ permit: \[/);
    expect(strict.statistics()).toMatchObject({ opened: 0, failed: 0 });
  });

  it.each<[string, ClientOptions["addressPolicy"], RegExp]>([
    ["outside `only`", { permit: ["127.0.0.0/8"], only: ["10.0.0.0/8"] }, /"only" list/],
    ["on `deny`, whatever is permitted", { permit: ["127.0.0.0/8"], deny: ["127.0.0.1"] }, /deny list/],
  ])("%s", async (_, addressPolicy = {}, advice) => {
    await using strict = createClient({ addressPolicy });
    await refused(() => strict.push(at001(rig.server.url), rig.artifact), "address_denied", advice);
  });

  it("localhost, by name, is judged by what it resolves to", async () => {
    await using strict = createClient({ retry: { attempts: 1 } });
    const call = () => strict.push(at001(`http://localhost:${rig.server.port}`), rig.artifact);
    await refused(call, "address_denied", /localhost \(.*\): it is a loopback address/);
  });
});

const device = (rest: object = {}): Device => at001(rig.server.url, rest);

describe("headers, paths and names that would say something else", () => {
  it.each<[string, unknown, RegExp]>([
    ["a line break", { "x-a": "b\r\nx-evil: 1" }, /line breaks/],
    ["a bare CR", { "x-a": "b\rc" }, /line breaks/],
    ["a bare LF", { "x-a": "b\nc" }, /line breaks/],
    ["NUL", { "x-a": "b\0" }, /control characters/],
    ["an outer space", { "x-a": " b" }, /outer spaces/],
    ["beyond Latin-1", { "x-a": "→" }, /Latin-1/],
    ["a number", { "x-a": 7 }, /must be a string/],
    ["a list", { "x-a": ["b"] }, /must be a string/],
    ["no name", { "": "b" }, /not a header name/],
    ["a name with a space", { "x a": "b" }, /not a header name/],
    ["a name with a colon", { "x:a": "b" }, /not a header name/],
    ["a name with a line break", { "x-a\r\nx-evil": "b" }, /not a header name/],
    ["host", { Host: "evil" }, /set by the transport/],
    ["content-length", { "Content-Length": "5" }, /set by the transport/],
    ["transfer-encoding", { "transfer-encoding": "chunked" }, /set by the transport/],
    ["connection", { connection: "upgrade" }, /set by the transport/],
    ["expect", { expect: "100-continue" }, /set by the transport/],
  ])("a header with %s", (_, headers, advice) =>
    refused(() => rig.client.push(device(), rig.artifact, { headers: headers as never }), "invalid_header", advice),
  );

  it.each<[string, object, RegExp]>([
    ["a URL", { send: { path: "http://evil/" } }, /URL/],
    ["an authority", { send: { path: "//evil/update" } }, /URL/],
    ["a climb", { send: { path: "/a/../../b" } }, /segment/],
    ["an encoded climb", { send: { path: "/%2e%2e/b" } }, /segment/],
    ["a line break", { send: { path: "/a HTTP/1.1\r\nx: y" } }, /percent-encoded/],
    ["a backslash", { inspect: { path: "/a\\b" } }, /percent-encoded/],
    ["no slash", { inspect: { path: "version" } }, /start with/],
    ["a method that is none", { send: { method: "POST /x" } }, /must be one of/],
    ["a field nobody knows", { send: { paht: "/x" } }, /knows no "paht"/],
    ["a request nobody knows", { sned: {} }, /knows no "sned"/],
  ])("a profile with %s", (_, profile, advice) =>
    refused(() => rig.client.push(device({ profile }), rig.artifact), "invalid_profile", advice),
  );

  it.each<[string, unknown, RegExp]>([
    ["nothing", null, /id and address/],
    ["a number", 7, /id and address/],
    ["no id", { address: "http://10.0.0.1" }, /device.id/],
    ["an empty id", { id: "", address: "http://10.0.0.1" }, /device.id/],
    ["an id with a line break", { id: "a\r\nb", address: "http://10.0.0.1" }, /device.id/],
    ["a long id", { id: "a".repeat(257), address: "http://10.0.0.1" }, /device.id/],
    ["a name that is a number", { id: "a", address: "http://10.0.0.1", name: 7 }, /device.name/],
    ["a pin that is none", { id: "a", address: "https://10.0.0.1", pins: ["x"] }, /sha256/],
  ])("a device that is %s", (_, bad, advice) =>
    refused(() => rig.client.push(bad as never, rig.artifact), "invalid_option", advice),
  );

  it.each([
    ["a delivery it does not have", { delivery: "tus" }, "unknown_delivery", /Give it to createClient/],
    ["a probe it does not have", { probe: "tus" }, "unknown_delivery", /Give it to createClient/],
    ["pins over plain http", { pins: [`sha256/${"A".repeat(43)}=`] }, "pin_mismatch", /plain http/],
  ] as const)("a device that asks for %s", (_, rest, code, advice) =>
    refused(() => rig.client.push(device(rest), rig.artifact), code, advice),
  );
});

describe("options of the wrong kind, or out of range", () => {
  it.each<[unknown, RegExp]>([
    [null, /an object/],
    [{ retries: 3 }, /no option "retries"/],
    [{ retry: { attempts: 0 } }, /1 to 100/],
    [{ retry: { attempts: 1.5 } }, /1 to 100/],
    [{ retry: { base: "1s" } }, /milliseconds/],
    [{ retry: { cap: Number.NaN } }, /milliseconds/],
    [{ timeouts: { connect: 0 } }, /1 to 86400000/],
    [{ timeouts: { minimumRate: 0 } }, /above 0/],
    [{ limits: { inFlight: 0 } }, /1 to 100000/],
    [{ limits: { connections: 0 } }, /1 to 1000000/],
    [{ limits: { responseBytes: -1 } }, /1 to/],
    [{ limits: { bytesPerSecond: 0 } }, /above 0/],
    [{ verification: { deadline: -1 } }, /milliseconds/],
    [{ verification: { newBoot: "yes" } }, /true or false/],
    [{ addressPolicy: { permit: "127.0.0.1" } }, /a list/],
    [{ addressPolicy: { permit: ["10.0.0.0/33"] } }, /CIDR/],
    [{ addressPolicy: { onyl: ["10.0.0.0/8"] } }, /no option "addressPolicy.onyl"/],
    [{ tls: { minVersion: "TLSv1" } }, /TLSv1.2/],
    [{ tls: { cert: "x" } }, /both or neither/],
    [{ tls: { ca: "x" } }, /not usable PEM/],
    [{ tls: { pins: ["x"] } }, /sha256/],
    [{ lookup: "dns" }, /a function/],
    [{ deliveries: [] }, /at least one/],
    [{ deliveries: [{}] }, /http\(\)/],
    [{ onEvent: "x" }, /a function/],
  ])("createClient(%j)", (options, advice) => refused(() => createClient(options as never), "invalid_option", advice));

  it.each<[object, RegExp]>([
    [{ onProgress: 7 }, /a function/],
    [{ signal: {} }, /AbortSignal/],
    [{ headers: "x: y" }, /an object/],
    [{ bytesPerSecond: 0 }, /above 0/],
    [{ activate: "no" }, /true or false/],
  ])("push(%j)", (options, advice) =>
    refused(() => rig.client.push(device(), rig.artifact, options as never), "invalid_option", advice),
  );

  it("no artifact, no devices, no number", async () => {
    await refused(() => rig.client.push(device(), "fw.bin" as never), "invalid_option", /openArtifact/);
    await refused(() => rig.client.pushMany("pos-001" as never, rig.artifact), "invalid_option", /a list/);
    await refused(() => rig.client.pushMany([], rig.artifact, { concurrency: 0 }), "invalid_option", /1 to 100000/);
    await refused(() => rig.client.push("pos-001", rig.artifact), "no_registry", /Give createClient a registry/);
  });

  it("a call that was aborted before it began", async () => {
    const signal = AbortSignal.abort(new Error("changed my mind"));
    await refused(() => rig.client.push(device(), rig.artifact, { signal }), "aborted", /Nothing more will be sent/);
    await refused(() => rig.client.update(device(), rig.artifact, { signal }), "aborted", /Nothing more will be sent/);
    await refused(() => rig.client.verify(device(), rig.artifact, { signal }), "aborted", /Nothing more will be sent/);
    await refused(() => rig.client.inspect(device(), { signal }), "aborted", /Nothing more will be sent/);
    for await (const outcome of rig.client.pushMany([device()], rig.artifact, { signal })) {
      expect(outcome).toMatchObject({ status: "failed", error: { code: "aborted" } });
    }
  });

  it("a call of a client that was closed, or with an artifact that was disposed", async () => {
    await rig.artifact[Symbol.asyncDispose]();
    await refused(() => rig.client.push(device(), rig.artifact), "artifact_disposed", /keep it open/);
    await rig.client.close();
    await refused(() => rig.client.push(device(), rig.artifact), "client_closed", /Create a new client/);
  });
});
