import { Buffer } from "node:buffer";
import { describe, expect, it } from "vitest";
import { openArtifact } from "../../bytes/index.ts";
import { type Answering, Offer } from "./offer.ts";

async function offered(): Promise<{ readonly offer: Offer; readonly fetched: () => Promise<boolean> }> {
  const artifact = await openArtifact(Buffer.alloc(100, 1), { version: "1.0.0" });
  const terms = { url: "http://127.0.0.1/x/fw.bin", payload: artifact.payload, shared: undefined, onEnd: () => {} };
  const offer = new Offer(terms);
  let done = false;
  offer.fetched.then(
    () => (done = true),
    () => undefined,
  );
  const fetched = async () => {
    await new Promise(setImmediate);
    return done;
  };
  return { offer, fetched };
}

function answer(offer: Offer, start: number, handed: number): Answering {
  const answering = offer.begins(start);
  answering.handed = handed;
  return answering;
}

describe("what counts as fetched", () => {
  it("is one answer that was read to its end", async () => {
    const { offer, fetched } = await offered();
    offer.ended(answer(offer, 0, 100), true);
    expect(await fetched()).toBe(true);
  });

  it("is no answer that was cut, though all of its bytes had left", async () => {
    const { offer, fetched } = await offered();
    offer.ended(answer(offer, 0, 100), false);
    expect(await fetched()).toBe(false);
  });

  it("is an answer that was cut and gone on with where it ended", async () => {
    const { offer, fetched } = await offered();
    offer.ended(answer(offer, 0, 60), false);
    offer.ended(answer(offer, 50, 100), true);
    expect(await fetched()).toBe(true);
  });

  it("is the same when the cut is noticed after the client went on, or after its end", async () => {
    for (const late of [false, true]) {
      const { offer, fetched } = await offered();
      const first = answer(offer, 0, 60);
      const second = answer(offer, 50, 100);
      if (!late) offer.ended(first, false);
      offer.ended(second, true);
      expect(await fetched()).toBe(!late);
      if (late) offer.ended(first, false);
      expect(await fetched()).toBe(true);
    }
  });

  it("is not what lies between: a client that goes on beyond what had left was given it by nobody", async () => {
    const { offer, fetched } = await offered();
    const first = answer(offer, 0, 40);
    const second = answer(offer, 50, 100);
    first.handed = 60;
    offer.ended(first, false);
    offer.ended(second, true);
    expect(await fetched()).toBe(false);
  });
});

describe("what may have left", () => {
  it("is a byte from the moment it is handed over, though its flush was never seen", async () => {
    const { offer } = await offered();
    const first = offer.begins(0);
    offer.leaves(0);
    offer.ended(first, false);
    offer.end();
    await expect(offer.fetched).rejects.toMatchObject({ code: "client_closed", bytesOut: "some" });
    expect(offer.progress()).toMatchObject({ bytes: 0, covered: 1 });
  });
});
