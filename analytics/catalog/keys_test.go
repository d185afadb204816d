package catalog

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"time"
)

func (f *fixture) addKey(tenant, name string) {
	f.t.Helper()
	f.ok(f.db.InTx(f.t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO data_keys (tenant, name, wrapped, created_at) VALUES (?, ?, x'00', 1)`, tenant, name)
		return err
	}))
}

func (f *fixture) wantKeys(want ...string) {
	f.t.Helper()
	rows, err := f.db.QueryContext(f.t.Context(), `SELECT tenant || '/' || name FROM data_keys ORDER BY 1`)
	f.ok(err)
	defer rows.Close()
	var got []string
	for rows.Next() {
		var key string
		f.ok(rows.Scan(&key))
		got = append(got, key)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		f.t.Errorf("the keys are %v, and not %v", got, want)
	}
}

func TestKeysGoWithSegmentsAndTenants(t *testing.T) {
	f, ctx := open(t), t.Context()
	f.tenants("a", "b")
	f.put(1, "")
	f.accept(1, "a", "b")
	f.ok(f.publish(generation("gen_1", "a", 1, "seg_1"), ""))
	f.ok(f.publish(generation("gen_2", "a", 1, "seg_2"), "gen_1"))
	f.ok(f.publish(generation("gen_3", "b", 1, "seg_3"), ""))
	for _, key := range [][2]string{{"a", "segment:seg_1"}, {"a", "segment:seg_2"}, {"a", "segment:seg_never"}, {"b", "segment:seg_3"}, {"b", "pseudonyms"}, {"", "segment:seg_1x"}} {
		f.addKey(key[0], key[1])
	}
	f.ok(f.Forget(ctx, []string{"seg_1"}))
	f.wantKeys("/segment:seg_1x", "a/segment:seg_2", "a/segment:seg_never", "b/pseudonyms", "b/segment:seg_3")
	f.ok(f.DeleteTenant(ctx, "a", admin))
	f.wantKeys("/segment:seg_1x", "b/pseudonyms", "b/segment:seg_3")
}

func TestTablesOfOnePlainFileAreToBeEncrypted(t *testing.T) {
	f := open(t)
	f.tenants("a")
	f.put(1, "")
	f.accept(1, "a")
	g := generation("gen_1", "a", 1, "seg_1")
	g.Segments[0].Ranks = [][]string{{"ward"}}
	f.ok(f.publish(g, ""))
	count := func(encrypting bool, want int) {
		t.Helper()
		if found, err := f.Scattered(t.Context(), noon.Add(time.Hour), encrypting); err != nil || len(found) != want {
			t.Errorf("%v %v", found, err)
		}
	}
	count(false, 0)
	count(true, 1)
	f.addKey("a", "segment:seg_1")
	count(true, 0)
}
