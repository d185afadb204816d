package owned_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/noised/noised/ingest/owned"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb/controltest"
)

// since is when tenants came: c has gone.
var since = map[string]int64{"": 0, "a": 2, "b": 1}

// things are seven of the tenant a, among others': of b, of c, of nobody, and of the
// tenant a that was there before.
func things(t *testing.T) owned.Records[owned.Key] {
	t.Helper()
	db := controltest.Open(t, filepath.Join(t.TempDir(), "control.db"))
	if err := db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `CREATE TABLE things (seq INTEGER PRIMARY KEY, id TEXT, tenant TEXT, tenant_since INTEGER)`)
		for i, k := range []owned.Key{{0, "old", "a", 1}, {0, "b", "b", 1}, {0, "c", "c", 1}, {0, "nobody's", "", 0}} {
			if err == nil {
				_, err = tx.ExecContext(ctx, `INSERT INTO things VALUES (?, ?, ?, ?)`, 2*i, k.ID, k.Tenant, k.Since)
			}
		}
		for i := range 7 {
			if err == nil {
				_, err = tx.ExecContext(ctx, `INSERT INTO things VALUES (?, ?, 'a', 2)`, 2*i+1, fmt.Sprintf("a%d", i))
			}
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return owned.Records[owned.Key]{
		Find: func(ctx context.Context, condition string, args ...any) (found []owned.Key, err error) {
			rows, err := db.QueryContext(ctx, `SELECT seq, id, tenant, tenant_since FROM things WHERE `+condition, args...)
			if err != nil {
				return nil, err
			}
			defer rows.Close()
			for rows.Next() {
				var k owned.Key
				if err := rows.Scan(&k.Seq, &k.ID, &k.Tenant, &k.Since); err != nil {
					return nil, err
				}
				found = append(found, k)
			}
			return found, rows.Err()
		},
		Since: func(_ context.Context, tenant string) (int64, error) {
			if at, ok := since[tenant]; ok {
				return at, nil
			}
			return 0, privacy.Errorf(privacy.CodeNotFound, "there is no such tenant")
		},
		Key: func(k *owned.Key) owned.Key { return *k }, What: "thing",
	}
}

func TestPages(t *testing.T) {
	r := things(t)
	want := []string{"a6", "a5", "a4", "a3", "a2", "a1", "a0"}
	for limit, pages := range map[int]int{-1: 7, 0: 7, 1: 7, 3: 3, 6: 2, 7: 1, owned.MaxPage + 1: 1} {
		var got []string
		cursor, n := "", 0
		for more := true; more; more = cursor != "" {
			page, next, err := r.List(t.Context(), "a", cursor, limit)
			if err != nil {
				t.Fatal(err)
			}
			for _, k := range page {
				got = append(got, k.ID)
			}
			cursor, n = next, n+1
		}
		if !slices.Equal(got, want) || n != pages {
			t.Errorf("by %d: %v in %d pages", limit, got, n)
		}
	}
	for _, cursor := range []string{"old", "b", "c", "nobody's", "none"} {
		if _, _, err := r.List(t.Context(), "a", cursor, 3); privacy.CodeOf(err) != privacy.CodeInvalidRequest {
			t.Errorf("after %s: %v", cursor, err)
		}
	}
	if _, _, err := r.List(t.Context(), "c", "", 3); privacy.CodeOf(err) != privacy.CodeNotFound {
		t.Errorf("of a tenant that has gone: %v", err)
	}
}

func TestWhoseARecordIs(t *testing.T) {
	r := things(t)
	for id, want := range map[string]string{"a3": "a", "old": "", "b": "b", "c": "", "nobody's": "", "none": ""} {
		if got, err := r.Owner(t.Context(), id); err != nil || got != want {
			t.Errorf("%s is %q's, want %q's (%v)", id, got, want, err)
		}
		for _, tenant := range []string{"a", "b", "c"} {
			k, err := r.Get(t.Context(), tenant, id)
			if tenant == want && (err != nil || k.ID != id) || tenant != want && privacy.CodeOf(err) != privacy.CodeNotFound {
				t.Errorf("%s gets %s: %+v, %v", tenant, id, k, err)
			}
		}
	}
	if k, err := r.Get(t.Context(), "", "nobody's"); err != nil || k.ID != "nobody's" {
		t.Errorf("%+v, %v", k, err)
	}
}
