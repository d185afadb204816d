package catalog

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/analytics/residency"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/translog"
)

func serving(t *testing.T, regions ...string) residency.Regions {
	t.Helper()
	r, err := residency.Of(regions)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// loaded has the tenants a, which has loaded, and c, which has not.
func loaded(t *testing.T) *fixture {
	f := open(t)
	f.tenants("a", "c")
	f.put(1, "")
	f.accept(1, "a", "c")
	f.ok(f.publish(generation("gen_1", "a", 1), ""))
	return f
}

// TestRegion: a tenant moves freely while it has no rows, and stays from the first
// file on, those that only wait for their removal included.
func TestRegion(t *testing.T) {
	f, ctx := loaded(t), t.Context() // a has; c has not
	all := residency.Regions{}
	f.ok(f.SetRegion(ctx, "c", "EU", admin, all))
	f.ok(f.SetRegion(ctx, "c", "eu", admin, all)) // the same: nothing happens
	f.ok(f.SetRegion(ctx, "c", "ch", admin, serving(t, "us")))
	f.ok(f.SetRegion(ctx, "c", "", admin, all))
	f.fails(f.SetRegion(ctx, "c", "eu/1", admin, all), privacy.CodeInvalidRequest)
	f.fails(f.SetRegion(ctx, "nobody", "eu", admin, all), privacy.CodeNotFound)

	f.fails(f.SetRegion(ctx, "a", "eu", admin, serving(t, "ch")), privacy.CodeConflict)
	f.ok(f.SetRegion(ctx, "a", "eu", admin, serving(t, "eu"))) // it had none, and its files are here
	f.fails(f.SetRegion(ctx, "a", "ch", admin, all), privacy.CodeConflict)
	f.fails(f.SetRegion(ctx, "a", "", admin, all), privacy.CodeConflict)

	g, _, err := f.Head(ctx, "visits", "a")
	f.ok(err)
	f.raw(`UPDATE generations SET superseded_at = 1 WHERE id = '` + g.ID + `'`)
	old, err := f.Superseded(ctx, f.at.Add(time.Hour))
	f.ok(err)
	found := false
	for _, s := range old {
		found = found || s.ID == g.Segments[0].ID && s.Region == "eu"
	}
	if !found {
		t.Errorf("the file of a does not belong to its region: %+v", old)
	}
	f.fails(f.SetRegion(ctx, "a", "ch", admin, all), privacy.CodeConflict)
	f.ok(f.Forget(ctx, []string{g.Segments[0].ID}))
	f.ok(f.SetRegion(ctx, "a", "ch", admin, all))

	acts := f.acts(translog.KindTenant)
	want := []string{
		`{"act":"region","by":"key_admin","region":"eu","tenant":"c"}`, `{"act":"region","by":"key_admin","region":"ch","tenant":"c"}`,
		`{"act":"region","by":"key_admin","tenant":"c"}`, `{"act":"region","by":"key_admin","region":"eu","tenant":"a"}`,
		`{"act":"region","by":"key_admin","region":"ch","tenant":"a"}`,
	}
	if diff := cmp.Diff(want, acts[len(acts)-len(want):]); diff != "" {
		t.Error(diff)
	}
}

// TestUploadsAndRejectsKeepARegion: rows need not be in files of data to be rows.
func TestUploadsAndRejectsKeepARegion(t *testing.T) {
	for state, rejected := range map[string]int{"pending": 0, "running": 0, "failed": 1} {
		f, ctx := open(t), t.Context()
		tenant, err := f.CreateTenant(ctx, "a", "eu", admin)
		f.ok(err)
		f.ok(f.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, `INSERT INTO loads (id, tenant, tenant_since, dataset, load_id, write_mode, format, encoding, max_bad, dry_run, sha256, bytes,
				state, rows_rejected, created_by, created_at) VALUES ('load_1', 'a', ?, 'd', '', 'append', 'csv', '', 0, 0, '', 1, ?, ?, '', 0)`,
				tenant.CreatedAt.UnixMicro(), state, rejected)
			return err
		}))
		f.fails(f.SetRegion(ctx, "a", "ch", admin, residency.Regions{}), privacy.CodeConflict)
		f.raw(`UPDATE loads SET tenant_since = tenant_since - 1`) // of a former tenant of that name
		f.ok(f.SetRegion(ctx, "a", "ch", admin, residency.Regions{}))
	}
}

// TestFilesOutliveTheirTenant: whose region a file is of is known after its tenant
// was deleted, and nothing changes it.
func TestFilesOutliveTheirTenant(t *testing.T) {
	f, ctx := loaded(t), t.Context()
	f.ok(f.SetRegion(ctx, "a", "eu", admin, residency.Regions{}))
	f.ok(f.DeleteTenant(ctx, "a", admin))
	old, err := f.Superseded(ctx, f.at.Add(time.Hour))
	f.ok(err)
	for _, s := range old {
		if s.ID == "seg_gen_1" && s.Region != "eu" {
			t.Errorf("the file is of region %q", s.Region)
		}
	}
	err = f.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE segments SET region = 'ch' WHERE id = 'seg_gen_1'`)
		return err
	})
	if err == nil {
		t.Error("a file was moved to another region")
	}
}
