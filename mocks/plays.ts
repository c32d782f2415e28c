import type { Exchange } from "./exchange.ts";
import type { Fault } from "./faults.ts";
import { rawReply } from "./malformed.ts";
import { playRaw } from "./raw.ts";
import { bodyOf, headOf, type Reply, wholeReply } from "./replies.ts";
import type { Effect } from "./routes.ts";

/** How one fault is played on one exchange. Whatever is absent happens rightly. */
export interface Play {
  /** Right after the request's head. */
  readonly onHead?: (x: Exchange) => void;
  /** The byte of the body at which `onByte` is called, once. */
  readonly at?: number;
  readonly onByte?: (x: Exchange) => void;
  /** What the device does with the request. */
  readonly effect?: Effect;
  readonly change?: (reply: Reply) => Reply;
  /** Answers, in place of the right way. */
  readonly write?: (x: Exchange, reply: Reply) => void;
}

type Of<K extends Fault["kind"]> = Extract<Fault, { kind: K }>;

const forever = Number.POSITIVE_INFINITY;
const none: Effect = { effect: false };

/** Does what comes after the answer, and answers nothing more. */
const silence = (x: Exchange): void => x.act();

function status(fault: Of<"status">): Play {
  const { afterBytes, afterwards = "drain" } = fault;
  const reply: Reply = {
    status: fault.status,
    ...(fault.headers && { headers: fault.headers }),
    ...(fault.body === undefined ? { json: { scripted: fault.status } } : { body: fault.body }),
  };
  const goOn = (x: Exchange) => {
    if (afterwards === "hold") x.connection.stopReading(forever);
    else if (afterwards !== "drain") x.connection.finish(afterwards);
  };
  const play: Play = {
    effect: { effect: fault.installs ?? false },
    write: (x) => {
      if (afterwards === "drain") return x.reply(reply);
      x.connection.write(x.bytesOf(reply), () => {
        x.act();
        goOn(x);
      });
    },
  };
  if (afterBytes === undefined) return play;
  return { ...play, at: afterBytes, onByte: (x) => x.replyEarly(reply, () => goOn(x)) };
}

function cut({ at, ending = "rst" }: Of<"cut">): Play {
  const end = (x: Exchange) => x.connection.finish(ending);
  if (typeof at === "number") return { at, onByte: end, effect: none, write: end };
  if (at === "headers") return { at: 0, onByte: end, effect: none, write: end };
  if (at === "received") return { effect: none, write: end };
  if (at === "installed") {
    return {
      write: (x) => {
        end(x);
        x.act();
      },
    };
  }
  return {
    write: (x, reply) =>
      x.connection.write(x.bytesOf(reply).subarray(0, at.reply), () => {
        x.act();
        end(x);
      }),
  };
}

function drip({ everyMs, part = "body" }: Of<"drip">): Play {
  return {
    write: (x, reply) => {
      const whole = x.bytesOf(reply);
      let at = part === "all" ? 0 : whole.indexOf("\r\n\r\n") + 4;
      if (at > 0) x.connection.write(whole.subarray(0, at));
      const step = () => {
        if (at >= whole.length) return x.done();
        x.connection.write(whole.subarray(at, ++at));
        x.connection.after(everyMs, step);
      };
      step();
    },
  };
}

function informationFlood({ status: code = 103, everyMs, count = forever }: Of<"information-flood">): Play {
  const interim = Buffer.from(`HTTP/1.1 ${code} Interim\r\n${code === 103 ? "link: </a>; rel=preload\r\n" : ""}\r\n`);
  const flood = (x: Exchange, done: () => void) => {
    if (everyMs === undefined) return x.connection.pour(interim, interim.length * count, done);
    let left = count;
    const step = () => {
      if (left-- <= 0) return done();
      x.connection.write(interim);
      x.connection.after(everyMs, step);
    };
    step();
  };
  // Without an end it begins with the request; a counted one stands right before the answer.
  if (count === forever) return { onHead: (x) => flood(x, () => {}), write: silence };
  return { write: (x, reply) => flood(x, () => x.reply(reply)) };
}

function oversizeBody({ bytes, framing = "length" }: Of<"oversize-body">): Play {
  // White space after the JSON: the answer is right and only too long, so that nothing but a cap can refuse it.
  const spaces = Buffer.alloc(65_536, " ");
  return {
    write: (x, reply) => {
      const body = bodyOf(reply);
      const total = body.length + bytes;
      // A length has to be a number even where the body never ends.
      const declared = { "content-length": String(total === forever ? Number.MAX_SAFE_INTEGER : total) };
      const head = (extra: Record<string, string>) => `${headOf(reply, extra)}\r\n`;
      if (framing === "length") {
        x.connection.write(head(declared) + body);
        return x.connection.pour(spaces, bytes, () => x.done());
      }
      if (framing === "close") {
        x.connection.write(head({ connection: "close" }) + body);
        return x.connection.pour(spaces, bytes, () => x.connection.finish("fin"));
      }
      const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;
      const filler = Buffer.from(chunk(" ".repeat(1000)));
      x.connection.write(head({ "transfer-encoding": "chunked" }) + chunk(body));
      x.connection.pour(filler, Math.ceil(bytes / 1000) * filler.length, () =>
        x.connection.write("0\r\n\r\n", () => x.done()),
      );
    },
  };
}

function oversizeHeaders({ bytes }: Of<"oversize-headers">): Play {
  const line = Buffer.from(`x-padding: ${"a".repeat(100)}\r\n`);
  return {
    write: (x, reply) => {
      const body = bodyOf(reply);
      x.connection.write(headOf(reply, { "content-length": String(body.length) }));
      const total = Math.ceil(bytes / line.length) * line.length;
      x.connection.pour(line, total, () => x.connection.write(`\r\n${body}`, () => x.done()));
    },
  };
}

function endless({ part }: Of<"endless">): Play {
  const filler = Buffer.alloc(65_536, "a");
  return {
    write: (x, reply) => {
      const chunked = `${headOf(reply, { "transfer-encoding": "chunked" })}\r\n`;
      const body = bodyOf(reply);
      const start = {
        "status-line": "HTTP/1.1 200 ",
        header: `${headOf(reply, {})}x-endless: `,
        "chunk-extension": `${chunked}${body.length.toString(16)};`,
        trailers: `${chunked}${body.length.toString(16)}\r\n${body}\r\n0\r\nx-endless: `,
      }[part];
      x.connection.write(start);
      x.act();
      x.connection.pour(filler, forever, () => {});
    },
  };
}

function malformed({ reply, early = false, afterwards = "fin" }: Of<"malformed">): Play {
  const raw = rawReply(reply);
  const write = (x: Exchange) => {
    x.connection.ignore();
    x.connection.write(Buffer.from(raw, "latin1"), () => {
      x.act();
      if (afterwards !== "hold") x.connection.finish(afterwards);
    });
  };
  return early ? { onHead: write } : { write };
}

function raw({ steps, at, fetched, ending = "fin" }: Of<"raw">): Play {
  const play = (x: Exchange) => {
    const { connection } = x;
    // Deaf, or the rest of the body would be answered as well; whoever serves on must still hear the next request.
    if (ending !== "serve") connection.ignore();
    const end = () => {
      x.act();
      if (ending === "serve") connection.next();
      else if (ending === "hold") connection.stopReading(forever);
      else if (ending !== "mute") connection.finish(ending);
    };
    playRaw(
      {
        write: (bytes, sent) => connection.write(bytes, sent),
        pour: (filler, total, done) => connection.pour(filler, total, done),
        after: (ms, run) => connection.after(ms, run),
        end,
      },
      x.head,
      steps,
      ending,
    );
  };
  if (fetched !== undefined) return whileFetching(fetched, play);
  return at === undefined ? { effect: none, write: play } : { at, effect: none, onByte: play, write: () => {} };
}

function whileFetching(at: number, play: (x: Exchange) => void): Play {
  const over = new AbortController();
  let answer = () => {};
  const reached = () => {
    answer();
    over.abort();
  };
  return {
    effect: { effect: true, fetch: { kind: "stand", at, reached, until: over.signal } },
    write: (x) => {
      answer = () => play(x);
      x.act();
    },
  };
}

function report({ members }: Of<"report">): Play {
  return {
    change: (reply) => {
      const all = Object.entries({ ...reply.json, ...members }).filter(([, value]) => value !== null);
      return { ...reply, json: Object.fromEntries(all) };
    },
  };
}

function poison({ body = '{"version":"9.9.9"}', afterMs }: Of<"poison">): Play {
  const second = wholeReply({ status: 200, headers: { "content-type": "application/json" }, body });
  return {
    write: (x, reply) => {
      if (afterMs === undefined) return x.reply(reply, second);
      x.reply(reply);
      x.connection.after(afterMs, () => x.connection.write(second));
    },
  };
}

const plays: { readonly [K in Fault["kind"]]: (fault: Of<K>) => Play } = {
  delay: ({ ms }) => ({ write: (x, reply) => x.connection.after(ms, () => x.reply(reply)) }),
  "slow-reader": ({ bytesPerSecond, stopAt, stopMs = forever }) => ({
    ...(bytesPerSecond !== undefined && { onHead: (x: Exchange) => x.connection.throttle(bytesPerSecond) }),
    ...(stopAt !== undefined && { at: stopAt, onByte: (x: Exchange) => x.connection.stopReading(stopMs) }),
  }),
  cut,
  status,
  "wrong-version": ({ version, digest }) => ({ effect: { effect: true, as: { version, digest } } }),
  "lying-200": () => ({ effect: none }),
  "silent-rollback": ({ afterMs }) => ({ effect: { effect: true, fallBackAfter: afterMs } }),
  drip,
  "information-flood": informationFlood,
  "oversize-headers": oversizeHeaders,
  "oversize-body": oversizeBody,
  endless,
  malformed,
  raw,
  redirect: ({ location, status: code = 307 }) => ({
    effect: none,
    change: () => ({ status: code, headers: { location }, body: "" }),
  }),
  body: ({ body, type = "application/json" }) => ({
    change: ({ status: code }) => ({ status: code, headers: { "content-type": type }, body }),
  }),
  report,
  blackhole: ({ installs = false }) => ({ effect: { effect: installs }, write: silence }),
  hold: () => ({ onHead: (x) => x.connection.stopReading(forever), effect: none, write: () => {} }),
  poison,
};

export function playOf(fault: Fault): Play {
  return (plays[fault.kind] as (fault: Fault) => Play)(fault);
}
