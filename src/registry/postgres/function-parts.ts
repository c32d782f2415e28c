// All writes that need more than one statement, as functions: a call is one statement, which commits or fails by itself.
// A client that stops in the middle of a write therefore holds no lock.
//
// Those that give out revisions first lock the fleet's row: they come one after the other, and a revision is seen by others
// only after all smaller ones. Each statement within sees what was committed before it (READ COMMITTED).
//
// Whoever made the database may have turned `synchronous_commit` off: what is acknowledged must be on the disk all the same.
// Plans of a function live as long as its connection; one made while a table was empty would read it from end to end when it
// has grown, hence no sequential scans.
export const attributes: string = `LANGUAGE plpgsql SET search_path = flashwave, pg_temp SET enable_seqscan = off`;
export const durable: string = `PERFORM set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off';`;
