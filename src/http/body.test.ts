import { describe, expect, it } from "vitest";
import { FlashwaveError } from "../core/errors.ts";
import type { Chunks, Segment } from "../core/payload.ts";
import { type BodyHost, OutgoingBody, planBody } from "./body.ts";
import { answering, failure, loopback, serve, upload } from "./rig.suite.ts";
import { SentMeter } from "./sent.ts";

const host: BodyHost = { accepted: () => undefined, pacing: () => undefined };

/** A source that yields as told, whatever its length says, and counts what was done to it. */
function source(length: number, ...yields: (number | Error)[]): Chunks & { ended: number } {
  return {
    length,
    ended: 0,
    async *[Symbol.asyncIterator]() {
      try {
        for (const one of yields) {
          if (one instanceof Error) throw one;
          yield Buffer.alloc(one, 1);
        }
      } finally {
        this.ended++;
      }
    },
  };
}

const chunksOf = async (segments: Segment[]) => {
  const sizes: number[] = [];
  for await (const chunk of new OutgoingBody(segments, new SentMeter(0), undefined, host)) sizes.push(chunk.length);
  return sizes;
};

describe("planBody", () => {
  it("takes one buffer where the body is small and known", () => {
    const small = Buffer.from("abc");
    expect(planBody(undefined, false)).toMatchObject({ total: 0, direct: undefined });
    expect(planBody(small, false).direct).toBe(small);
    expect(planBody([small, Buffer.from("def")], false)).toMatchObject({ total: 6, direct: Buffer.from("abcdef") });
    expect(planBody([small], false).total).toBe(3);
  });

  it.each<[string, Segment | Segment[], boolean, number]>([
    ["large", Buffer.alloc(65_537), false, 65_537],
    ["large in sum", [Buffer.alloc(40_000), Buffer.alloc(40_000)], false, 80_000],
    ["in motion", source(7, 7), false, 7],
    ["in motion in part", [Buffer.alloc(3), source(7, 7)], false, 10],
    ["paced", Buffer.alloc(3), true, 3],
  ])("iterates what is %s", (_, body, paced, total) => {
    expect(planBody(body, paced)).toMatchObject({ total, direct: undefined });
  });
});

describe("OutgoingBody", () => {
  it("hands resident bytes over in slices, without a copy, and chunks as they come", async () => {
    const bytes = Buffer.alloc(600_000);
    expect(await chunksOf([bytes])).toEqual([524_288, 75_712]);
    expect(await chunksOf([Buffer.alloc(3), source(12, 5, 0, 7), Buffer.alloc(0), Buffer.alloc(2)])).toEqual([
      3, 5, 7, 0, 2,
    ]);
    const first = await new OutgoingBody([bytes], new SentMeter(0), undefined, host).next();
    expect(first.value?.buffer).toBe(bytes.buffer);
  });

  it("is over after it was stopped, however often", async () => {
    const body = new OutgoingBody([source(9, 3, 3, 3)], new SentMeter(9), undefined, host);
    expect((await body.next()).value).toHaveLength(3);
    await Promise.all([body.stop(), body.stop(), body.return()]);
    expect(await body.next()).toEqual({ done: true, value: undefined });
  });

  it("does not open the next source once stopped", async () => {
    const go = Promise.withResolvers<void>();
    const first: Chunks = {
      length: 0,
      [Symbol.asyncIterator]: () => ({ next: () => go.promise.then(() => ({ done: true, value: undefined })) }),
    };
    const second = source(3, 3);
    const body = new OutgoingBody([first, second], new SentMeter(3), undefined, host);
    const pending = body.next();
    void body.stop();
    go.resolve();
    expect(await pending).toEqual({ done: true, value: undefined });
    expect(second.ended).toBe(0);
  });

  it("swallows what a source says about being given back", async () => {
    const rude: Chunks = {
      length: 3,
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ done: false, value: Buffer.alloc(3) }),
        return: async () => {
          throw new Error("rude");
        },
      }),
    };
    const body = new OutgoingBody([rude], new SentMeter(3), undefined, host);
    await body.next();
    await body.stop();
  });
});

describe("a source that fails", () => {
  it.each([
    ["keeps a code of its own", source(200_000, 100_000, changed()), "artifact_changed", "some"],
    ["keeps it when nothing had left", source(200_000, changed()), "artifact_changed", "none"],
    [
      "is unreadable when it throws anything else",
      source(200_000, 100_000, new Error("EIO")),
      "artifact_unreadable",
      "some",
    ],
    ["may not end early", source(200_000, 100_000), "artifact_unreadable", "some"],
    ["may not give too much at once", source(200_000, 200_001), "artifact_unreadable", "none"],
    ["may not give too much in the end", source(200_000, 200_000, 1), "artifact_unreadable", "all"],
  ])("%s", async (_, chunks, code, bytesOut) => {
    let requests = 0;
    await using server = await serve((socket) => {
      answering()(socket);
      socket.once("data", () => requests++);
    });
    await using transport = loopback();
    const error = await failure(transport.exchange(server.url, upload(chunks)));
    expect(error).toMatchObject({ code, phase: "artifact", bytesOut, retryable: false });
    await expect.poll(() => chunks.ended).toBe(1);
    // Once: nothing is retried here.
    expect(server.sockets).toHaveLength(1);
    if (bytesOut === "none") expect(requests).toBe(0);
    expect(transport.statistics()).toMatchObject({ connections: 0, inFlight: 0 });
  });
});

function changed(): FlashwaveError {
  return new FlashwaveError("artifact_changed", "a block differs", { phase: "artifact" });
}

describe("the pace", () => {
  it("is asked for every chunk before it leaves, small bodies included", async () => {
    await using server = await serve(answering());
    await using transport = loopback();
    const asked: number[] = [];
    const take = (bytes: number, signal?: AbortSignal) => {
      expect(signal).toBeInstanceOf(AbortSignal);
      asked.push(bytes);
      return asked.length % 2 === 0 ? Promise.resolve() : undefined;
    };
    const reply = await transport.exchange(
      server.url,
      upload([Buffer.alloc(5), Buffer.alloc(150_000), source(140_003, 140_000, 3)], { pace: { take } }),
    );
    expect(reply.sent).toBe("all");
    // In small slices, but none so small that a source would use its memory again before it has left.
    expect(asked).toEqual([5, 65_536, 84_464, 65_536, 74_464, 3]);
    await transport.exchange(server.url, upload(Buffer.alloc(7), { pace: { take } }));
    expect(asked.at(-1)).toBe(7);
  });
});
