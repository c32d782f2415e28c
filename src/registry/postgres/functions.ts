// All writes that need more than one statement, as functions: a call is one statement, which commits or fails by itself.
// A client that stops in the middle of a write therefore holds no lock.
//
// Those that give out revisions first lock the fleet's row: they come one after the other, and a revision is seen by others
// only after all smaller ones. Each statement within sees what was committed before it (READ COMMITTED).
//
// Whoever made the database may have turned `synchronous_commit` off: what is acknowledged must be on the disk all the same.
// Plans of a function live as long as its connection; one made while a table was empty would read it from end to end when it
// has grown, hence no sequential scans.
const attributes = `LANGUAGE plpgsql SET search_path = flashwave, pg_temp SET enable_seqscan = off`;
const durable = `PERFORM set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off';`;

/** The feed remembers this many revisions at least; it forgets in steps, so that forgetting costs next to nothing. */
const remembered = 1_000_000;
const step = 10_000;

// A deletion's last state: the columns that a device's row is read from, its inline profile at the end.
const lastState = `json_build_array(d.id, d.address, d.name, d.delivery, d.place, d.site, d.location, d.profile, d.inline, d.rest,
  d.status, d.seen_at, d.firmware, d.evidence, d.created_at, d.updated_at, d.revision,
  (SELECT i.json FROM inline_profile i WHERE i.key = d.inline))::text`;

const endDevices = `
  UPDATE fleet SET revision = newest,
    forgotten = CASE WHEN newest / ${step} > start / ${step} THEN greatest(forgotten, newest / ${step} * ${step} - ${remembered}) ELSE forgotten END
    WHERE key = f AND newest > start;
  IF newest / ${step} > start / ${step} AND newest > ${remembered} THEN
    DELETE FROM device_change c WHERE c.fleet = f AND c.revision <= newest / ${step} * ${step} - ${remembered};
  END IF;`;

export const functions: string = `
CREATE FUNCTION flashwave.remove_inline(inline int8) RETURNS void ${attributes} AS $body$
BEGIN
  DELETE FROM inline_profile i WHERE i.key = inline AND NOT EXISTS (SELECT 1 FROM device d WHERE d.inline = i.key);
END $body$;

CREATE FUNCTION flashwave.put_devices(f int4, given json, now int8)
RETURNS TABLE (outcome text, number int8) ${attributes} AS $body$
DECLARE
  start int8; newest int8; own int8; r record; old record;
BEGIN
  ${durable}
  SELECT fleet.revision INTO start FROM fleet WHERE fleet.key = f FOR UPDATE;
  newest := start;
  FOR r IN SELECT * FROM json_to_recordset(given) AS x (id text, address text, name text, delivery text, place text,
      site text, location text, profile text, inline text, digest text, rest text, tags text, if_revision int8) LOOP
    IF r.profile IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM profile p WHERE p.fleet = f AND p.id = r.profile AND p.parent IS NULL) THEN
      outcome := 'invalid_profile'; number := 0; RETURN NEXT; CONTINUE;
    END IF;
    SELECT d.revision, d.inline, d.tags INTO old FROM device d WHERE d.fleet = f AND d.id = r.id;
    IF r.if_revision <> coalesce(old.revision, 0) THEN
      outcome := 'conflict'; number := coalesce(old.revision, 0); RETURN NEXT; CONTINUE;
    END IF;
    own := NULL;
    IF r.inline IS NOT NULL THEN
      SELECT i.key INTO own FROM inline_profile i WHERE i.fleet = f AND i.digest = r.digest;
      IF own IS NULL THEN
        INSERT INTO inline_profile AS i (fleet, digest, json) VALUES (f, r.digest, r.inline) RETURNING i.key INTO own;
      END IF;
    END IF;
    newest := newest + 1;
    outcome := CASE WHEN old.revision IS NULL THEN 'created' ELSE 'updated' END;
    INSERT INTO device_change (fleet, revision, id, change)
      VALUES (f, newest, r.id, CASE WHEN old.revision IS NULL THEN 0 ELSE 1 END);
    IF old.revision IS NULL THEN
      INSERT INTO device (fleet, id, address, name, delivery, place, site, location, profile, inline, rest, tags, created_at,
          updated_at, revision)
        VALUES (f, r.id, r.address, r.name, r.delivery, r.place, r.site, r.location, r.profile, own, r.rest, r.tags, now,
          now, newest);
    ELSE
      UPDATE device d SET address = r.address, name = r.name, delivery = r.delivery, place = r.place, site = r.site,
          location = r.location, profile = r.profile, inline = own, rest = r.rest, tags = r.tags, updated_at = now,
          revision = newest
        WHERE d.fleet = f AND d.id = r.id;
    END IF;
    IF r.tags IS DISTINCT FROM old.tags THEN
      IF old.tags IS NOT NULL THEN DELETE FROM device_tag t WHERE t.fleet = f AND t.device = r.id; END IF;
      IF r.tags IS NOT NULL THEN
        INSERT INTO device_tag (fleet, tag, device) SELECT f, value, r.id FROM json_array_elements_text(r.tags::json);
      END IF;
    END IF;
    IF old.inline IS DISTINCT FROM own AND old.inline IS NOT NULL THEN PERFORM remove_inline(old.inline); END IF;
    number := newest;
    RETURN NEXT;
  END LOOP;
  ${endDevices}
END $body$;

CREATE FUNCTION flashwave.observe_device(f int4, id text, seen int8, status text, firmware text, key text, evidence text)
RETURNS bool ${attributes} AS $body$
BEGIN
  UPDATE device d SET
      status = CASE WHEN $4 IS NOT NULL AND seen >= d.status_at THEN $4 ELSE d.status END,
      status_at = CASE WHEN $4 IS NOT NULL THEN greatest(seen, d.status_at) ELSE d.status_at END,
      firmware = CASE WHEN $5 IS NOT NULL AND seen >= d.firmware_at THEN $5 ELSE d.firmware END,
      firmware_key = CASE WHEN $5 IS NOT NULL AND seen >= d.firmware_at THEN $6 ELSE d.firmware_key END,
      firmware_at = CASE WHEN $5 IS NOT NULL THEN greatest(seen, d.firmware_at) ELSE d.firmware_at END,
      evidence = CASE WHEN $7 IS NOT NULL AND seen >= d.evidence_at THEN nullif($7, 'null') ELSE d.evidence END,
      evidence_at = CASE WHEN $7 IS NOT NULL THEN greatest(seen, d.evidence_at) ELSE d.evidence_at END,
      seen_at = greatest(seen, d.seen_at)
    WHERE d.fleet = f AND d.id = $2;
  RETURN FOUND;
END $body$;

CREATE FUNCTION flashwave.observe_devices(f int4, given json) RETURNS TABLE (there bool) ${attributes} AS $body$
DECLARE r record;
BEGIN
  ${durable}
  FOR r IN SELECT * FROM json_to_recordset(given)
      AS x (id text, seen int8, status text, firmware text, key text, evidence text) LOOP
    there := observe_device(f, r.id, r.seen, r.status, r.firmware, r.key, r.evidence);
    RETURN NEXT;
  END LOOP;
END $body$;

-- 'seen' is the moment that a report shows its device at; null where it shows none.
CREATE FUNCTION flashwave.append_reports(f int4, given json) RETURNS TABLE (outcome text) ${attributes} AS $body$
DECLARE r record;
BEGIN
  ${durable}
  FOR r IN SELECT * FROM json_to_recordset(given) AS x (device text, id text, kind text, at int8, received_at int8, status text,
      firmware text, body text, seen int8, shown text, key text) LOOP
    IF EXISTS (SELECT 1 FROM report p WHERE p.fleet = f AND p.device = r.device AND p.id = r.id) THEN
      outcome := 'known';
    ELSIF NOT EXISTS (SELECT 1 FROM device d WHERE d.fleet = f AND d.id = r.device) THEN
      outcome := 'unknown_device';
    ELSE
      INSERT INTO report (fleet, device, id, kind, at, received_at, status, firmware, body)
        VALUES (f, r.device, r.id, r.kind, r.at, r.received_at, r.status, r.firmware, r.body)
        ON CONFLICT (fleet, device, id) DO NOTHING;
      outcome := CASE WHEN FOUND THEN 'appended' ELSE 'known' END;
      IF FOUND AND r.seen IS NOT NULL THEN
        PERFORM observe_device(f, r.device, r.seen, r.shown, r.firmware, r.key, NULL);
      END IF;
    END IF;
    RETURN NEXT;
  END LOOP;
END $body$;

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

CREATE FUNCTION flashwave.remove_devices(f int4, ids text[]) RETURNS TABLE (there bool) ${attributes} AS $body$
DECLARE
  start int8; newest int8; overrides int8; one text; gone record; below text[];
BEGIN
  ${durable}
  SELECT fleet.revision, fleet.device_overrides INTO start, overrides FROM fleet WHERE fleet.key = f FOR UPDATE;
  newest := start;
  FOREACH one IN ARRAY ids LOOP
    DELETE FROM device d WHERE d.fleet = f AND d.id = one RETURNING d.inline, ${lastState} AS state INTO gone;
    there := FOUND;
    IF there THEN
      newest := newest + 1;
      INSERT INTO device_change (fleet, revision, id, change, last) VALUES (f, newest, one, 2, gone.state);
      IF gone.inline IS NOT NULL THEN PERFORM remove_inline(gone.inline); END IF;
      IF overrides > 0 THEN
        SELECT coalesce(array_agg(p.id ORDER BY p.depth DESC, p.id), '{}') INTO below
          FROM profile p WHERE p.fleet = f AND p.owner = one AND p.owner <> '' AND p.scope = 2;
        newest := drop_profiles(f, below, newest);
      END IF;
    END IF;
    RETURN NEXT;
  END LOOP;
  ${endDevices}
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
