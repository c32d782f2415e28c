import type { Mutation } from "./types.ts";

/** What would tell a secret, or let a device say what nobody should hear. */
export const tellingMutations: readonly Mutation[] = [
  {
    name: "password-in-clear",
    defect: "a password goes over plain http because the device asked for it",
    edits: [
      {
        file: "src/delivery/shared/login.ts",
        find: 'if (mode === "basic" || encrypted) return { scheme: "basic" };',
        replace: 'return { scheme: "basic" };',
      },
    ],
    test: { file: "src/delivery/shared/authorization.test.ts", title: "is not shown to a plain way for the asking" },
  },
  {
    name: "header-in-error",
    defect: "the error for a header that cannot be sent shows its value",
    edits: [
      {
        file: "src/http/headers.ts",
        find: '"outer spaces or characters beyond Latin-1 (RFC 9110 §5.5).",',
        replace: '"outer spaces or characters beyond Latin-1 (RFC 9110 §5.5)." + value,',
      },
    ],
    test: { file: "integration/canary.test.ts", title: "leaves nothing in the errors for what cannot be meant" },
  },
  {
    name: "token-in-error",
    defect: "the error for a token that is refused shows it",
    edits: [
      {
        file: "src/delivery/shared/authorization.ts",
        find: "if (credentials.token !== undefined) throw this.#refused(wrong, reply, request);",
        replace:
          "if (credentials.token !== undefined) throw this.#refused(credentials.token.reveal(), reply, request);",
      },
    ],
    test: { file: "integration/canary.test.ts", title: "leaves nothing of a token, nor of a header" },
  },
  {
    name: "hashed-login-in-error",
    defect: "the error for a login by Digest that is refused shows what is as good as its password",
    edits: [
      {
        file: "src/delivery/shared/authorization.ts",
        find: "if (again.reply.status === 401) throw this.#refused(wrong, again.reply, request);",
        replace:
          'if (again.reply.status === 401) {\n      const { challenge } = chooseAnswer(challengesOf(reply.headers), "digest", false) as never;\n      const { username, password } = credentials as never as { username: string; password: { reveal(): string } };\n      throw this.#refused(digestSecret(challenge, username, password.reveal(), ""), again.reply, request);\n    }',
      },
      {
        file: "src/delivery/shared/authorization.ts",
        find: 'import { challengesOf, parseParams } from "./challenges.ts";',
        replace:
          'import { challengesOf, parseParams } from "./challenges.ts";\nimport { digestSecret } from "./digest-auth.ts";',
      },
    ],
    test: {
      file: "integration/canary.test.ts",
      title: "leaves nothing of a password in what a client tells, nor in its registry's files",
    },
  },
  {
    name: "tls-key-in-error",
    defect: "the error for a TLS key that does not fit shows it",
    edits: [
      {
        file: "src/http/tls.ts",
        find: 'or the key does not fit the certificate", cause);',
        replace: 'or the key does not fit the certificate", new Error(String(key), { cause }));',
      },
    ],
    test: {
      file: "integration/canary.test.ts",
      title: "leaves nothing of a private key, of TLS or for signing, nor of its passphrase",
    },
  },
  {
    name: "passphrase-in-error",
    defect: "the error for a wrong passphrase shows it",
    edits: [
      {
        file: "src/trust/keys.ts",
        find: '"the private key, with the passphrase given,"',
        replace: '"the private key, with the passphrase " + passphrase?.reveal()',
      },
    ],
    test: {
      file: "integration/canary.test.ts",
      title: "leaves nothing of a private key, of TLS or for signing, nor of its passphrase",
    },
  },
  {
    name: "login-kept-of-a-device",
    defect: "a login in a header of a device's own profile is kept, shown and exported",
    edits: [
      { file: "src/registry/device-input.ts", find: "if (login !== undefined) return", replace: "if (false) return" },
    ],
    test: {
      file: "integration/canary.test.ts",
      title: "in a store, nor in what the command line says and exports of it",
    },
  },
  {
    name: "login-kept-of-a-profile",
    defect: "a login in a header of a profile is kept, shown and exported",
    edits: [
      {
        file: "src/registry/profile-items.ts",
        find: 'if (kind === "header" && isLoginHeader(name)) return',
        replace: "if (false) return",
      },
    ],
    test: {
      file: "src/registry/memory/memory.test.ts",
      suite: "src/registry/profiles.suite.ts",
      title: "keeps no header that holds a login, whoever it is for",
    },
  },
  {
    name: "secret-in-json",
    defect: "a secret prints in JSON",
    edits: [
      {
        file: "src/core/credentials.ts",
        find: "toJSON(): string {\n    return shown;",
        replace: "toJSON(): string {\n    return this.#text;",
      },
    ],
    test: { file: "src/core/credentials.test.ts", title: "shows a secret to nobody who does not ask for it" },
  },
  {
    name: "terminal-escapes",
    defect: "what a device calls itself steers the terminal",
    edits: [{ file: "src/cli/text.ts", find: 'return text.replace(unprintable, "");', replace: "return text;" }],
    test: { file: "src/cli/text.test.ts", title: "leaves nothing that moves a cursor, turns the direction or hides" },
  },
];
