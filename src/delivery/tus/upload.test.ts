import { describe, expect, it } from "vitest";
import { blockSize } from "../../bytes/index.ts";
import { answering, stage } from "./stage.suite.ts";

describe("an upload", () => {
  it("is created with what it is, and carried by one PATCH", async () => {
    await using rig = await stage({}, { checksum: false, send: { form: { site: "Köln 4" } } });
    const done = await rig.send();
    expect(done).toEqual({ status: 204, bytes: 1_000_000, remoteId: "/files/1" });
    expect(rig.requests()).toEqual(["OPTIONS /files", "POST /files", "PATCH /files/1"]);
    expect(rig.server.uploads()).toEqual([
      {
        ...{ path: "/files/1", length: 1_000_000, offset: 1_000_000, sha256: rig.artifact.digest },
        metadata: {
          filename: "fw 1.bin",
          version: "2.0.0",
          sha256: rig.artifact.digest,
          device: "sim-001",
          site: "Köln 4",
        },
      },
    ]);
    expect(rig.tokens).toEqual([rig.token("/files/1", 0)]);
  });

  it("has the version header on everything but OPTIONS", async () => {
    await using rig = await stage({}, { send: { headers: { "x-tenant": "a" } } });
    await rig.send({ headers: { "X-Site": "b" } });
    const told = rig.server.control
      .requests()
      .map(({ method, headers }) => [method, headers["tus-resumable"], headers["x-tenant"], headers["x-site"]]);
    expect(told).toEqual([
      ["OPTIONS", undefined, "a", "b"],
      ["POST", "1.0.0", "a", "b"],
      ["PATCH", "1.0.0", "a", "b"],
    ]);
  });

  it("is asked for once a session, and made at the profile's path", async () => {
    await using rig = await stage({ endpoint: "/api/up" }, { send: { path: "/api/up", query: { tenant: "a b" } } });
    await rig.send();
    await rig.send();
    expect(rig.requests()).toEqual([
      "OPTIONS /api/up?tenant=a%20b",
      "POST /api/up?tenant=a%20b",
      "PATCH /api/up/1",
      "POST /api/up?tenant=a%20b",
      "PATCH /api/up/2",
    ]);
  });

  it("goes in parts where bodies are limited, and tells each before the next", async () => {
    await using rig = await stage({}, { checksum: false, chunkBytes: blockSize });
    const seen: number[] = [];
    await rig.send({ onSent: (bytes) => seen.push(bytes) });
    const sizes = rig.server.control.received().map(({ bytes }) => bytes);
    expect(sizes).toEqual([blockSize, blockSize, blockSize, 1_000_000 - 3 * blockSize]);
    expect(rig.tokens.map(({ offset }) => offset)).toEqual([0, 1, 2, 3].map((part) => part * blockSize));
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(seen.at(-1)).toBe(1_000_000);
    expect(rig.server.uploads()[0]).toMatchObject({ sha256: rig.artifact.digest });
  });

  it("takes its whole time in parts, whatever our own rate limit makes of it", async () => {
    await using rig = await stage({}, { checksum: false, chunkBytes: blockSize }, 8 * blockSize);
    const slow = { take: () => new Promise<void>((resolve) => setTimeout(resolve, 200)) };
    // Each part waits at least once: before the last one begins, longer than the device is given for all.
    const done = await rig.send({ deadline: performance.now() + 1_000, pace: slow });
    expect(done.bytes).toBe(8 * blockSize);
  });

  it("waits for its token to be durable, and goes no further when it cannot be", async () => {
    await using rig = await stage({}, { checksum: false, chunkBytes: blockSize });
    const full = new Error("disk full");
    const onResumable = async ({ offset }: { readonly offset: number }) => {
      await new Promise((resolve) => setImmediate(resolve));
      if (offset > 0) throw full;
    };
    await expect(rig.send({ onResumable })).rejects.toBe(full);
    expect(rig.server.uploads()[0]).toMatchObject({ offset: blockSize });
    expect(rig.requests().filter((request) => request.startsWith("PATCH"))).toHaveLength(1);
  });

  it("can be of an empty artifact", async () => {
    await using rig = await stage({}, {}, 0);
    expect(await rig.send()).toMatchObject({ status: 201, bytes: 0 });
    expect(rig.requests()).toEqual(["OPTIONS /files", "POST /files"]);
  });
});

describe("an upload that is not wanted any more", () => {
  it("is terminated, twice too", async () => {
    await using rig = await stage({}, { checksum: false });
    rig.server.script({ on: "update", fault: { kind: "cut", at: 400_000 } });
    await rig.failure();
    const token = rig.token("/files/1");
    await rig.session.discard?.(token, rig.step());
    expect(rig.server.uploads()).toEqual([]);
    await rig.session.discard?.(token, rig.step());
    expect(await rig.failure({ resume: token })).toMatchObject({ code: "upload_gone" });
  });

  it("is left to expire where the server terminates none", async () => {
    await using rig = await stage({ extensions: ["creation"] }, {});
    await expect(rig.session.discard?.(rig.token("/files/1"), rig.step())).rejects.toMatchObject({
      code: "unsupported",
    });
    expect(rig.requests()).toEqual(["OPTIONS /files"]);
  });

  it("tells when the server would not", async () => {
    await using rig = await stage({ tamper: answering("DELETE", () => ({ status: 403 })) }, {});
    await rig.send();
    await expect(rig.session.discard?.(rig.token("/files/1"), rig.step())).rejects.toMatchObject({ code: "refused" });
  });
});
