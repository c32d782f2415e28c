import type { Schema } from "../../store/sqlite/index.ts";

// Keys are text in SQLite's BINARY collation: the order of UTF-8 bytes, which is that of code points. Revisions are of
// one sequence, given out under the write lock: their order is the order of commits, so no reader passes one by.
//
//   fleet ────────── one row: whose file this is, the sequence, and all counters
//   device ───────── tag by tag in device_tag; an inline profile once for all devices that have it
//   device_change ── the feed, the last million revisions of it; a deletion keeps the row's last state
//   profile ──────── rows as they are, bases and overrides; `root` is the base, `owner` the group or device
//   profile_version─ every version there ever was, deletions too: the feed, and resolution as of a revision
//   artifact ─────── references and block digests; the bytes are files beside the database
//   report ───────── what devices reported, by receipt, until it is cut off; of no device's row, which may go before it
const first = `
CREATE TABLE fleet (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  store TEXT NOT NULL,
  versions TEXT,
  revision INTEGER NOT NULL,
  profile_revision INTEGER NOT NULL,
  forgotten INTEGER NOT NULL,
  profiles INTEGER NOT NULL CHECK (profiles >= 0),
  fleet_overrides INTEGER NOT NULL CHECK (fleet_overrides >= 0),
  group_overrides INTEGER NOT NULL CHECK (group_overrides >= 0),
  device_overrides INTEGER NOT NULL CHECK (device_overrides >= 0),
  items INTEGER NOT NULL CHECK (items >= 0)
) STRICT;
INSERT INTO fleet VALUES (1, lower(hex(randomblob(16))), NULL, 0, 0, 0, 0, 0, 0, 0, 0);

CREATE TABLE profile (
  key INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  parent TEXT REFERENCES profile (id),
  root TEXT NOT NULL,
  depth INTEGER NOT NULL,
  scope INTEGER NOT NULL CHECK (scope BETWEEN 0 AND 2),
  owner TEXT NOT NULL,
  name TEXT NOT NULL,
  description TEXT,
  delivery TEXT,
  requests TEXT NOT NULL,
  items TEXT NOT NULL,
  options TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  CHECK ((parent IS NULL) = (depth = 0)),
  CHECK ((owner = '') = (scope = 0))
) STRICT;
CREATE INDEX profile_base ON profile (id) WHERE parent IS NULL;
CREATE INDEX profile_override ON profile (id) WHERE parent IS NOT NULL;
CREATE INDEX profile_parent ON profile (parent, id) WHERE parent IS NOT NULL;
CREATE INDEX profile_place ON profile (root, scope, owner);
CREATE INDEX profile_owner ON profile (owner, scope, id) WHERE owner <> '';
CREATE INDEX profile_scope ON profile (scope, id);
CREATE INDEX profile_delivery ON profile (delivery, id) WHERE delivery IS NOT NULL;

CREATE TABLE profile_version (
  revision INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  change INTEGER NOT NULL CHECK (change BETWEEN 0 AND 2),
  parent TEXT,
  root TEXT NOT NULL,
  scope INTEGER NOT NULL,
  owner TEXT NOT NULL,
  name TEXT,
  description TEXT,
  delivery TEXT,
  requests TEXT,
  items TEXT,
  options TEXT,
  created_at INTEGER,
  updated_at INTEGER
) STRICT;
CREATE INDEX profile_version_id ON profile_version (id, revision);
CREATE INDEX profile_version_parent ON profile_version (parent, revision) WHERE parent IS NOT NULL;
CREATE INDEX profile_version_place ON profile_version (root, scope, owner, revision);

CREATE TABLE inline_profile (
  key INTEGER PRIMARY KEY AUTOINCREMENT,
  json TEXT NOT NULL,
  digest BLOB NOT NULL UNIQUE
) STRICT;

CREATE TABLE device (
  key INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  address TEXT NOT NULL,
  name TEXT,
  delivery TEXT,
  place TEXT,
  site TEXT,
  location TEXT,
  profile TEXT REFERENCES profile (id),
  inline INTEGER REFERENCES inline_profile (key),
  rest TEXT,
  status TEXT NOT NULL DEFAULT 'unknown',
  status_at INTEGER NOT NULL DEFAULT -1,
  seen_at INTEGER,
  firmware TEXT,
  firmware_key TEXT,
  firmware_at INTEGER NOT NULL DEFAULT -1,
  evidence TEXT,
  evidence_at INTEGER NOT NULL DEFAULT -1,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  revision INTEGER NOT NULL
) STRICT;
CREATE INDEX device_group ON device (place, id) WHERE place IS NOT NULL;
CREATE INDEX device_site ON device (site, id) WHERE site IS NOT NULL;
CREATE INDEX device_location ON device (location, id) WHERE location IS NOT NULL;
CREATE INDEX device_delivery ON device (delivery, id) WHERE delivery IS NOT NULL;
CREATE INDEX device_profile ON device (profile, id) WHERE profile IS NOT NULL;
CREATE INDEX device_inline ON device (inline) WHERE inline IS NOT NULL;
CREATE INDEX device_status ON device (status, id);
CREATE INDEX device_firmware ON device (firmware_key, id) WHERE firmware_key IS NOT NULL;
CREATE INDEX device_seen ON device (seen_at, id) WHERE seen_at IS NOT NULL;

CREATE TABLE device_tag (
  tag TEXT NOT NULL,
  device TEXT NOT NULL REFERENCES device (id) ON DELETE CASCADE,
  PRIMARY KEY (tag, device)
) STRICT, WITHOUT ROWID;
CREATE INDEX device_tag_device ON device_tag (device);

CREATE TABLE device_change (
  revision INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  change INTEGER NOT NULL CHECK (change BETWEEN 0 AND 2),
  last TEXT,
  CHECK ((last IS NULL) = (change <> 2))
) STRICT;
CREATE INDEX device_change_deleted ON device_change (id, revision) WHERE change = 2;

CREATE TABLE artifact (
  digest TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  version TEXT NOT NULL,
  length INTEGER NOT NULL,
  hardware TEXT,
  file TEXT NOT NULL,
  blocks BLOB NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
`;

// Reports are written far more often than read; each index is a path that a page takes. SQLite ends every index with the
// row's key, which puts those of one moment in order.
const second = `
CREATE TABLE report (
  key INTEGER PRIMARY KEY AUTOINCREMENT,
  device TEXT NOT NULL,
  id TEXT NOT NULL,
  kind TEXT NOT NULL,
  at INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  status TEXT,
  firmware TEXT,
  body TEXT,
  UNIQUE (device, id)
) STRICT;
CREATE INDEX report_received ON report (received_at);
CREATE INDEX report_device ON report (device, received_at);
CREATE INDEX report_kind ON report (kind, received_at);
CREATE INDEX report_device_kind ON report (device, kind, received_at);
`;

// A base profile is found by its id, and may have been edited any number of times: its versions stand in nobody's way.
const third = `
DROP INDEX profile_version_place;
CREATE INDEX profile_version_place ON profile_version (root, scope, owner, revision) WHERE parent IS NOT NULL;
`;

export const schema: Schema = Object.freeze({
  applicationId: 0x464c_5348, // "FLSH"
  migrations: Object.freeze([first, second, third]),
});
