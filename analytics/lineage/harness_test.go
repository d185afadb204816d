package lineage_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/contractparse"
	"github.com/noised/noised/analytics/lineage"
	"github.com/noised/noised/analytics/release"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/controldb/controltest"
)

const (
	unit    = "privacy_unit: {column: person.id, scope: tenant}\ncontribution: {max_rows: 3}\ntables:\n"
	city    = "  city: {public: true, columns: {c: {type: integer, role: dimension}}}\n"
	country = "  country: {public: true, columns: {k: {type: integer, role: dimension}}}\n"
	person  = "  person: {columns: {id: {type: bigint, role: unit}, c: {type: integer, role: dimension}}}\n"
	visit   = "  visit: {unit: {via: \"who -> person.id\"}, columns: {who: {type: bigint, role: key}}}\n"
)

var admin = privacy.Principal{ID: "key_admin", Role: privacy.RoleOperator}

// store is a control store with a catalog, releases and lineage, and a clock that
// goes on by a millisecond with every look at it.
type store struct {
	*lineage.Store
	t        testing.TB
	db       *controldb.DB
	catalog  *catalog.Catalog
	releases *release.Store
	at       time.Time
}

func open(t testing.TB) *store {
	t.Helper()
	db := controltest.Open(t, filepath.Join(t.TempDir(), "control.db"))
	s := &store{t: t, db: db, Store: lineage.New(db), releases: release.New(db), at: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	s.catalog = catalog.New(db, s.now)
	return s
}

func (s *store) now() time.Time {
	s.at = s.at.Add(time.Millisecond)
	return s.at
}

func (s *store) ok(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *store) tx(fn func(ctx context.Context, tx *sql.Tx) error) {
	s.t.Helper()
	s.ok(s.db.InTx(s.t.Context(), fn))
}

func (s *store) tenant(name string) {
	s.t.Helper()
	_, err := s.catalog.CreateTenant(s.t.Context(), name, "", admin)
	s.ok(err)
}

// apply adds a version of a contract with the given tables, which members accept.
func (s *store) apply(dataset string, version int, tables []string, members ...string) {
	s.t.Helper()
	doc := fmt.Sprintf("dataset: %s\nversion: %d\n%s%s", dataset, version, unit, strings.Join(tables, ""))
	c, err := contractparse.Parse([]byte(doc))
	s.ok(err)
	s.ok(s.catalog.PutDataset(s.t.Context(), c, []byte(doc), admin))
	for _, m := range members {
		s.ok(s.catalog.Accept(s.t.Context(), dataset, m, version, admin))
	}
}

// load publishes a load as jobs do: kept are the segments of the generation that
// it goes on from, base, and merged says that the table's rows are written anew.
func (s *store) load(dataset, tenant, table string, version int, write string, base catalog.Generation, kept []catalog.Segment) string {
	s.t.Helper()
	id, gen := privacy.NewID("load"), privacy.NewID("gen")
	s.tx(func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO loads (id, tenant, tenant_since, dataset, table_name, load_id, write_mode, format, encoding, max_bad, dry_run,
			sha256, bytes, state, rows_read, rows_loaded, generation, created_by, created_at, finished_at)
			VALUES (?, ?, coalesce((SELECT created_at FROM tenants WHERE name = ?), 0), ?, ?, ?, ?, 'csv', '', 0, 0, 'abc', 77, 'succeeded', 9, 8, ?, 'key_'||?, ?, ?)`,
			id, tenant, tenant, dataset, table, id, write, gen, tenant, s.now().UnixMicro(), s.now().UnixMicro())
		if err != nil {
			return err
		}
		return s.catalog.Publish(ctx, tx, catalog.Generation{
			ID: gen, Dataset: dataset, Tenant: tenant, Version: version, FormatVersion: 1, Load: id, At: s.now(),
			Segments: append(kept, catalog.Segment{ID: privacy.NewID("seg"), Table: table, Path: gen, Rows: 7, Bytes: 1, SHA256: "abc", Ranks: [][]string{}}),
		}, base.ID)
	})
	return id
}

// release stores a release that read the generations that are current now.
func (s *store) release(dataset string, version int, tables, tenants []string) string {
	s.t.Helper()
	c, err := s.catalog.Contract(s.t.Context(), dataset, version)
	s.ok(err)
	now, err := s.catalog.CurrentUnder(s.t.Context(), c, tenants)
	s.ok(err)
	reads := lineage.Reads{Tables: tables, Generations: map[string]string{}}
	for _, t := range tenants {
		reads.Generations[t] = now[t].ID
	}
	id := privacy.NewID("rel")
	s.tx(func(ctx context.Context, tx *sql.Tx) error {
		core := release.Core{Key: id, Charge: id, Noised: []byte("core"), Release: release.Release{
			ID: id, Dataset: dataset, ContractVersion: version, Epsilon: 1, Delta: 1e-9, CreatedAt: s.now(),
		}}
		if err := s.releases.Put(ctx, tx, core); err != nil {
			return err
		}
		if _, err := s.releases.Serve(ctx, tx, release.View{Release: id, Principal: "key_reader", SQL: "SELECT 1", Result: []byte("r")}); err != nil {
			return err
		}
		return lineage.Note(ctx, tx, id, reads)
	})
	return id
}
