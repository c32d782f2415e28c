import { attributes, durable, lockDevices } from "./function-parts.ts";

export const reportFunctions: string = `
-- 'seen' is the moment that a report shows its device at; null where it shows none.
CREATE OR REPLACE FUNCTION flashwave.append_reports(f int4, given json) RETURNS TABLE (outcome text) ${attributes} AS $body$
DECLARE r record;
BEGIN
  ${durable}
  ${lockDevices("ARRAY(SELECT x.device FROM json_to_recordset(given) AS x (device text))")}
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
`;
