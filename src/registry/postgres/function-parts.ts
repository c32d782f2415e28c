// All writes that need more than one statement, as functions: a call is one statement, which commits or fails by itself.
// A client that stops in the middle of a write therefore holds no lock.
//
// Those that give out revisions first lock the fleet's row: they come one after the other, and a revision is seen by others
// only after all smaller ones. Each statement within sees what was committed before it (READ COMMITTED). The lock leaves the
// row's key alone, so that reports, whose foreign key holds on to it, need not wait.
//
// Whoever writes to several devices takes their rows in the order of ids, whatever order the caller gave: two that meet wait
// for each other one way only. Rows of one device (its tags, its reports) come behind its own.
//
// Whoever made the database may have turned `synchronous_commit` off: what is acknowledged must be on the disk all the same.
// Plans of a function live as long as its connection; one made while a table was empty would read it from end to end when it
// has grown, hence no sequential scans.
// A later migration replaces them all: what a call looks like to the process that makes it stays as it is.
export const attributes: string = `LANGUAGE plpgsql SET search_path = flashwave, pg_temp SET enable_seqscan = off`;
/** Of those that only these call, under their settings: to set them again for each row costs more than most of what is done. */
export const inner = "LANGUAGE plpgsql";

const isAsynchronous = "current_setting('synchronous_commit') = 'off'";
const toDisk = "set_config('synchronous_commit', 'on', true)";
/** First in each function that writes. */
export const durable: string = `PERFORM ${toDisk} WHERE ${isAsynchronous};`;
/** Among what a statement returns that writes without a function. */
export const durably: string = `CASE WHEN ${isAsynchronous} THEN ${toDisk} END`;

/** For PL/pgSQL; @param ids an array of ids, in any order and as often as need be */
export const lockDevices = (ids: string): string =>
  `PERFORM d.id FROM device d WHERE d.fleet = f AND d.id = ANY (${ids}) ORDER BY d.id FOR NO KEY UPDATE;`;
