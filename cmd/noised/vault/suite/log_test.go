//go:build vault

package suite

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/ledger"
	"github.com/noised/noised/privacy/translog"
)

// TestTheLogCostsACharge: transactions that write a row, with a leaf as that of a
// charge and without, in turns.
func TestTheLogCostsACharge(t *testing.T) {
	db, err := controldb.Open(t.Context(), filepath.Join(t.TempDir(), "control.db"))
	check(t, err)
	t.Cleanup(func() { _ = db.Close() })
	exec := func(query string, tenants int) time.Duration {
		begin := time.Now()
		check(t, db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
			if tenants > 0 {
				if err := appendCharge(ctx, tx, tenants); err != nil {
					return err
				}
			}
			_, err := tx.ExecContext(ctx, query)
			return err
		}))
		return time.Since(begin)
	}
	exec(`CREATE TABLE beside (n INTEGER PRIMARY KEY, text TEXT)`, 0)
	for name, tenants := range map[string]int{"log_ms": 3, "log_ms_100_tenants": 100} {
		const write = `INSERT INTO beside (text) VALUES (hex(randomblob(200)))`
		var with, without []time.Duration
		for range 3000 {
			with, without = append(with, exec(write, tenants)), append(without, exec(write, 0))
		}
		cost := middle(with) - middle(without)
		t.Logf("with a leaf of %d tenants %s, without %s", tenants, middle(with), middle(without))
		report(t, name, fmt.Sprintf("%.3f", max(0, float64(cost)/float64(time.Millisecond))))
	}
}

// appendCharge appends what a charge of some tenants does.
func appendCharge(ctx context.Context, tx *sql.Tx, tenants int) error {
	nonce := translog.NewNonce()
	var texts [][]byte
	for i := range tenants {
		texts = append(texts, fmt.Appendf(nil, `["%s"]`, privacy.TenantAccount(fmt.Sprint("dept_", i))))
	}
	body := map[string]any{
		"charge": privacy.NewID("chg"), "cost": map[string]int{"mu2": 2_000_000, "delta": 1},
		"commitment": nonce.Parts()("charge").Commit([]byte(`{"dataset":"visits","delta":"1e-09","epsilon":"0.5","key":"0123456789abcdef","principal":"key_1","tenants":["a","b","c"]}`)),
		"parties":    tenants, "root": translog.PartiesRoot(nonce, texts),
	}
	_, err := translog.Append(ctx, tx, translog.Leaf{Kind: translog.KindCharge, At: time.Now(), Body: body})
	return err
}

func middle(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}

// TestTheProgramFindsTamperedDirectories: what the verifier's own tests do a
// thousand times, some times by the built program on whole directories.
func TestTheProgramFindsTamperedDirectories(t *testing.T) {
	base := t.TempDir()
	dir, kept := filepath.Join(base, "data"), filepath.Join(base, "kept.txt")
	_, err := program.Init(t.Context(), dir)
	check(t, err)
	charge(t, dir, 40)
	keep(t, dir, kept)
	key := dir + ".logkey"
	verified := func(dir string) error {
		return program.Run(t.Context(), "log", "verify", "--data-dir", dir, "--log-key", key, "--checkpoint", kept)
	}
	check(t, verified(dir))
	random := rand.New(rand.NewPCG(7, 7))
	made, caught := 0, 0
	for _, change := range []string{
		`UPDATE log_leaves SET leaf = CAST(replace(CAST(leaf AS TEXT), 'a', 'b') AS BLOB) WHERE idx = ?1 % 40`,
		`DELETE FROM log_leaves WHERE idx = ?1 % 40`,
		`UPDATE log_leaves SET leaf = CAST(json_set(CAST(leaf AS TEXT), '$.body.root', lower(hex(randomblob(32)))) AS BLOB) WHERE idx = 5 + ?1 % 30`,
		`UPDATE log_leaves SET leaf = CAST(json_set(CAST(leaf AS TEXT), '$.body.parties', 3) AS BLOB) WHERE idx = 5 + ?1 % 30`,
		`UPDATE charge_debits SET accounts = ',1,' WHERE charge = 1 + ?1 % 40`,
		`UPDATE log_hashes SET hash = zeroblob(32) WHERE idx = ?1 % 60`,
		`UPDATE charges SET mu2 = mu2 - 1 WHERE seq = 1 + ?1 % 40`,
		`UPDATE charges SET principal = 'key_other' WHERE seq = 1 + ?1 % 40`,
		`UPDATE charges SET epsilon = epsilon / 2 WHERE seq = 1 + ?1 % 40`,
		`UPDATE charge_debits SET mu2 = mu2 - 1 WHERE charge = 1 + ?1 % 40`,
		`UPDATE accounts SET spent_mu2 = spent_mu2 - 1 WHERE id = 1 + ?1 % 2`,
		`UPDATE accounts SET total_mu2 = 0, spent_mu2 = 0 WHERE id = 1 + ?1 % 2`,
		`UPDATE accounts SET cap_mu2 = cap_mu2 + ?1 WHERE id = 1 + ?1 % 2`,
	} {
		for range 3 {
			copied := filepath.Join(t.TempDir(), "data")
			check(t, os.CopyFS(copied, os.DirFS(dir)))
			check(t, os.Chmod(copied, 0o700))
			tamper(t, copied, change, 1+random.IntN(1000))
			made++
			if err := verified(copied); err == nil {
				t.Errorf("not found: %s", change)
			} else if !strings.Contains(err.Error(), "DOES NOT VERIFY") {
				t.Errorf("%s: %v", change, err)
			} else {
				caught++
			}
		}
	}
	report(t, "tampered_directories", made)
	report(t, "tampered_directories_found", caught)
}

// charge makes charges in a data directory that no server is on.
func charge(t *testing.T, dir string, times int) {
	t.Helper()
	db, err := controldb.Open(t.Context(), filepath.Join(dir, "control.db"))
	check(t, err)
	defer func() { check(t, db.Close()) }()
	l := ledger.New(db, time.Now)
	by := privacy.Principal{ID: "key_admin", Role: privacy.RoleBudgetAdmin}
	for _, tenant := range []string{"a", "b"} {
		check(t, l.SetBudget(t.Context(), privacy.TenantAccount(tenant), ledger.Budget{Cap: privacy.Loss{Epsilon: 5, Delta: 1e-6}}, by))
	}
	for i := range times {
		_, err := l.Charge(t.Context(), ledger.Request{
			Key: fmt.Sprint("key ", i), Principal: "key_analyst", Dataset: "visits", Tenants: []string{"a", "b"},
			Loss: privacy.Loss{Epsilon: 0.1}, Cost: privacy.Cost{Mu2: privacy.MinRunMu2 + int64(i)},
		})
		check(t, err)
	}
}

// keep asks a server on the directory for the signed state of its log.
func keep(t *testing.T, dir, file string) {
	t.Helper()
	server, err := program.Start(t.Context(), dir)
	check(t, err)
	defer func() { check(t, server.Stop()) }()
	api, err := server.API("")
	check(t, err)
	signed, err := api.Checkpoint(t.Context())
	check(t, err)
	check(t, os.WriteFile(file, signed, 0o600))
}

// tamper changes the store of a directory behind the server's back.
func tamper(t *testing.T, dir, query string, n int) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "control.db")+"?_pragma=foreign_keys(0)&_pragma=ignore_check_constraints(1)")
	check(t, err)
	defer func() { check(t, db.Close()) }()
	rows, err := db.Query(`SELECT name FROM sqlite_master WHERE type = 'trigger'`)
	check(t, err)
	var triggers []string
	for rows.Next() {
		var name string
		check(t, rows.Scan(&name))
		triggers = append(triggers, name)
	}
	check(t, rows.Close())
	for _, name := range triggers {
		_, err := db.Exec("DROP TRIGGER " + name)
		check(t, err)
	}
	_, err = db.Exec(query, n)
	check(t, err)
}
