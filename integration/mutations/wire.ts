import type { Mutation } from "./types.ts";

/** What would believe, or obey, somebody on the wire. */
export const wireMutations: readonly Mutation[] = [
  {
    name: "early-2xx",
    defect: "a 2xx to half of the body is an acknowledgement",
    edits: [
      {
        file: "src/delivery/shared/reply.ts",
        find: 'return sent === "all" ? undefined : rulings.early;',
        replace: "return undefined;",
      },
    ],
    test: { file: "src/delivery/shared/reply.test.ts", title: "to half a body for no acknowledgement" },
  },
  {
    name: "redirect-is-success",
    defect: "a redirect is an acknowledgement",
    edits: [
      {
        file: "src/delivery/shared/reply.ts",
        find: "if (status < 400) return rulings.redirect;",
        replace: "if (status < 400) return undefined;",
      },
    ],
    test: { file: "src/delivery/shared/reply.test.ts", title: "requireSuccess" },
  },
  {
    name: "redirect-followed",
    defect: "a redirect is followed, wherever it leads",
    edits: [
      {
        file: "src/delivery/shared/exchange.ts",
        find: "  return context.transport.exchange(context.origin, request, read);",
        replace:
          '  return context.transport.exchange(context.origin, request).then((reply) => {\n    const location = reply.status >= 300 && reply.status < 400 ? reply.headers.get("location") : undefined;\n    if (location === undefined) return read(reply);\n    const next = new URL(location, context.origin);\n    return context.transport.exchange(next.origin, { ...request, path: next.pathname }, read);\n  });',
      },
    ],
    test: {
      file: "src/delivery/http/delivery.test.ts",
      suite: "src/delivery/suite/fault.suite.ts",
      title: "a redirect is never followed",
    },
  },
  {
    name: "retry-after-unclamped",
    defect: "a device can ask to be left alone for a year",
    edits: [
      {
        file: "src/delivery/shared/retry-after.ts",
        find: "Math.min(Math.max(wait, 0), maxRetryAfter)",
        replace: "Math.max(wait, 0)",
      },
    ],
    test: { file: "src/delivery/shared/retry-after.test.ts", title: "parseRetryAfter" },
  },
  {
    name: "pin-skipped",
    defect: "pins are not compared",
    edits: [
      {
        file: "src/http/connection.ts",
        find: "if (pins !== undefined && !pinned(socket as TLSSocket, pins)) {",
        replace: "if (false) {",
      },
    ],
    test: {
      file: "src/http/tls.test.ts",
      title: "match nothing end it before a byte of the request leaves, on every connection",
    },
  },
  {
    name: "pin-skipped-on-resumption",
    defect: "a resumed TLS session is not asked for its pin",
    edits: [
      { file: "src/http/connector.ts", find: "maxCachedSessions: 0,", replace: "maxCachedSessions: 100," },
      {
        file: "src/http/connection.ts",
        find: "if (pins !== undefined && !pinned(socket as TLSSocket, pins)) {",
        replace:
          "if (pins !== undefined && !(socket as TLSSocket).isSessionReused() && !pinned(socket as TLSSocket, pins)) {",
      },
    ],
    test: { file: "src/http/tls.test.ts", title: "outlive a renewed certificate when they name the key" },
  },
  {
    name: "certificates-unverified",
    defect: "a certificate that nobody vouches for is taken",
    edits: [{ file: "src/http/connector.ts", find: "verified: secure(true),", replace: "verified: secure(false)," }],
    test: { file: "src/http/tls.test.ts", title: "is not given to a certificate that" },
  },
  {
    name: "literals-unchecked",
    defect: "the address policy is not asked about IP addresses",
    edits: [{ file: "src/http/address.ts", find: "if (literal) policy.check(host, host);", replace: "" }],
    test: { file: "src/http/policy.test.ts", title: "is denied before any connection" },
  },
  {
    name: "rebinding",
    defect: "a name is connected to whatever it resolves to",
    edits: [
      {
        file: "src/http/connector.ts",
        find: "const passed = addresses.filter(({ address }) => policy.objection(address) === undefined);",
        replace: "const passed = addresses;",
      },
      {
        file: "src/http/connection.ts",
        find: "if (objection !== undefined) return denied(origin.host, remoteAddress, objection);",
        replace: "",
      },
    ],
    test: { file: "src/http/policy.test.ts", title: "are judged by what they resolve to, when it is connected" },
  },
  {
    name: "embedded-ipv4",
    defect: "an IPv4 address inside an IPv6 one passes the policy",
    edits: [
      {
        file: "src/http/address-policy.ts",
        find: "const forms = v4 === undefined ? [ip] : [ip, v4];",
        replace: "const forms = [ip];",
      },
    ],
    test: { file: "src/http/address-policy.test.ts", title: "sees through" },
  },
  {
    name: "header-injection",
    defect: "a line break in a header value is sent",
    edits: [
      {
        file: "src/http/headers.ts",
        find: "const fieldValue = /^(?:[\\x21-\\x7e\\x80-\\xff](?:[\\t\\x20-\\x7e\\x80-\\xff]*[\\x21-\\x7e\\x80-\\xff])?)?$/;",
        replace: "const fieldValue = /^[\\s\\S]*$/;",
      },
    ],
    test: { file: "src/http/headers.test.ts", title: "a line break in a value" },
  },
  {
    name: "dot-segments",
    defect: "a path that climbs is sent",
    edits: [
      {
        file: "src/http/path.ts",
        find: 'if (!dotSegment.test(path.split("?", 1)[0] ?? "")) return;',
        replace: "return;",
      },
    ],
    test: { file: "src/http/path.test.ts", title: "a dot-dot segment" },
  },
  {
    name: "reply-uncapped",
    defect: "a device's answer may be of any size",
    edits: [{ file: "src/http/response.ts", find: "if (needed > this.#cap) return false;", replace: "" }],
    test: { file: "src/http/response.test.ts", title: "takes exactly the cap and not a byte more" },
  },
  {
    name: "interim-flood",
    defect: "interim answers without end are listened to",
    edits: [{ file: "src/http/exchange.ts", find: "if (++this.#interim > mostInterim) {", replace: "if (false) {" }],
    test: { file: "src/http/malformed.test.ts", title: "a flood of interim answers" },
  },
  {
    name: "json-depth",
    defect: "a device's JSON may be nested without end",
    edits: [
      {
        file: "src/delivery/shared/json.ts",
        find: "if (depth(body) > maxJsonDepth) return",
        replace: "if (false) return",
      },
    ],
    test: {
      file: "src/delivery/shared/json.test.ts",
      title: "counts levels, not brackets in text and not brackets side by side",
    },
  },
  {
    name: "inherited-properties",
    defect: "a pointer into a device's JSON reaches what objects inherit",
    edits: [
      { file: "src/delivery/shared/json-pointer.ts", find: "at = Object.hasOwn(at, token) ?", replace: "at = true ?" },
    ],
    test: { file: "src/delivery/shared/json.test.ts", title: "cannot be used to change what other objects inherit" },
  },
  {
    name: "foreign-location",
    defect: "an upload goes on at whatever origin the device names",
    edits: [
      {
        file: "src/delivery/tus/location.ts",
        find: "if (!plainAuthority.test(authority) || URL.parse(authority)?.origin !== origin) return { foreign: true };",
        replace: "",
      },
    ],
    test: { file: "src/delivery/tus/endpoint.test.ts", title: "is not followed to" },
  },
  {
    name: "token-not-durable",
    defect: "bytes leave before the resume token was kept",
    edits: [
      {
        file: "src/delivery/tus/upload.ts",
        find: "await this.#step.onResumable?.({",
        replace: "void this.#step.onResumable?.({",
      },
    ],
    test: {
      file: "src/delivery/tus/upload.test.ts",
      title: "waits for its token to be durable, and goes no further when it cannot be",
    },
  },
  {
    name: "websocket-failure-ignored",
    defect: "SWUpdate's FAILURE on the websocket is not heard",
    edits: [
      {
        file: "src/delivery/swupdate/verdict.ts",
        find: 'return concluded(state, "failed", at);',
        replace: "return state;",
      },
    ],
    test: { file: "src/delivery/swupdate/verdict.test.ts", title: "a digest mismatch: 200 and FAILURE" },
  },
  {
    name: "foreign-verdict",
    defect: "the verdict on an update that began before is taken for ours",
    edits: [
      {
        file: "src/delivery/swupdate/verdict.ts",
        find: "if (!(state.began || state.takenOn) || state.verdict !== undefined) return idle;",
        replace: "if (state.verdict !== undefined) return idle;",
      },
    ],
    test: { file: "src/delivery/swupdate/verdict.test.ts", title: "another's late SUCCESS" },
  },
  {
    name: "websocket-unpinned",
    defect: "a device with a pin of its own is listened to over a connection that did not show it",
    edits: [
      {
        file: "src/delivery/swupdate/session.ts",
        find: 'phase: "connect", deadline, signal, pins, onText };',
        replace: 'phase: "connect", deadline, signal, pins: pins && undefined, onText };',
      },
    ],
    test: {
      file: "src/delivery/swupdate/session.test.ts",
      title: "is not asked for, nor anything else, where it shows another key",
    },
  },
];
