package controldb

import (
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

// TestOldDebitsAreMoved: what an earlier version stored as one row per account is
// there after the migration, once, and can be taken back.
func TestOldDebitsAreMoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control.db")
	files := Migrations()
	old := fstest.MapFS{}
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(name, "00006_") {
			old[name] = &fstest.MapFile{Data: data}
		}
	}
	if err := migrate(t.Context(), path, "", old); err != nil {
		t.Fatal(err)
	}
	raw, err := connect(path, "immediate")
	if err != nil {
		t.Fatal(err)
	}
	for _, query := range []string{
		`INSERT INTO accounts (id, name, window, cap_epsilon, cap_delta, cap_mu2, cap_delta_units, life_epsilon, life_delta,
			life_mu2, life_delta_units, seen) SELECT value, 'tenant:' || value, 'none', 1, 1, 9, 9, 1, 1, 9, 9, 0 FROM generate_series(1, 30)`,
		`INSERT INTO log_leaves (idx, leaf) VALUES (0, ''), (1, '')`,
		`INSERT INTO charges (seq, id, key, principal, dataset, tenants, epsilon, delta, mu2, delta_units, state, nonce, leaf, at)
			SELECT value, 'chg_' || value, 'k' || value, 'p', 'd', '[]', 1, 1, 2, 1, 'pending', zeroblob(32), value - 1, 0 FROM generate_series(1, 2)`,
		`INSERT INTO charge_entries (account, charge, mu2, delta_units, seen) SELECT value, 1, 2, 1, 100 FROM generate_series(1, 30)`,
		`INSERT INTO charge_entries (account, charge, mu2, delta_units, seen) VALUES (3, 2, 2, 1, 200), (12, 2, 2, 1, 150), (4, 2, 2, 1, 200)`,
	} {
		query = strings.NewReplacer("generate_series(1, 30)", "(WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 30) SELECT value FROM n)",
			"generate_series(1, 2)", "(SELECT 1 AS value UNION ALL SELECT 2)").Replace(query)
		if _, err := raw.ExecContext(t.Context(), query); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	if err := raw.Close(); err != nil {
		t.Fatal(err)
	}
	db := open(t, path)
	var all, again string
	err = db.QueryRowContext(t.Context(), `SELECT group_concat(charge || '/' || part || '/' || seen || '/' || mu2 || '/' || delta_units || accounts, ' ' ORDER BY charge, part)
		FROM charge_debits`).Scan(&all)
	want := "1/0/100/2/1,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30, 2/0/150/2/1,12, 2/1/200/2/1,3,4,"
	if err != nil || all != want {
		t.Errorf("debits are\n%s, want\n%s (%v)", all, want, err)
	}
	// The way back, as the migration's text has it.
	text, err := fs.ReadFile(files, "00006_charge_debits.sql")
	if err != nil {
		t.Fatal(err)
	}
	_, down, _ := strings.Cut(string(text), "-- +goose Down\n")
	exec(t, db, down)
	err = db.QueryRowContext(t.Context(), `SELECT group_concat(account || '/' || seen || '/' || mu2 || '/' || delta_units, ' ' ORDER BY account)
		FROM charge_entries WHERE charge = 2`).Scan(&again)
	if err != nil || again != "3/200/2/1 4/200/2/1 12/150/2/1" {
		t.Errorf("back again they are %s (%v)", again, err)
	}
}
