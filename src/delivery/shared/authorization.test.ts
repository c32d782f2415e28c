import { createHash } from "node:crypto";
import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../core/clock.ts";
import { type Credentials, Secret } from "../../core/credentials.ts";
import type { DeliveryContext } from "../../core/delivery.ts";
import { FlashwaveError, isFlashwaveError } from "../../core/errors.ts";
import type { ExchangeReply, ExchangeRequest, Transport } from "../../core/transport.ts";
import { authorizationOf } from "./authorization.ts";
import { parseChallenges } from "./challenges.ts";
import type { AuthMode } from "./login.ts";

const login: Credentials = { username: "admin", password: new Secret("s3cret") };
const token: Credentials = { token: new Secret("t0ken") };
const head = { method: "HEAD", path: "/fw" };

type Reply = { readonly status?: number; readonly headers?: readonly (readonly [string, string])[] } | Error;
const asks = (challenge: string): Reply => ({ status: 401, headers: [["www-authenticate", challenge]] });
const digest = (nonce: string, rest = ""): Reply => asks(`Digest realm="r", qop="auth", nonce="${nonce}"${rest}`);

interface Setup {
  readonly credentials?: Credentials | undefined | Error;
  readonly mode?: AuthMode;
  readonly origin?: string;
}

/** A device that answers by a list, the last answer again and again, and remembers what it was asked. */
function play(replies: readonly Reply[], setup: Setup = {}) {
  const { mode = "auto", origin = "http://10.0.0.1" } = setup;
  const credentials = "credentials" in setup ? setup.credentials : login;
  const requests: ExchangeRequest[] = [];
  let asked = 0;
  const transport = {
    exchange: async (to: string, request: ExchangeRequest, read = (reply: ExchangeReply): unknown => reply) => {
      expect(to).toBe(origin);
      const reply = replies[Math.min(requests.length, replies.length - 1)];
      requests.push(request);
      if (reply instanceof Error) throw reply;
      const headers = new Map(reply?.headers);
      return read({ status: reply?.status ?? 200, headers, body: new Uint8Array(), sent: "all", peer: "none" });
    },
  } as Partial<Transport> as Transport;
  const context: DeliveryContext = {
    transport,
    origin,
    clock: systemClock,
    credentials: async () => {
      asked++;
      if (credentials instanceof Error) throw credentials;
      return credentials;
    },
  };
  const authorization = authorizationOf(context, "d", mode);
  if (authorization === undefined) throw new Error("there are credentials to ask for");
  const request: ExchangeRequest = { method: "PUT", path: "/fw", headers: ["x-a", "1"], phase: "send", deadline: 5 };
  return {
    context,
    requests,
    times: () => asked,
    seen: () => requests.map(({ method, headers = [] }) => `${method} ${schemeOf(headers)}`),
    sent: (at: number) => params(requests[at]?.headers),
    plain: () => authorization.exchange(request, ({ status }, proved) => ({ status, proved })),
    artifact: () => authorization.exchange(request, ({ status }) => status, head),
  };
}

const headerOf = (headers: readonly string[] = []) => headers[headers.indexOf("authorization") + 1] ?? "";
const schemeOf = (headers: readonly string[]) =>
  headers.includes("authorization") ? (headerOf(headers).split(" ")[0] ?? "") : "-";
const params = (headers?: readonly string[]) => Object.fromEntries(parseChallenges(headerOf(headers))[0]?.params ?? []);

async function failure(work: Promise<unknown>): Promise<FlashwaveError> {
  const thrown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!isFlashwaveError(thrown)) throw new Error("it did not fail as it should", { cause: thrown });
  const printed = [thrown.message, JSON.stringify(thrown), inspect(thrown, { depth: null, showHidden: true })].join();
  // Plain, and as the end of what Basic makes of it.
  expect(printed).not.toMatch(/s3cret|t0ken|OnMzY3JldA|czNjcmV0/);
  return thrown;
}

describe("a device without credentials", () => {
  it("has no authorization, and one whose caller has none for it is sent nothing more", async () => {
    const { transport, origin, clock } = play([]).context;
    expect(authorizationOf({ transport, origin, clock }, "d", "auto")).toBeUndefined();
    const device = play([{}], { credentials: undefined });
    await device.plain();
    await device.artifact();
    expect(device.seen()).toEqual(["PUT -", "PUT -"]);
    expect(device.times()).toBe(1);
  });
});

describe("a token", () => {
  it("goes with every request, unasked, and proves nothing", async () => {
    const device = play([{}], { credentials: token });
    expect(await device.plain()).toEqual({ status: 200, proved: false });
    await device.artifact();
    expect(device.requests.map(({ headers }) => headers)).toEqual([
      ["x-a", "1", "authorization", "Bearer t0ken"],
      ["x-a", "1", "authorization", "Bearer t0ken"],
    ]);
  });

  it("is sent once where it is refused", async () => {
    const device = play([asks("Bearer")], { credentials: token });
    expect(await failure(device.plain())).toMatchObject({ code: "refused", phase: "send", reply: { status: 401 } });
    expect(await failure(device.artifact())).toMatchObject({ code: "refused" });
    expect(device.requests).toHaveLength(2);
  });
});

describe("Basic", () => {
  it("goes unasked where the profile says so, over plain http too", async () => {
    const device = play([{}], { mode: "basic" });
    expect(await device.artifact()).toBe(200);
    // RFC 7617 §2: base64 of "admin:s3cret".
    expect(headerOf(device.requests[0]?.headers)).toBe("Basic YWRtaW46czNjcmV0");
    expect(device.requests).toHaveLength(1);
  });

  it("is shown once to a device that does not take it: a second try is on the way to a locked account", async () => {
    const device = play([asks('Basic realm="r"')], { mode: "basic" });
    expect((await failure(device.plain())).message).toMatch(/does not take this login/);
    expect(device.seen()).toEqual(["PUT Basic"]);
  });

  it("is answered over https when the device asks for it, and then goes along by itself", async () => {
    const device = play([asks('Basic realm="r"'), {}], { origin: "https://10.0.0.1" });
    expect(await device.plain()).toEqual({ status: 200, proved: true });
    expect(await device.artifact()).toBe(200);
    expect(device.seen()).toEqual(["PUT -", "PUT Basic", "PUT Basic"]);
  });

  it("is not shown to a plain way for the asking", async () => {
    const device = play([asks('Basic realm="r"'), {}]);
    const error = await failure(device.artifact());
    expect(error).toMatchObject({ code: "refused", bytesOut: "none" });
    expect(error.message).toMatch(/wants Basic.*plain http.*options\.auth to basic/);
    expect(device.seen()).toEqual(["HEAD -"]);
  });

  it("is never the answer of a profile that says digest", async () => {
    const device = play([asks('Basic realm="r"'), {}], { origin: "https://10.0.0.1", mode: "digest" });
    expect((await failure(device.plain())).message).toMatch(/wants Basic.*options\.auth to auto or basic/);
  });

  it("is UTF-8", async () => {
    const device = play([{}], { mode: "basic", credentials: { username: "J\u00f8", password: new Secret("\u20ac") } });
    await device.plain();
    expect(Buffer.from(headerOf(device.requests[0]?.headers).slice(6), "base64").toString()).toBe("J\u00f8:\u20ac");
  });
});

describe("Digest", () => {
  it("costs the artifact nothing: an empty request is challenged in its place", async () => {
    const device = play([digest("n1"), {}, digest("n2"), {}]);
    expect([await device.artifact(), await device.artifact()]).toEqual([200, 200]);
    expect(device.seen()).toEqual(["HEAD -", "PUT Digest", "HEAD -", "PUT Digest"]);
    expect(device.requests[0]).toMatchObject({ phase: "send", deadline: 5 });
    expect([device.sent(1)["nonce"], device.sent(3)["nonce"]]).toEqual(["n1", "n2"]);
    expect([device.sent(1)["nc"], device.sent(3)["nc"]]).toEqual(["00000001", "00000001"]);
    expect(device.times()).toBe(1);
  });

  it("counts the uses of a nonce, each answer for its own method and path", async () => {
    const device = play([digest("n"), {}]);
    for (let times = 0; times < 3; times++) await device.plain();
    expect(device.seen()).toEqual(["PUT -", "PUT Digest", "PUT Digest", "PUT Digest"]);
    expect([1, 2, 3].map((at) => device.sent(at)["nc"])).toEqual(["00000001", "00000002", "00000003"]);
    const { response, cnonce, uri } = device.sent(3);
    const md5 = (text: string) => createHash("md5").update(text).digest("hex");
    expect(uri).toBe("/fw");
    expect(response).toBe(md5(`${md5("admin:r:s3cret")}:n:00000003:${cnonce}:auth:${md5("PUT:/fw")}`));
  });

  it("has a nonce of its own for each challenge, of 128 bits", async () => {
    const nonces = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const device = play([digest("n"), {}]);
        await device.plain();
        return device.sent(1)["cnonce"] ?? "";
      }),
    );
    expect(new Set(nonces).size).toBe(20);
    for (const nonce of nonces) expect(nonce).toMatch(/^[\da-f]{32}$/);
  });

  it("answers the strongest challenge, in whatever order and lines they come", async () => {
    const device = play([
      {
        status: 401,
        headers: [
          [
            "www-authenticate",
            'Basic realm="b", Digest realm="r", nonce="weak", qop="auth", Digest realm="r", nonce="strong", qop="auth", algorithm=SHA-256',
          ],
        ],
      },
      {},
    ]);
    await device.plain();
    expect(device.sent(1)).toMatchObject({ nonce: "strong", algorithm: "SHA-256" });
  });

  it("takes a new nonce when the old one is stale, and when one that was good no longer is", async () => {
    const device = play([digest("n1"), {}, digest("n2", ", stale=true"), {}, digest("n3"), {}]);
    for (let times = 0; times < 3; times++) expect(await device.plain()).toMatchObject({ status: 200 });
    expect([1, 3, 5].map((at) => device.sent(at)["nonce"])).toEqual(["n1", "n2", "n3"]);
  });

  it("is refused when a fresh nonce did not help, and when everything is stale", async () => {
    const wrong = play([digest("n1"), digest("n2")]);
    expect(await failure(wrong.plain())).toMatchObject({ code: "refused", phase: "send", reply: { status: 401 } });
    expect(wrong.requests).toHaveLength(2);
    const stale = play([digest("n", ", stale=true")]);
    expect((await failure(stale.plain())).message).toMatch(/does not take this login/);
    expect(stale.requests).toHaveLength(2);
    const artifact = play([digest("n", ", stale=true")]);
    await failure(artifact.artifact());
    expect(artifact.seen()).toEqual(["HEAD -", "PUT Digest"]);
  });

  it("goes on with the nonce that the device wants next, and asks for none before the artifact then", async () => {
    const next: Reply = { headers: [["authentication-info", 'nextnonce="later"']] };
    const device = play([digest("first"), next, {}]);
    await device.plain();
    await device.artifact();
    expect(device.seen()).toEqual(["PUT -", "PUT Digest", "PUT Digest"]);
    expect(device.sent(2)).toMatchObject({ nonce: "later", nc: "00000001" });
  });

  it("knows a device that knows the password, and one that only says so", async () => {
    const honest: Reply[] = [digest("n"), {}];
    const device = play(honest);
    honest[1] = {
      get headers() {
        const md5 = (text: string) => createHash("md5").update(text).digest("hex");
        const { cnonce } = device.sent(1);
        const proof = md5(`${md5("admin:r:s3cret")}:n:00000001:${cnonce}:auth:${md5(":/fw")}`);
        return [["authentication-info", `rspauth="${proof}", qop=auth`]] as const;
      },
    };
    expect(await device.plain()).toEqual({ status: 200, proved: true });
    const liar = play([digest("n"), { headers: [["authentication-info", `rspauth="${"0".repeat(32)}"`]] }]);
    expect(await liar.plain()).toEqual({ status: 200, proved: false });
    expect(await play([digest("n"), { status: 500 }]).plain()).toEqual({ status: 500, proved: false });
  });

  it("says what a device wants that is not spoken here, in our own words", async () => {
    const cases: readonly [string, RegExp][] = [
      ['Digest realm="r", nonce="n", algorithm=CANARY', /wants Digest with an algorithm that is not known here/],
      ['Negotiate, NTLM, CANARY realm="CANARY"', /wants Negotiate, NTLM, a scheme that is not known here/],
      ["Bearer", /wants a bearer token/],
      ['Digest realm="CANARY', /wants a login, but not which/],
    ];
    for (const [challenge, message] of cases) {
      const device = play([asks(challenge)]);
      const error = await failure(device.artifact());
      expect(error).toMatchObject({ code: "refused", phase: "send" });
      expect(error.message).toMatch(message);
      expect(error.message).not.toContain("CANARY");
      expect(device.seen()).toEqual(["HEAD -"]);
    }
  });
});

describe("a device that asks for a login at the artifact alone", () => {
  it("is sent it once, and told how to ask for it earlier", async () => {
    const device = play([{ status: 404 }, digest("n")]);
    const error = await failure(device.artifact());
    expect(error).toMatchObject({ code: "refused", reply: { status: 401 } });
    expect(error.message).toContain("options.challenge");
    expect(device.seen()).toEqual(["HEAD -", "PUT -"]);
  });

  it("is answered by what a read before it was asked for", async () => {
    const device = play([digest("n"), {}, { status: 404 }, {}]);
    await device.plain();
    expect(await device.artifact()).toBe(200);
    expect(device.seen()).toEqual(["PUT -", "PUT Digest", "HEAD -", "PUT Digest"]);
    expect(device.sent(3)).toMatchObject({ nonce: "n", nc: "00000002" });
  });
});

describe("what goes wrong before anything is sent", () => {
  it("ends the call: credentials that could not be had", async () => {
    const cause = new FlashwaveError("credentials_failed", "The vault is shut.", { phase: "prepare" });
    const device = play([{}], { credentials: cause });
    expect(await failure(device.plain())).toBe(cause);
    expect(device.requests).toHaveLength(0);
  });

  it.each<[Credentials, AuthMode, RegExp]>([
    [token, "digest", /are a token.*digest/],
    [token, "basic", /are a token.*basic/],
    [login, "bearer", /name and password.*bearer/],
    [{ token: new Secret("t0ken\r\nx-evil: 1") }, "auto", /not visible ASCII/],
    [{ token: new Secret("") }, "bearer", /not visible ASCII/],
    [{ username: "a:b", password: new Secret("s3cret") }, "auto", /colon/],
    [{ username: "a\nb", password: new Secret("s3cret") }, "basic", /control character/],
    [{ username: "a", password: new Secret("s3cret\r\nx-evil: 1") }, "auto", /password with a control/],
  ])("ends the call: credentials that cannot be sent (%#)", async (credentials, mode, message) => {
    const device = play([{}], { credentials, mode });
    const error = await failure(device.artifact());
    expect(error).toMatchObject({ code: "credentials_failed", phase: "prepare", bytesOut: "none" });
    expect(error.message).toMatch(message);
    expect(device.requests).toHaveLength(0);
  });

  it("says that no byte of the artifact left when the challenge could not be had", async () => {
    const lost = new FlashwaveError("connection_lost", "It ended.", { phase: "send", bytesOut: "none" });
    const device = play([lost]);
    expect(await failure(device.artifact())).toMatchObject({ code: "connection_lost", bytesOut: "none" });
  });
});

it("leaves what the profile or the caller wrote there themselves", async () => {
  const device = play([{ status: 401 }]);
  const headers = ["authorization", "Custom x"];
  const request = { method: "PUT", path: "/", headers, phase: "send", deadline: 5 } as const;
  const status = await authorizationOf(device.context, "d", "auto")?.exchange(request, (reply) => reply.status, head);
  expect(status).toBe(401);
  expect(device.requests).toEqual([request]);
});

it("is one for all that is bound to a context, in each mode", () => {
  const { context } = play([]);
  expect(authorizationOf(context, "d", "auto")).toBe(authorizationOf(context, "d", "auto"));
  expect(authorizationOf(context, "d", "auto")).not.toBe(authorizationOf(context, "d", "digest"));
});
