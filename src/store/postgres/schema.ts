import { failed } from "../failure.ts";

/** A set of tables of ours, in a schema of its own name. */
export interface Schema {
  /** A plain identifier. */
  readonly name: string;
  /** SQL by version; only ever appended to. A database at version n has had the first n. */
  readonly migrations: readonly string[];
}

/** The oldest PostgreSQL that the statements were tried on, as `server_version_num` has it. */
const oldest = { number: 140_000, name: "14" } as const;

/** What a database says of itself before anything is written to it. */
export interface Found {
  /** As `server_version_num` has it. */
  readonly server: number;
  readonly encoding: string;
  /** Of our schema; 0: there is none. */
  readonly version: number;
  /** There is a schema of that name which is not ours. */
  readonly foreign: boolean;
}

/** Reads `server`, `encoding`, whether the schema is there, and whether its version table is. */
export function inspectStatement(schema: Schema): string {
  return `SELECT current_setting('server_version_num')::int4, current_setting('server_encoding'),
    to_regnamespace('${schema.name}') IS NOT NULL,
    to_regclass('${schema.name}.schema_version') IS NOT NULL`;
}

export const versionStatement = (schema: Schema): string =>
  `SELECT coalesce(max(version), 0) FROM ${schema.name}.schema_version`;

/**
 * @param place the server and its database, for what an error says
 * @throws `registry_failed` for a server or a schema that this code cannot work with
 */
export function checkDatabase(found: Found, schema: Schema, place: string | undefined): void {
  const fault = faultOf(found, schema);
  if (fault !== undefined) throw failed(fault, { place });
}

function faultOf({ server, encoding, foreign, version }: Found, { name, migrations }: Schema): string | undefined {
  if (!(server >= oldest.number)) {
    return `PostgreSQL ${oldest.name} or newer is needed, this is ${Math.trunc(server / 10_000)}; upgrade the server or use another`;
  }
  if (encoding !== "UTF8") return "the database must have the encoding UTF8; create another with it";
  if (foreign) return `the database's schema ${name} is another program's; it was left as it is, give another database`;
  return version > migrations.length ? newer(version, migrations.length) : undefined;
}

const newer = (found: number | string, known: number) =>
  `the database has schema version ${found}, this Flashwave knows ${known}; use a newer Flashwave`;

/**
 * Brings a database up to date, all in one statement. Of several that start at once one does it and the others find it
 * done: each version is looked up again under the lock.
 */
export function migration(schema: Schema): string {
  const { name, migrations } = schema;
  const steps = migrations.map(
    (step, i) => `
      IF found < ${i + 1} THEN
        EXECUTE ${quote(step)};
        INSERT INTO ${name}.schema_version (version) VALUES (${i + 1});
      END IF;`,
  );
  const body = `
    DECLARE found int4;
    BEGIN
      PERFORM pg_advisory_xact_lock(hashtext('flashwave'), hashtext('${name}'));
      CREATE SCHEMA IF NOT EXISTS ${name};
      CREATE TABLE IF NOT EXISTS ${name}.schema_version (version int4 PRIMARY KEY, at timestamptz NOT NULL DEFAULT now());
      SELECT coalesce(max(version), 0) INTO found FROM ${name}.schema_version;
      IF found > ${migrations.length} THEN
        RAISE EXCEPTION '${newer("%", migrations.length)}', found;
      END IF;
      ${steps.join("")}
    END`;
  return `SET LOCAL client_min_messages = warning; DO ${quote(body)}`;
}

/** A text as SQL has it: dollars around it that it does not hold. */
function quote(text: string): string {
  let tag = "$q$";
  for (let i = 0; text.includes(tag); i += 1) tag = `$q${i}$`;
  return `${tag}${text}${tag}`;
}
