import { attributes, durable } from "./function-parts.ts";

export const profileFunctions: string = `
-- Removes profiles by id, each of them there, leaves first; gives out revisions after 'newest' and returns the last one.
CREATE FUNCTION flashwave.drop_profiles(f int4, ids text[], newest int8) RETURNS int8 ${attributes} AS $body$
DECLARE
  one text; gone record;
BEGIN
  FOREACH one IN ARRAY ids LOOP
    DELETE FROM profile p WHERE p.fleet = f AND p.id = one
      RETURNING p.parent, p.root, p.scope, p.owner, p.item_count INTO gone;
    newest := newest + 1;
    INSERT INTO profile_version (fleet, revision, id, change, parent, root, scope, owner)
      VALUES (f, newest, one, 2, gone.parent, gone.root, gone.scope, gone.owner);
    PERFORM count_profile(f, gone.parent, gone.scope, gone.item_count, -1);
  END LOOP;
  UPDATE fleet SET revision = newest, profile_revision = newest WHERE key = f AND cardinality(ids) > 0;
  RETURN newest;
END $body$;

CREATE FUNCTION flashwave.count_profile(f int4, parent text, scope int4, item_count int4, sign int4) RETURNS void
${attributes} AS $body$
BEGIN
  UPDATE fleet SET items = items + sign * item_count,
      profiles = profiles + CASE WHEN parent IS NULL THEN sign ELSE 0 END,
      fleet_overrides = fleet_overrides + CASE WHEN parent IS NOT NULL AND scope = 0 THEN sign ELSE 0 END,
      group_overrides = group_overrides + CASE WHEN parent IS NOT NULL AND scope = 1 THEN sign ELSE 0 END,
      device_overrides = device_overrides + CASE WHEN parent IS NOT NULL AND scope = 2 THEN sign ELSE 0 END
    WHERE key = f;
END $body$;

-- Puts profiles that were checked against profiles as of the revision 'seen'; what a device's override needs is looked up
-- again. Where something else was put meanwhile it fails as a serialization failure does, to be checked and tried again.
CREATE FUNCTION flashwave.put_profiles(f int4, seen int8, given json, now int8) RETURNS TABLE (number int8)
${attributes} AS $body$
DECLARE
  start int8; newest int8; profiles_at int8; r record; old record;
BEGIN
  ${durable}
  SELECT fleet.revision, fleet.profile_revision INTO start, profiles_at FROM fleet WHERE fleet.key = f FOR UPDATE;
  IF profiles_at <> seen THEN RAISE EXCEPTION 'profiles were changed meanwhile' USING ERRCODE = '40001'; END IF;
  newest := start;
  FOR r IN SELECT * FROM json_to_recordset(given) AS x (id text, parent text, root text, depth int4, scope int4, owner text,
      name text, description text, delivery text, requests text, items text, item_count int4, options text) LOOP
    IF r.scope = 2 AND NOT EXISTS (SELECT 1 FROM device d WHERE d.fleet = f AND d.id = r.owner) THEN
      RAISE EXCEPTION 'a device was removed meanwhile' USING ERRCODE = '40001';
    END IF;
    SELECT p.parent, p.scope, p.item_count, p.created_at INTO old FROM profile p WHERE p.fleet = f AND p.id = r.id;
    newest := newest + 1;
    IF old.created_at IS NULL THEN
      INSERT INTO profile (fleet, id, parent, root, depth, scope, owner, name, description, delivery, requests, items,
          item_count, options, created_at, updated_at, revision)
        VALUES (f, r.id, r.parent, r.root, r.depth, r.scope, r.owner, r.name, r.description, r.delivery, r.requests,
          r.items, r.item_count, r.options, now, now, newest);
    ELSE
      PERFORM count_profile(f, old.parent, old.scope, old.item_count, -1);
      UPDATE profile p SET name = r.name, description = r.description, delivery = r.delivery, requests = r.requests,
          items = r.items, item_count = r.item_count, options = r.options, updated_at = now, revision = newest
        WHERE p.fleet = f AND p.id = r.id;
    END IF;
    INSERT INTO profile_version (fleet, revision, id, change, parent, root, scope, owner, name, description, delivery,
        requests, items, options, created_at, updated_at)
      VALUES (f, newest, r.id, CASE WHEN old.created_at IS NULL THEN 0 ELSE 1 END, r.parent, r.root, r.scope, r.owner, r.name,
        r.description, r.delivery, r.requests, r.items, r.options, coalesce(old.created_at, now), now);
    PERFORM count_profile(f, r.parent, r.scope, r.item_count, 1);
    number := newest;
    RETURN NEXT;
  END LOOP;
  UPDATE fleet SET revision = newest, profile_revision = newest WHERE key = f AND newest > start;
END $body$;

-- One row for each id: how many profiles went with it, and whether devices still name it.
CREATE FUNCTION flashwave.remove_profiles(f int4, ids text[]) RETURNS TABLE (removed int4, in_use bool)
${attributes} AS $body$
DECLARE
  newest int8; one text; below text[];
BEGIN
  ${durable}
  SELECT fleet.revision INTO newest FROM fleet WHERE fleet.key = f FOR UPDATE;
  FOREACH one IN ARRAY ids LOOP
    in_use := EXISTS (SELECT 1 FROM device d WHERE d.fleet = f AND d.profile = one);
    removed := 0;
    IF NOT in_use THEN
      WITH RECURSIVE tree (id, depth) AS (
          SELECT p.id, p.depth FROM profile p WHERE p.fleet = f AND p.id = one
          UNION ALL SELECT p.id, p.depth FROM tree JOIN profile p ON p.fleet = f AND p.parent = tree.id)
        SELECT coalesce(array_agg(tree.id ORDER BY tree.depth DESC, tree.id), '{}') INTO below FROM tree;
      newest := drop_profiles(f, below, newest);
      removed := cardinality(below);
    END IF;
    RETURN NEXT;
  END LOOP;
END $body$;
`;
