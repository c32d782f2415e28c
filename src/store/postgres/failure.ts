import { closed, failed } from "../failure.ts";

// SQLSTATE, https://www.postgresql.org/docs/current/errcodes-appendix.html: whole codes, or classes by their first two.
const told: Readonly<Record<string, string>> = {
  "08": "the connection to the database was lost",
  "22": "a value does not fit the database; nothing of this commit was written",
  "23": "the change would break the database's integrity; nothing of this commit was written",
  "25006": "the database takes no writes: it is a standby or set to read only; connect to the primary",
  "28": "the database refused the login: check user, password and pg_hba.conf, which may ask for TLS (sslmode=verify-full)",
  "3D000": "there is no such database on the server; create it first",
  "40001": "others changed the same rows again and again; try again",
  "40P01": "others changed the same rows again and again; try again",
  "42501":
    "the database's user lacks rights: to open a fleet for the first time it needs CREATE on the database, later the schema flashwave's",
  "53": "the database has no room, memory or connections left; nothing of this commit was written",
  "54": "a value is too large for the database; nothing of this commit was written",
  "55P03": "others held the same rows for longer than the lock_timeout that is set, again and again; try again",
  "57014": "the database was told to break the statement off; nothing of this commit was written",
  "57P": "the database ended the connection: it stops, starts or was told to; try again",
  "58": "the database's disk failed; check the server before going on",
  XX: "the database is damaged; check the server before going on",
};

const retryable: readonly string[] = ["08", "40001", "40P01", "53", "55P03", "57014", "57P"];

/** Our own time was over: nobody said that anything failed. Its message is what a caller is told. */
export class Impatience extends Error {}

export const noConnection = (patience: number): Impatience =>
  new Impatience(
    `the pool gave no connection within ${patience} ms, and nothing was sent; give it more connections (max of a pool of yours), and see who keeps its connections and whether the server can be reached`,
  );

/** @param told whether the server could be told to give the statement up */
export const noAnswer = (patience: number, told: boolean): Impatience =>
  new Impatience(
    `no answer within ${patience} ms, and the server ${told ? "was told" : "could not be told"} to give the statement up; a write may or may not have happened: read, then try again; see what held it up (pg_stat_activity), or give it more patience`,
  );

/** PostgreSQL's own code for a failure; nothing when the failure is not the server's. */
export function sqlState(error: unknown): string | undefined {
  const { code, severity } = (error ?? {}) as { readonly code?: unknown; readonly severity?: unknown };
  return typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) && typeof severity === "string" ? code : undefined;
}

/** Whether the server had this one fail for the sake of others, or because of them: nothing of it was written. */
export function isContended(error: unknown): boolean {
  return ["40001", "40P01", "55P03"].includes(sqlState(error) ?? "");
}

/**
 * Whether a statement was not known by the name that it had been given, or known already: a pooler has put another
 * connection of the server's under ours. Nothing of it was run.
 */
export function isMisnamed(error: unknown): boolean {
  return ["26000", "42P05"].includes(sqlState(error) ?? "");
}

/** Whether the server ended the connection. */
export function isEnded(error: unknown): boolean {
  return /^(08|57P)/.test(sqlState(error) ?? "");
}

/** Whether the server refused a statement, and nothing else: nothing of it was written, and its connection still stands. */
export function isRefused(error: unknown): boolean {
  return sqlState(error) !== undefined && !isEnded(error);
}

/**
 * A failure of `pg` or of PostgreSQL as `registry_failed`, with where and with what to do next; what failed otherwise as
 * it is. Messages of the server may hold values; only what our own statements raise (`P0001`) is passed on.
 * @param place the server and its database, where they are known
 */
export function storeFailure(error: unknown, sent: boolean, place: string | undefined): unknown {
  const state = sqlState(error);
  if (state === "P0001") return failed((error as Error).message, { place, cause: error });
  if (state !== undefined) {
    const key = [state, state.slice(0, 3), state.slice(0, 2)].find((code) => told[code] !== undefined);
    const message = told[key ?? ""] ?? `the database failed with SQLSTATE ${state}; its cause says more`;
    return failed(message, { place, cause: error, again: key !== undefined && retryable.includes(key) });
  }
  if (!(error instanceof Error) || error.name === "FlashwaveError") return error;
  if (error instanceof Impatience) return failed(error.message, { place, again: true });
  if (/after calling end on the pool/.test(error.message)) return closed(place, error);
  const cause = withoutSecrets(error);
  const distrust = sent ? undefined : distrusted(error);
  if (distrust !== undefined) return failed(distrust, { place, cause });
  return failed(sent ? lost : unreachable(error), { place, cause, again: true });
}

const lost =
  "the connection to the database was lost before its answer; a write may or may not have happened: read, then try again";

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens at its address",
  ENOTFOUND: "its host has no address",
  EAI_AGAIN: "its host's address could not be found out",
  ECONNRESET: "it broke the connection off",
};

// What OpenSSL and Node call it: https://nodejs.org/api/tls.html#x509-certificate-error-codes
const unknownAuthority =
  "nobody we know vouches for the database's certificate; give its authority: sslrootcert in the connection string, or ssl.ca of a pool";

const distrusts: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: unknownAuthority,
  SELF_SIGNED_CERT_IN_CHAIN: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownAuthority,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownAuthority,
  CERT_HAS_EXPIRED: "the time of the database's certificate is over; have it renewed",
  ERR_TLS_CERT_ALTNAME_INVALID:
    "the database's certificate is another host's; connect by a name that it has, and check who answers there",
};

/** Why a connection that stood was not used: nothing was sent over it, the login neither. */
function distrusted(error: Error): string | undefined {
  if (/does not support SSL/.test(error.message)) {
    return "TLS was asked for, and the database has none; turn it on there (ssl = on)";
  }
  return distrusts[(error as NodeJS.ErrnoException).code ?? ""];
}

function unreachable(error: Error): string {
  const { code = "" } = error as NodeJS.ErrnoException;
  const reason =
    reasons[code] ?? (/timeout/.test(error.message) ? "no connection was free or stood in time" : undefined);
  return `the database cannot be reached${reason === undefined ? "" : `: ${reason}`}; check its address and that it runs`;
}

/** The client's own errors may hold the connection's settings. */
function withoutSecrets(error: Error): Error {
  const { code } = error as NodeJS.ErrnoException;
  return Object.assign(new Error(error.message), code === undefined ? {} : { code });
}
