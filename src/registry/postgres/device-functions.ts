import { attributes, durable, inner, lockDevices } from "./function-parts.ts";

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

export const deviceFunctions: string = `
CREATE OR REPLACE FUNCTION flashwave.remove_inline(inline int8) RETURNS void ${inner} AS $body$
BEGIN
  DELETE FROM inline_profile i WHERE i.key = inline AND NOT EXISTS (SELECT 1 FROM device d WHERE d.inline = i.key);
END $body$;

CREATE OR REPLACE FUNCTION flashwave.put_devices(f int4, given json, now int8)
RETURNS TABLE (outcome text, number int8) ${attributes} AS $body$
DECLARE
  start int8; newest int8; own int8; r record; old record; known text;
BEGIN
  ${durable}
  SELECT fleet.revision INTO start FROM fleet WHERE fleet.key = f FOR NO KEY UPDATE;
  newest := start;
  IF json_array_length(given) > 1 THEN
    ${lockDevices("ARRAY(SELECT x.id FROM json_to_recordset(given) AS x (id text))")}
  END IF;
  FOR r IN SELECT * FROM json_to_recordset(given) AS x (id text, address text, name text, delivery text, place text,
      site text, location text, profile text, inline text, digest text, rest text, tags text, if_revision int8) LOOP
    IF r.profile IS NOT NULL AND r.profile IS DISTINCT FROM known THEN
      IF NOT EXISTS (SELECT 1 FROM profile p WHERE p.fleet = f AND p.id = r.profile AND p.parent IS NULL) THEN
        outcome := 'invalid_profile'; number := 0; RETURN NEXT; CONTINUE;
      END IF;
      known := r.profile;
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

CREATE OR REPLACE FUNCTION flashwave.observe_device(f int4, id text, seen int8, status text, firmware text, key text, evidence text)
RETURNS bool ${inner} AS $body$
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

CREATE OR REPLACE FUNCTION flashwave.observe_devices(f int4, given json) RETURNS TABLE (there bool) ${attributes} AS $body$
DECLARE r record; found_in_turn bool[] := array_fill(false, ARRAY[json_array_length(given)]);
BEGIN
  ${durable}
  FOR r IN SELECT * FROM ROWS FROM (json_to_recordset(given)
      AS (id text, seen int8, status text, firmware text, key text, evidence text)) WITH ORDINALITY
      AS x (id, seen, status, firmware, key, evidence, n) ORDER BY x.id COLLATE "C", x.n LOOP
    found_in_turn[r.n] := observe_device(f, r.id, r.seen, r.status, r.firmware, r.key, r.evidence);
  END LOOP;
  RETURN QUERY SELECT unnest(found_in_turn);
END $body$;

CREATE OR REPLACE FUNCTION flashwave.remove_devices(f int4, ids text[]) RETURNS TABLE (there bool) ${attributes} AS $body$
DECLARE
  start int8; newest int8; overrides int8; one text; gone record; below text[]; tally int8[] := '{0,0,0,0,0}';
  profiles_at int8;
BEGIN
  ${durable}
  SELECT fleet.revision, fleet.device_overrides INTO start, overrides FROM fleet WHERE fleet.key = f FOR NO KEY UPDATE;
  newest := start;
  ${lockDevices("ids")}
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
        IF cardinality(below) > 0 THEN
          SELECT * INTO newest, tally FROM drop_profiles(f, below, newest, tally);
          profiles_at := newest;
        END IF;
      END IF;
    END IF;
    RETURN NEXT;
  END LOOP;
  PERFORM end_profiles(f, profiles_at, tally);
  ${endDevices}
END $body$;
`;
