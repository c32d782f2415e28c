import { ImageReader } from "./image.ts";
import type { MutableCounters, Received, SeenRequest } from "./records.ts";

/** One body on its way into a device. Nothing of it is kept but its digest, its length and its head. */
export class Reception {
  #request: SeenRequest;
  #counters: MutableCounters;
  #reader: ImageReader = new ImageReader();
  #ended = false;
  #onEnd: (received: Received) => void;

  constructor(request: SeenRequest, counters: MutableCounters, onEnd: (received: Received) => void) {
    this.#request = request;
    this.#counters = counters;
    this.#onEnd = onEnd;
  }

  write(chunk: Uint8Array): void {
    this.#counters.bytesReceived += chunk.length;
    this.#reader.write(chunk);
  }

  /** Ends it, once; what became of the image is `outcome`, decided by the device when the body was whole. */
  finish(complete: boolean, decide: (received: Received) => Received["outcome"]): Received | undefined {
    if (this.#ended) return undefined;
    this.#ended = true;
    const report: Received = { ...this.#request, ...this.#reader.finish(), complete, outcome: "incomplete" };
    const received = complete ? { ...report, outcome: decide(report) } : report;
    this.#onEnd(received);
    return received;
  }
}
