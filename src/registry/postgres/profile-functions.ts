import { attributes, durable } from "./function-parts.ts";

export const profileFunctions: string = `
-- Removes profiles by id, each of them there, leaves first; gives out revisions after 'newest' and returns the last one. A
-- tally is what the fleet's counters are to change by: items, bases, overrides of the fleet, of groups and of devices.
CREATE FUNCTION flashwave.drop_profiles(f int4, ids text[], INOUT newest int8, INOUT tally int8[]) ${attributes} AS $body$
BEGIN
  WITH gone AS (DELETE FROM profile p WHERE p.fleet = f AND p.id = ANY (ids)
        RETURNING p.id, p.parent, p.root, p.scope, p.owner, p.item_count),
      told AS (INSERT INTO profile_version (fleet, revision, id, change, parent, root, scope, owner)
        SELECT f, newest + j.n, g.id, 2, g.parent, g.root, g.scope, g.owner
          FROM unnest(ids) WITH ORDINALITY AS j (id, n) JOIN gone g ON g.id = j.id)
    SELECT newest + count(*), ARRAY[tally[1] - coalesce(sum(g.item_count), 0), tally[2] - count(*) FILTER (WHERE g.parent IS NULL),
        tally[3] - count(*) FILTER (WHERE g.parent IS NOT NULL AND g.scope = 0),
        tally[4] - count(*) FILTER (WHERE g.scope = 1), tally[5] - count(*) FILTER (WHERE g.scope = 2)]
      INTO newest, tally FROM gone g;
END $body$;

-- The fleet's row is written once for all profiles of a statement: each time leaves a version of the row that the next has to
-- pass by. 'newest' is the revision of the last of them, null where there were none.
CREATE FUNCTION flashwave.end_profiles(f int4, newest int8, tally int8[]) RETURNS void ${attributes} AS $body$
BEGIN
  UPDATE fleet SET revision = newest, profile_revision = newest, items = items + tally[1], profiles = profiles + tally[2],
      fleet_overrides = fleet_overrides + tally[3], group_overrides = group_overrides + tally[4],
      device_overrides = device_overrides + tally[5]
    WHERE key = f AND newest IS NOT NULL;
END $body$;

-- Puts profiles that were checked against profiles as of the revision 'seen'; what a device's override needs is looked up
-- again. Where something else was put meanwhile it fails as a serialization failure does, to be checked and tried again.
CREATE OR REPLACE FUNCTION flashwave.put_profiles(f int4, seen int8, given json, now int8) RETURNS TABLE (number int8)
${attributes} AS $body$
DECLARE
  start int8; newest int8; profiles_at int8; r record; old record; kind int4; tally int8[] := '{0,0,0,0,0}';
BEGIN
  ${durable}
  SELECT fleet.revision, fleet.profile_revision INTO start, profiles_at FROM fleet WHERE fleet.key = f FOR NO KEY UPDATE;
  IF profiles_at <> seen THEN RAISE EXCEPTION 'profiles were changed meanwhile' USING ERRCODE = '40001'; END IF;
  newest := start;
  FOR r IN SELECT * FROM json_to_recordset(given) AS x (id text, parent text, root text, depth int4, scope int4, owner text,
      name text, description text, delivery text, requests text, items text, item_count int4, options text) LOOP
    IF r.scope = 2 AND NOT EXISTS (SELECT 1 FROM device d WHERE d.fleet = f AND d.id = r.owner) THEN
      RAISE EXCEPTION 'a device was removed meanwhile' USING ERRCODE = '40001';
    END IF;
    SELECT p.item_count, p.created_at INTO old FROM profile p WHERE p.fleet = f AND p.id = r.id;
    newest := newest + 1;
    IF old.created_at IS NULL THEN
      INSERT INTO profile (fleet, id, parent, root, depth, scope, owner, name, description, delivery, requests, items,
          item_count, options, created_at, updated_at, revision)
        VALUES (f, r.id, r.parent, r.root, r.depth, r.scope, r.owner, r.name, r.description, r.delivery, r.requests,
          r.items, r.item_count, r.options, now, now, newest);
      kind := CASE WHEN r.parent IS NULL THEN 2 ELSE 3 + r.scope END;
      tally[kind] := tally[kind] + 1;
    ELSE
      UPDATE profile p SET name = r.name, description = r.description, delivery = r.delivery, requests = r.requests,
          items = r.items, item_count = r.item_count, options = r.options, updated_at = now, revision = newest
        WHERE p.fleet = f AND p.id = r.id;
    END IF;
    INSERT INTO profile_version (fleet, revision, id, change, parent, root, scope, owner, name, description, delivery,
        requests, items, options, created_at, updated_at)
      VALUES (f, newest, r.id, CASE WHEN old.created_at IS NULL THEN 0 ELSE 1 END, r.parent, r.root, r.scope, r.owner, r.name,
        r.description, r.delivery, r.requests, r.items, r.options, coalesce(old.created_at, now), now);
    tally[1] := tally[1] + r.item_count - coalesce(old.item_count, 0);
    number := newest;
    RETURN NEXT;
  END LOOP;
  PERFORM end_profiles(f, nullif(newest, start), tally);
END $body$;

-- One row for each id: how many profiles went with it, and whether devices still name it.
CREATE OR REPLACE FUNCTION flashwave.remove_profiles(f int4, ids text[]) RETURNS TABLE (removed int4, in_use bool)
${attributes} AS $body$
DECLARE
  start int8; newest int8; one text; below text[]; tally int8[] := '{0,0,0,0,0}';
BEGIN
  ${durable}
  SELECT fleet.revision INTO start FROM fleet WHERE fleet.key = f FOR NO KEY UPDATE;
  newest := start;
  FOREACH one IN ARRAY ids LOOP
    in_use := EXISTS (SELECT 1 FROM device d WHERE d.fleet = f AND d.profile = one);
    removed := 0;
    IF NOT in_use THEN
      WITH RECURSIVE tree (id, depth) AS (
          SELECT p.id, p.depth FROM profile p WHERE p.fleet = f AND p.id = one
          UNION ALL SELECT p.id, p.depth FROM tree JOIN profile p ON p.fleet = f AND p.parent = tree.id)
        SELECT coalesce(array_agg(tree.id ORDER BY tree.depth DESC, tree.id), '{}') INTO below FROM tree;
      SELECT * INTO newest, tally FROM drop_profiles(f, below, newest, tally);
      removed := cardinality(below);
    END IF;
    RETURN NEXT;
  END LOOP;
  PERFORM end_profiles(f, nullif(newest, start), tally);
END $body$;
`;
