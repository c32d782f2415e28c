import type { Schema } from "../../store/postgres/index.ts";
import { deviceFunctions } from "./device-functions.ts";
import { profileFunctions } from "./profile-functions.ts";
import { reportFunctions } from "./report-functions.ts";

// Keys are text in the collation "C": the order of UTF-8 bytes, which is that of code points. Revisions are of one sequence
// per fleet, given out under the lock of the fleet's row: their order is the order of commits, so no reader passes one by.
//
//   fleet ────────── one row each: its name, the sequence, and all counters
//   device ───────── tag by tag in device_tag; an inline profile once for all devices that have it
//   device_change ── the feed, the last million revisions of it; a deletion keeps the row's last state
//   profile ──────── rows as they are, bases and overrides; `root` is the base, `owner` the group or device
//   profile_version─ every version there ever was, deletions too: the feed, and resolution as of a revision
//   artifact ─────── references and block digests; the bytes are files
//   report ───────── what devices reported, by receipt, until it is cut off; of no device's row, which may go before it
//
// JSON is kept as the text it was given: its order of members stays, and nothing in SQL asks for what is within.
const tables = `
CREATE TABLE flashwave.fleet (
  key int4 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text COLLATE "C" NOT NULL UNIQUE,
  store text NOT NULL,
  versions text NOT NULL,
  revision int8 NOT NULL DEFAULT 0,
  profile_revision int8 NOT NULL DEFAULT 0,
  forgotten int8 NOT NULL DEFAULT 0,
  profiles int8 NOT NULL DEFAULT 0 CHECK (profiles >= 0),
  fleet_overrides int8 NOT NULL DEFAULT 0 CHECK (fleet_overrides >= 0),
  group_overrides int8 NOT NULL DEFAULT 0 CHECK (group_overrides >= 0),
  device_overrides int8 NOT NULL DEFAULT 0 CHECK (device_overrides >= 0),
  items int8 NOT NULL DEFAULT 0 CHECK (items >= 0)
) WITH (fillfactor = 10);

CREATE TABLE flashwave.profile (
  fleet int4 NOT NULL REFERENCES flashwave.fleet,
  id text COLLATE "C" NOT NULL,
  parent text COLLATE "C",
  root text COLLATE "C" NOT NULL,
  depth int4 NOT NULL,
  scope int4 NOT NULL CHECK (scope BETWEEN 0 AND 2),
  owner text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  description text,
  delivery text COLLATE "C",
  requests text NOT NULL,
  items text NOT NULL,
  item_count int4 NOT NULL,
  options text NOT NULL,
  created_at int8 NOT NULL,
  updated_at int8 NOT NULL,
  revision int8 NOT NULL,
  PRIMARY KEY (fleet, id),
  FOREIGN KEY (fleet, parent) REFERENCES flashwave.profile (fleet, id),
  CHECK ((parent IS NULL) = (depth = 0)),
  CHECK ((owner = '') = (scope = 0))
);
CREATE INDEX profile_base ON flashwave.profile (fleet, id) WHERE parent IS NULL;
CREATE INDEX profile_override ON flashwave.profile (fleet, id) WHERE parent IS NOT NULL;
CREATE INDEX profile_parent ON flashwave.profile (fleet, parent, id) WHERE parent IS NOT NULL;
CREATE INDEX profile_place ON flashwave.profile (fleet, root, scope, owner);
CREATE INDEX profile_owner ON flashwave.profile (fleet, owner, scope, id) WHERE owner <> '';
CREATE INDEX profile_scope ON flashwave.profile (fleet, scope, id);
CREATE INDEX profile_delivery ON flashwave.profile (fleet, delivery, id) WHERE delivery IS NOT NULL;

CREATE TABLE flashwave.profile_version (
  fleet int4 NOT NULL REFERENCES flashwave.fleet,
  revision int8 NOT NULL,
  id text COLLATE "C" NOT NULL,
  change int4 NOT NULL CHECK (change BETWEEN 0 AND 2),
  parent text COLLATE "C",
  root text COLLATE "C" NOT NULL,
  scope int4 NOT NULL,
  owner text COLLATE "C" NOT NULL,
  name text,
  description text,
  delivery text,
  requests text,
  items text,
  options text,
  created_at int8,
  updated_at int8,
  PRIMARY KEY (fleet, revision)
);
CREATE INDEX profile_version_id ON flashwave.profile_version (fleet, id, revision);
CREATE INDEX profile_version_parent ON flashwave.profile_version (fleet, parent, revision) WHERE parent IS NOT NULL;
CREATE INDEX profile_version_place ON flashwave.profile_version (fleet, root, scope, owner, revision);

CREATE TABLE flashwave.inline_profile (
  key int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  fleet int4 NOT NULL REFERENCES flashwave.fleet,
  digest text COLLATE "C" NOT NULL,
  json text NOT NULL,
  UNIQUE (fleet, digest)
);

CREATE TABLE flashwave.device (
  fleet int4 NOT NULL REFERENCES flashwave.fleet,
  id text COLLATE "C" NOT NULL,
  address text NOT NULL,
  name text COLLATE "C",
  delivery text COLLATE "C",
  place text COLLATE "C",
  site text COLLATE "C",
  location text COLLATE "C",
  profile text COLLATE "C",
  inline int8 REFERENCES flashwave.inline_profile,
  rest text,
  tags text,
  status text COLLATE "C" NOT NULL DEFAULT 'unknown',
  status_at int8 NOT NULL DEFAULT -1,
  seen_at int8,
  firmware text,
  firmware_key text COLLATE "C",
  firmware_at int8 NOT NULL DEFAULT -1,
  evidence text,
  evidence_at int8 NOT NULL DEFAULT -1,
  created_at int8 NOT NULL,
  updated_at int8 NOT NULL,
  revision int8 NOT NULL,
  PRIMARY KEY (fleet, id),
  FOREIGN KEY (fleet, profile) REFERENCES flashwave.profile (fleet, id)
) WITH (fillfactor = 70);
CREATE INDEX device_group ON flashwave.device (fleet, place, id) WHERE place IS NOT NULL;
CREATE INDEX device_site ON flashwave.device (fleet, site, id) WHERE site IS NOT NULL;
CREATE INDEX device_location ON flashwave.device (fleet, location, id) WHERE location IS NOT NULL;
CREATE INDEX device_delivery ON flashwave.device (fleet, delivery, id) WHERE delivery IS NOT NULL;
CREATE INDEX device_profile ON flashwave.device (fleet, profile, id) WHERE profile IS NOT NULL;
CREATE INDEX device_inline ON flashwave.device (inline) WHERE inline IS NOT NULL;
CREATE INDEX device_status ON flashwave.device (fleet, status, id);
CREATE INDEX device_firmware ON flashwave.device (fleet, firmware_key, id) WHERE firmware_key IS NOT NULL;
CREATE INDEX device_seen ON flashwave.device (fleet, seen_at, id) WHERE seen_at IS NOT NULL;

CREATE TABLE flashwave.device_tag (
  fleet int4 NOT NULL,
  tag text COLLATE "C" NOT NULL,
  device text COLLATE "C" NOT NULL,
  PRIMARY KEY (fleet, tag, device),
  FOREIGN KEY (fleet, device) REFERENCES flashwave.device (fleet, id) ON DELETE CASCADE
);
CREATE INDEX device_tag_device ON flashwave.device_tag (fleet, device);

CREATE TABLE flashwave.device_change (
  fleet int4 NOT NULL REFERENCES flashwave.fleet,
  revision int8 NOT NULL,
  id text COLLATE "C" NOT NULL,
  change int4 NOT NULL CHECK (change BETWEEN 0 AND 2),
  last text,
  PRIMARY KEY (fleet, revision),
  CHECK ((last IS NULL) = (change <> 2))
);
CREATE INDEX device_change_deleted ON flashwave.device_change (fleet, id, revision) WHERE change = 2;

CREATE TABLE flashwave.artifact (
  fleet int4 NOT NULL REFERENCES flashwave.fleet,
  digest text COLLATE "C" NOT NULL,
  name text NOT NULL,
  version text NOT NULL,
  length int8 NOT NULL,
  hardware text,
  file text NOT NULL,
  blocks bytea NOT NULL,
  created_at int8 NOT NULL,
  PRIMARY KEY (fleet, digest)
);

CREATE TABLE flashwave.report (
  key int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  fleet int4 NOT NULL REFERENCES flashwave.fleet,
  device text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL,
  at int8 NOT NULL,
  received_at int8 NOT NULL,
  status text,
  firmware text,
  body text,
  UNIQUE (fleet, device, id)
);
CREATE INDEX report_received ON flashwave.report (fleet, received_at, key);
CREATE INDEX report_device ON flashwave.report (fleet, device, received_at, key);
CREATE INDEX report_kind ON flashwave.report (fleet, kind, received_at, key);
CREATE INDEX report_device_kind ON flashwave.report (fleet, device, kind, received_at, key);
`;

// Made with a database's first version once, and differently: those are replaced.
const functions = `
DROP FUNCTION IF EXISTS flashwave.count_profile;
DROP FUNCTION IF EXISTS flashwave.drop_profiles;
${deviceFunctions}${profileFunctions}${reportFunctions}`;

export const schema: Schema = Object.freeze({
  name: "flashwave",
  migrations: Object.freeze([tables, functions]),
});
