// The Go + SQLite peer: a registry of profiles as one would write it with database/sql. Well indexed, one statement per
// question, and each statement prepared when it is asked, as the reference system does. Built together with the other Go
// peer's measure.go.
package main

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	_ "github.com/mattn/go-sqlite3"
)

const schema = `
CREATE TABLE profile (
  id TEXT PRIMARY KEY, parent TEXT, name TEXT, description TEXT, delivery TEXT, scope INTEGER NOT NULL,
  send_method TEXT, send_path TEXT, inspect_path TEXT, inspect_pointer TEXT, health_path TEXT, options TEXT,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, revision INTEGER NOT NULL);
CREATE INDEX profile_base ON profile (id) WHERE parent IS NULL;
CREATE INDEX profile_parent ON profile (parent, revision);
CREATE INDEX profile_revision ON profile (revision);
CREATE TABLE version AS SELECT * FROM profile;
CREATE INDEX version_parent ON version (parent, revision);
CREATE INDEX version_id ON version (id, revision);
CREATE TABLE header (profile TEXT NOT NULL, ord INTEGER NOT NULL, name TEXT NOT NULL, value TEXT, enabled INTEGER,
  PRIMARY KEY (profile, ord)) WITHOUT ROWID;
`

const columns = `id, parent, name, description, delivery, scope, send_method, send_path, inspect_path, inspect_pointer,
  health_path, options, created_at, updated_at, revision`

type profile struct {
	id, name                                                                       string
	parent, description, delivery, method, path, inspect, pointer, health, options sql.NullString
	scope                                                                          int
	created, updated, revision                                                     int64
}

func (p *profile) fields() []interface{} {
	return []interface{}{&p.id, &p.parent, &p.name, &p.description, &p.delivery, &p.scope, &p.method, &p.path, &p.inspect,
		&p.pointer, &p.health, &p.options, &p.created, &p.updated, &p.revision}
}

type header struct {
	profile, name string
	ord           int
	value         sql.NullString
	enabled       sql.NullBool
}

func id(n int) string { return fmt.Sprintf("p%05d", n) }

// store is one database, filled with the work that bench/peers/store/work.ts describes.
type store struct {
	db        *sql.DB
	bases     int
	revision  int64
	afterFill int64
	windows   []int64
	edits     []int64
}

const (
	families = 100
	children = 10
	window   = 60
)

func open(path string) *sql.DB {
	db, err := sql.Open("sqlite3", "file:"+path+"?_journal_mode=WAL&_synchronous=FULL&_busy_timeout=5000&_cache_size=-8192")
	fail(err)
	return db
}

func create(path string, bases int) *store {
	s := &store{db: open(path), bases: bases}
	_, err := s.db.Exec(schema)
	fail(err)
	s.transaction(func(tx *sql.Tx) {
		for n := 0; n < bases; n++ {
			s.put(tx, id(n), nil, n, fmt.Sprintf("/update/%d", n))
		}
		for f := 0; f < families; f++ {
			for c := 0; c < children; c++ {
				s.put(tx, fmt.Sprintf("%s-s%d", id(f), c), id(f), f, fmt.Sprintf("/old/%d", c))
				s.put(tx, chained(f, c), chained(f, c-1), f, fmt.Sprintf("/old/%d", c))
			}
		}
		s.afterFill = s.revision
		for f := 0; f < families; f++ {
			s.edits = append(s.edits, s.revision)
			for c := 0; c < children; c++ {
				s.put(tx, fmt.Sprintf("%s-s%d", id(f), c), id(f), f, fmt.Sprintf("/new/%d", c))
			}
			for c := 0; c < children; c++ {
				s.put(tx, chained(f, c), chained(f, c-1), f, fmt.Sprintf("/new/%d", c))
			}
		}
		for at := 0; at+window <= bases; at += window {
			s.windows = append(s.windows, s.revision)
			for n := at; n < at+window; n++ {
				s.put(tx, id(n), nil, n, fmt.Sprintf("/update/%d", n))
			}
		}
	})
	return s
}

// chained names the nth override of a chain below a base of its own; the one before the first is the base.
func chained(family, n int) string {
	if n < 0 {
		return id(families + family)
	}
	return fmt.Sprintf("%s-c%d", id(families+family), n)
}

func (s *store) transaction(work func(tx *sql.Tx)) {
	tx, err := s.db.Begin()
	fail(err)
	work(tx)
	fail(tx.Commit())
}

func (s *store) put(tx *sql.Tx, id string, parent interface{}, n int, path string) {
	s.revision++
	values := []interface{}{id, parent, fmt.Sprintf("Profile %d", n), fmt.Sprintf("How terminals of model %d are spoken to", n),
		"http", 0, "POST", path, "/version", "/version", "/health", "{}", s.revision, s.revision, s.revision}
	marks := strings.Repeat("?,", len(values)-1) + "?"
	for _, table := range []string{"profile", "version"} {
		_, err := tx.Exec("INSERT OR REPLACE INTO "+table+" ("+columns+") VALUES ("+marks+")", values...)
		fail(err)
	}
	for ord := 0; ord < 5; ord++ {
		_, err := tx.Exec("INSERT OR REPLACE INTO header VALUES (?, ?, ?, ?, 1)", id, ord, fmt.Sprintf("x-header-%d", ord),
			fmt.Sprintf("value %d of %d", ord, n))
		fail(err)
	}
}

// query prepares, asks and closes: what the reference system does each time.
func (s *store) query(text string, arguments []interface{}, row func(*sql.Rows)) int {
	statement, err := s.db.Prepare(text)
	fail(err)
	defer statement.Close()
	rows, err := statement.Query(arguments...)
	fail(err)
	defer rows.Close()
	count := 0
	for ; rows.Next(); count++ {
		row(rows)
	}
	fail(rows.Err())
	return count
}

func (s *store) profiles(text string, arguments ...interface{}) []profile {
	var found []profile
	s.query(text, arguments, func(rows *sql.Rows) {
		var p profile
		fail(rows.Scan(p.fields()...))
		found = append(found, p)
	})
	return found
}

func expect(found, wanted int) {
	if found != wanted {
		fail(fmt.Errorf("%d rows instead of %d", found, wanted))
	}
}

func (s *store) page(index int) {
	after := ""
	if at := index % (s.bases / 50) * 50; at > 0 {
		after = id(at - 1)
	}
	expect(len(s.profiles("SELECT "+columns+" FROM profile WHERE parent IS NULL AND id > ? ORDER BY id LIMIT 50", after)), 50)
}

func (s *store) changes(index int) {
	after := s.windows[index%len(s.windows)]
	expect(len(s.profiles("SELECT "+columns+" FROM profile WHERE revision > ? ORDER BY revision LIMIT 60", after)), window)
}

func (s *store) headers(index int) {
	start := index % (s.bases / 100) * 100
	ids := make([]interface{}, 100)
	for i := range ids {
		ids[i] = id(start + i)
	}
	byProfile := map[string][]header{}
	text := "SELECT profile, ord, name, value, enabled FROM header WHERE profile IN (" + strings.Repeat("?,", 99) + "?) ORDER BY profile, ord"
	expect(s.query(text, ids, func(rows *sql.Rows) {
		var h header
		fail(rows.Scan(&h.profile, &h.ord, &h.name, &h.value, &h.enabled))
		byProfile[h.profile] = append(byProfile[h.profile], h)
	}), 500)
}

func (s *store) metrics(int) {
	text := "SELECT count(*), count(delivery), count(description), sum(scope = 0), max(revision), max(updated_at) FROM profile WHERE parent IS NULL"
	s.query(text, nil, func(rows *sql.Rows) {
		var all, delivered, described, fleet, revision, updated int
		fail(rows.Scan(&all, &delivered, &described, &fleet, &revision, &updated))
		expect(all, s.bases)
	})
}

const tree = `WITH RECURSIVE tree (id, depth) AS (
    SELECT ?, 0 UNION ALL SELECT p.id, tree.depth + 1 FROM tree CROSS JOIN profile p ON p.parent = tree.id)
  SELECT p.id, p.parent, p.name, p.description, p.delivery, p.scope, p.send_method, p.send_path, p.inspect_path,
    p.inspect_pointer, p.health_path, p.options, p.created_at, p.updated_at, p.revision
  FROM tree CROSS JOIN profile p ON p.id = tree.id ORDER BY tree.depth, p.revision, p.id`

const pastTree = `WITH RECURSIVE tree (id, depth) AS (
    SELECT ?1, 0 UNION SELECT v.id, tree.depth + 1 FROM tree CROSS JOIN version v ON v.parent = tree.id AND v.revision <= ?2)
  SELECT v.id, v.parent, v.name, v.description, v.delivery, v.scope, v.send_method, v.send_path, v.inspect_path,
    v.inspect_pointer, v.health_path, v.options, v.created_at, v.updated_at, v.revision
  FROM tree CROSS JOIN version v ON v.id = tree.id AND v.revision <= ?2
  WHERE NOT EXISTS (SELECT 1 FROM version l WHERE l.id = v.id AND l.revision > v.revision AND l.revision <= ?2)
  ORDER BY tree.depth, v.revision, v.id`

// resolve lays the overrides over the base, null fields inherit.
func resolve(layers []profile, path string) {
	expect(len(layers), children+1)
	result := layers[0]
	over := func(field *sql.NullString, by sql.NullString) {
		if by.Valid {
			*field = by
		}
	}
	for _, layer := range layers[1:] {
		over(&result.method, layer.method)
		over(&result.path, layer.path)
		over(&result.inspect, layer.inspect)
		over(&result.pointer, layer.pointer)
		over(&result.health, layer.health)
		over(&result.options, layer.options)
	}
	if result.path.String != path {
		fail(fmt.Errorf("resolved to %s", result.path.String))
	}
}

func (s *store) siblings(index int) { resolve(s.profiles(tree, id(index%families)), "/new/9") }
func (s *store) chain(index int)    { resolve(s.profiles(tree, id(families+index%families)), "/new/9") }
func (s *store) past(index int) {
	resolve(s.profiles(pastTree, id(index%families), s.afterFill), "/old/9")
}

func (s *store) overridesNone(index int) {
	text := "SELECT " + columns + " FROM profile WHERE parent = ? AND revision > ? ORDER BY revision LIMIT 100"
	expect(len(s.profiles(text, id(index%families), s.revision)), 0)
}

func (s *store) overridesTen(index int) {
	text := "SELECT " + columns + " FROM profile WHERE parent = ? AND revision > ? ORDER BY revision LIMIT 10"
	expect(len(s.profiles(text, id(index%families), s.edits[index%families])), children)
}

// beside writes to the readers' file until they are done: a commit, then a millisecond of nothing.
func (s *store) beside(read func()) {
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for n := 0; ; n++ {
			select {
			case <-done:
				return
			case <-time.After(time.Millisecond):
				s.transaction(func(tx *sql.Tx) { s.put(tx, fmt.Sprintf("beside-%d", n%10), id(0), 0, "/beside") })
			}
		}
	}()
	read()
	close(done)
	<-stopped
}

func main() {
	o := readOrder()
	bases := o.Parameters.Profiles
	if bases == 0 {
		bases = 1000
	}
	folder, err := os.MkdirTemp("", "flashwave-go-")
	fail(err)
	defer os.RemoveAll(folder)
	stores := []*store{}
	for i := 0; i < o.Parameters.InFlight; i++ {
		if i == 0 || o.Parameters.Variant == "private" {
			stores = append(stores, create(filepath.Join(folder, fmt.Sprintf("%d.db", i)), bases))
		}
	}
	operations := map[string]func(*store, int){
		"page": (*store).page, "changes": (*store).changes, "headers": (*store).headers, "metrics": (*store).metrics,
		"resolve-siblings": (*store).siblings, "resolve-chain": (*store).chain, "resolve-past": (*store).past,
		"overrides-none": (*store).overridesNone, "overrides-ten": (*store).overridesTen,
	}
	operation := operations[o.Parameters.Operation]
	serve(o, func(ops int) {
		read := func() {
			inFlight(o, ops, func(worker, index int) { operation(stores[worker%len(stores)], index) })
		}
		if o.Parameters.Variant == "written" {
			stores[0].beside(read)
		} else {
			read()
		}
	})
}
