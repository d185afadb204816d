package verify_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/noised/noised/privacy/translog"
	"github.com/noised/noised/privacy/translog/verify"
)

// tampering changes a store behind the server's back, in a transaction that is
// rolled back, and returns what it did.
type tampering func(w *tampered) string

// tampered is a store as somebody changes it who may write the file.
type tampered struct {
	t    testing.TB
	tx   *sql.Tx
	rand *rand.Rand
	size int64

	before int // 1: the charges are from before there were commitments for each tenant
}

func (w *tampered) exec(query string, args ...any) {
	w.t.Helper()
	if _, err := w.tx.Exec(query, args...); err != nil {
		w.t.Fatalf("%s: %v", query, err)
	}
}

func (w *tampered) number(query string, args ...any) (n int64) {
	w.t.Helper()
	ok(w.t, w.tx.QueryRow(query, args...).Scan(&n))
	return n
}

func (w *tampered) any() int64 { return w.rand.Int64N(w.size) }

// rehash makes the stored hashes those of the leaves, as somebody would who knows
// how the tree is made.
func (w *tampered) rehash() {
	w.t.Helper()
	rows, err := w.tx.Query(`SELECT leaf FROM log_leaves ORDER BY idx`)
	ok(w.t, err)
	defer rows.Close()
	hashes := []tlog.Hash{}
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, idx := range indexes {
			out[i] = hashes[idx]
		}
		return out, nil
	})
	for n := int64(0); rows.Next(); n++ {
		var leaf []byte
		ok(w.t, rows.Scan(&leaf))
		more, err := tlog.StoredHashes(n, leaf, reader)
		ok(w.t, err)
		hashes = append(hashes, more...)
	}
	ok(w.t, rows.Close())
	w.exec(`DELETE FROM log_hashes`)
	for i, h := range hashes {
		w.exec(`INSERT INTO log_hashes (idx, hash) VALUES (?, ?)`, i, h[:])
	}
}

func (w *tampered) row(table string) int64 {
	return w.number(`SELECT rowid FROM ` + table + ` ORDER BY random() LIMIT 1`)
}

// tamperings are the ways in which a store is changed. Those that make the log
// consistent in itself are caught by a checkpoint of before alone.
func tamperings() map[string]tampering {
	return map[string]tampering{
		"a leaf altered": func(w *tampered) string {
			i := w.any()
			var leaf []byte
			ok(w.t, w.tx.QueryRow(`SELECT leaf FROM log_leaves WHERE idx = ?`, i).Scan(&leaf))
			at := w.rand.IntN(len(leaf))
			leaf[at] ^= byte(1 + w.rand.IntN(255))
			w.exec(`UPDATE log_leaves SET leaf = ? WHERE idx = ?`, leaf, i)
			return fmt.Sprintf("byte %d of leaf %d", at, i)
		},
		"a leaf dropped": func(w *tampered) string {
			i := w.any()
			w.exec(`DELETE FROM log_leaves WHERE idx = ?`, i)
			return fmt.Sprint(i)
		},
		"a leaf dropped, and those after it moved up": func(w *tampered) string {
			i := w.any()
			w.exec(`DELETE FROM log_leaves WHERE idx = ?`, i)
			w.exec(`UPDATE log_leaves SET idx = -idx WHERE idx > ?`, i)
			w.exec(`UPDATE log_leaves SET idx = -idx - 1 WHERE idx < 0`)
			w.rehash()
			return fmt.Sprint(i)
		},
		"two leaves in another order": func(w *tampered) string {
			i, j := w.any(), w.any()
			if i == j {
				j = (i + 1) % w.size
			}
			w.exec(`UPDATE log_leaves SET leaf = (SELECT leaf FROM log_leaves b WHERE b.idx = CASE log_leaves.idx WHEN ?1 THEN ?2 ELSE ?1 END) WHERE idx IN (?1, ?2)`, i, j)
			if w.rand.IntN(2) == 0 {
				w.rehash()
			}
			return fmt.Sprint(i, " and ", j)
		},
		"a stored hash": func(w *tampered) string {
			i := w.rand.Int64N(w.number(`SELECT count(*) FROM log_hashes`))
			w.exec(`UPDATE log_hashes SET hash = randomblob(32) WHERE idx = ?`, i)
			return fmt.Sprint(i)
		},
		"a fork: the same size, another past": func(w *tampered) string {
			i := w.any()
			w.exec(`UPDATE log_leaves SET leaf = CAST(json_set(CAST(leaf AS TEXT), '$.body.by', 'nobody') AS BLOB) WHERE idx = ?`, i)
			w.rehash()
			return fmt.Sprint(i)
		},
		"who paid, in the log": func(w *tampered) string {
			i := w.number(`SELECT l.idx FROM log_leaves l JOIN charges c ON c.leaf = l.idx ORDER BY random() LIMIT 1`)
			change := []string{
				`json_set(b, '$.body.root', lower(hex(randomblob(32))))`, `json_set(b, '$.body.parties', 7)`, `json_set(b, '$.body.root', NULL)`,
				`json_set(b, '$.body.root', '')`, `json_set(b, '$.body.debits', json('[]'))`, `json_set(b, '$.body.accounts', json('["tenant:z"]'))`,
				`json_set(b, '$.body.root', (SELECT json_extract(CAST(leaf AS TEXT), '$.body.root') || '0' FROM log_leaves ORDER BY idx DESC LIMIT 1))`,
			}[w.rand.IntN(7)]
			w.exec(`UPDATE log_leaves SET leaf = (SELECT CAST(`+change+` AS BLOB) FROM (SELECT CAST(leaf AS TEXT) AS b)) WHERE idx = ?`, i)
			if w.rand.IntN(2) == 0 {
				w.rehash()
			}
			return fmt.Sprint(change, " of leaf ", i)
		},
		"a party moved": func(w *tampered) string { // to a charge that it did not pay for
			var from, to int64
			ok(w.t, w.tx.QueryRow(`SELECT a.charge, b.charge FROM charge_debits a, charge_debits b WHERE a.part = 0 AND a.accounts <> b.accounts ORDER BY random() LIMIT 1`).Scan(&from, &to))
			w.exec(`UPDATE charge_debits SET accounts = (SELECT accounts FROM charge_debits WHERE charge = ?1 AND part = 0) WHERE charge = ?2
				AND accounts <> (SELECT accounts FROM charge_debits WHERE charge = ?1 AND part = 0)`, from, to)
			return fmt.Sprint("of ", from, " to ", to)
		},
		"a charge in the store": func(w *tampered) string {
			change := []string{
				`mu2 = mu2 + 1`, `delta_units = delta_units + 1`, `key = key || 'x'`, `at = at + 1`, `nonce = randomblob(32)`, `id = id || 'x'`, `leaf = leaf + 1000000`,
				`epsilon = epsilon * 1.1`, `delta = delta + 1e-12`, `principal = 'key_other'`, `dataset = dataset || 'x'`, `tenants = '["z"]'`,
			}[w.rand.IntN(12-5*w.before)] // leaves from before say nothing of the last five
			row := w.row("charges")
			w.exec(`UPDATE charges SET `+change+` WHERE seq = ?`, row)
			return fmt.Sprint(change, " of ", row)
		},
		"a charge gone from the store": func(w *tampered) string {
			row := w.row("charges")
			w.exec(`DELETE FROM charge_debits WHERE charge = ?`, row)
			w.exec(`DELETE FROM charge_joins WHERE charge = ?`, row)
			w.exec(`DELETE FROM charges WHERE seq = ?`, row)
			return fmt.Sprint(row)
		},
		"a release of a charge": func(w *tampered) string {
			change := []string{`id = id || 'x'`, `charge = charge || 'x'`, `dataset = 'other'`, `purpose = purpose || 'x'`, `created_at = created_at + 1`,
				`core = x'00'`, `epsilon = epsilon / 2`, `delta = 1`, `contract_version = 9`}[w.rand.IntN(9-4*w.before)]
			row := w.row("releases")
			w.exec(`UPDATE releases SET `+change+` WHERE rowid = ?`, row)
			return fmt.Sprint(change, " of ", row)
		},
		"a result put out of sight, as if with its dataset": func(w *tampered) string {
			row := w.row("releases")
			var core []byte
			ok(w.t, w.tx.QueryRow(`SELECT core FROM releases WHERE rowid = ?`, row).Scan(&core))
			sum := sha256.Sum256(core)
			w.exec(`UPDATE releases SET core = ?, shredded = 1 WHERE rowid = ?`, sum[:], row)
			return fmt.Sprint(row)
		},
		"a dataset put out of sight": func(w *tampered) string {
			w.exec(`INSERT INTO deleted_datasets (dataset, deleted_at, deleted_by) VALUES ('d', 1, 'nobody')`)
			return "d"
		},
		"what a release is found by": func(w *tampered) string { // the answer to another question, free
			row := w.row("releases")
			w.exec(`UPDATE releases SET key = key || 'x' WHERE rowid = ?`, row)
			return fmt.Sprint(row)
		},
		"whose signature is the log's": func(w *tampered) string {
			i := w.any()
			w.exec(`INSERT INTO log_keys (leaf, verifier) VALUES (?, ?)`, i, fmt.Sprint("noised/log/x+", i))
			return fmt.Sprint(i)
		},
		"what a charge debited": func(w *tampered) string {
			change := []string{`mu2 = mu2 - 1`, `delta_units = delta_units + 1`, `seen = seen - 1`, `accounts = ',1,'`, `accounts = accounts || '1,'`}[w.rand.IntN(5)]
			var charge, part int64
			ok(w.t, w.tx.QueryRow(`SELECT charge, part FROM charge_debits WHERE accounts NOT IN (',1,') ORDER BY random() LIMIT 1`).Scan(&charge, &part))
			w.exec(`UPDATE charge_debits SET `+change+` WHERE charge = ? AND part = ?`, charge, part)
			return fmt.Sprint(change, " of ", charge, " ", part)
		},
		"what an account has spent": func(w *tampered) string {
			change := []string{`spent_mu2 = spent_mu2 + 1`, `total_mu2 = total_mu2 - 1`, `total_delta_units = total_delta_units + 1`, `spent_delta_units = spent_delta_units + 1`,
				`spent_mu2 = -1, total_mu2 = 0`, `seen = seen - 1`}[w.rand.IntN(6)]
			row := w.row("accounts")
			w.exec(`UPDATE accounts SET `+change+` WHERE id = ?`, row)
			return fmt.Sprint(change, " of ", row)
		},
		"an account's budget": func(w *tampered) string {
			change := []string{`cap_mu2 = cap_mu2 + 1`, `cap_epsilon = cap_epsilon + 1`, `life_mu2 = life_mu2 + 1`, `window = CASE window WHEN 'day' THEN 'none' ELSE 'day' END`,
				`cap_delta_units = 7`, `name = name || 'x'`}[w.rand.IntN(6)]
			row := w.row("accounts")
			w.exec(`UPDATE accounts SET `+change+` WHERE id = ?`, row)
			return fmt.Sprint(change, " of ", row)
		},
		"an account that nobody opened": func(w *tampered) string {
			w.exec(`INSERT INTO accounts (name, window, cap_epsilon, cap_delta, cap_mu2, cap_delta_units, life_epsilon, life_delta, life_mu2, life_delta_units, seen)
				SELECT 'tenant:new', window, cap_epsilon, cap_delta, cap_mu2, cap_delta_units, life_epsilon, life_delta, life_mu2, life_delta_units, seen FROM accounts WHERE id = 1`)
			return "tenant:new"
		},
		"an end cut off": func(w *tampered) string { // with all that belongs to it
			i := 1 + w.rand.Int64N(w.size-1)
			for _, q := range []string{
				`DELETE FROM log_hashes WHERE idx >= ?2`, `DELETE FROM log_leaves WHERE idx >= ?1`,
				`DELETE FROM charge_debits WHERE charge IN (SELECT seq FROM charges WHERE leaf >= ?1)`, `DELETE FROM charge_joins WHERE leaf >= ?1`,
				`DELETE FROM charges WHERE leaf >= ?1`, `DELETE FROM release_leaves WHERE leaf >= ?1`,
			} {
				w.exec(q, i, tlog.StoredHashIndex(0, i))
			}
			return fmt.Sprint("from ", i)
		},
	}
}

// tamperWith makes so many tamperings of a store, each alone, and returns those that
// were not caught.
func tamperWith(t testing.TB, path string, seed uint64, times int, earlier ...translog.Checkpoint) (missed []string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=foreign_keys(0)&_pragma=ignore_check_constraints(1)")
	ok(t, err)
	defer db.Close()
	kinds := tamperings()
	names := []string{}
	for name := range kinds {
		names = append(names, name)
	}
	random := rand.New(rand.NewPCG(seed, 2))
	for i := range times {
		tx, err := db.BeginTx(context.Background(), nil)
		ok(t, err)
		w := &tampered{t: t, tx: tx, rand: random}
		for _, trigger := range []string{"log_leaves_immutable", "log_leaves_kept", "log_hashes_immutable", "log_hashes_kept", "accounts_only_rise", "charges_kept", "charges_final",
			"charge_debits_immutable", "charge_debits_kept", "charge_joins_immutable", "charge_joins_kept", "release_leaves_immutable", "release_leaves_kept"} {
			w.exec("DROP TRIGGER " + trigger)
		}
		w.size = w.number(`SELECT count(*) FROM log_leaves`)
		w.before = int(w.number(`SELECT count(*) FROM log_leaves WHERE idx = 12 AND CAST(leaf AS TEXT) LIKE '%"accounts":["tenant:a","tenant-principal:a/key_x"],"charge"%'`))
		name := names[i%len(names)]
		did := kinds[name](w)
		report, err := verify.Run(t.Context(), tx, verify.Options{Earlier: earlier})
		if err == nil && len(report.Problems) == 0 {
			missed = append(missed, name+": "+did)
		}
		ok(t, tx.Rollback())
	}
	return missed
}

// TestTamperingIsCaught: a few of each kind. The long one is in the suite of what
// is at rest.
func TestTamperingIsCaught(t *testing.T) {
	old, lists := before(t), listed(t)
	w := open(t, filepath.Join(t.TempDir(), "control.db"), 9)
	w.budgets()
	for range 60 {
		w.act()
	}
	for name, w := range map[string]*world{"a store": w, "a store from before": old, "a store of lists": lists} {
		head := w.head()
		w.clean(head)
		ok(t, w.db.Close())
		for _, missed := range tamperWith(t, w.path, 3, 160, head) {
			t.Errorf("%s: not caught: %s", name, missed)
		}
	}
}

// TestARolledBackStoreIsCaught: a copy of before, as it was and as it goes on.
func TestARolledBackStoreIsCaught(t *testing.T) {
	w := open(t, filepath.Join(t.TempDir(), "control.db"), 5)
	w.budgets()
	for range 40 {
		w.act()
	}
	copied := w.copied()
	for range 20 {
		w.act()
	}
	seen := w.head()
	w.clean(seen)
	old := open(t, copied, 6)
	old.n = 1000 // asks for other things
	if r := old.verify(seen); len(r.Problems) == 0 {
		t.Error("a copy of before was taken for the store")
	}
	for old.head().Size < seen.Size {
		old.act()
	}
	old.clean() // it is consistent in itself
	if r := old.verify(seen); len(r.Problems) == 0 {
		t.Error("a copy that went on by itself was taken for the store")
	}
}

// TestAnotherRootIsCaughtByItself: whoever rewrites the leaf of a charge, and all
// hashes, is found without a state of before where the debits stay as they are.
func TestAnotherRootIsCaughtByItself(t *testing.T) {
	w := open(t, filepath.Join(t.TempDir(), "control.db"), 11)
	w.budgets()
	for range 60 {
		w.act()
	}
	w.clean()
	ok(t, w.db.Close())
	db, err := sql.Open("sqlite", "file:"+w.path+"?_pragma=foreign_keys(0)&_pragma=ignore_check_constraints(1)")
	ok(t, err)
	defer db.Close()
	const other = `(SELECT json_extract(CAST(o.leaf AS TEXT), '$.body.root') FROM log_leaves o JOIN charges c ON c.leaf = o.idx WHERE c.leaf <> log_leaves.idx ORDER BY o.idx LIMIT 1)`
	for _, change := range []string{
		`json_set(b, '$.body.root', ` + other + `)`, `json_set(b, '$.body.root', upper(json_extract(b, '$.body.root')))`,
		`json_set(b, '$.body.parties', json_extract(b, '$.body.parties') + 1)`, `json_set(b, '$.body.parties', 0)`, `json_set(b, '$.body.parties', -1)`,
		`json_remove(b, '$.body.root', '$.body.parties')`, `json_remove(b, '$.body.root')`, `json_remove(b, '$.body.parties')`,
		`json_set(json_remove(b, '$.body.root', '$.body.parties'), '$.body.debits', json_array(json_extract(b, '$.body.root')))`,
		`json_set(b, '$.body.debits', json('[]'))`, `json_set(b, '$.body.accounts', json('["tenant:a"]'))`,
	} {
		for _, table := range []string{"charges", "charge_joins"} {
			tx, err := db.BeginTx(t.Context(), nil)
			ok(t, err)
			w := &tampered{t: t, tx: tx, rand: rand.New(rand.NewPCG(1, 2))}
			for _, trigger := range []string{"log_leaves_immutable", "log_hashes_immutable", "log_hashes_kept"} {
				w.exec("DROP TRIGGER " + trigger)
			}
			w.exec(`UPDATE log_leaves SET leaf = (SELECT CAST(` + change + ` AS BLOB) FROM (SELECT CAST(leaf AS TEXT) AS b)) WHERE idx = (SELECT max(leaf) FROM ` + table + `)`)
			w.rehash()
			report, err := verify.Run(t.Context(), tx, verify.Options{})
			ok(t, err)
			if len(report.Problems) == 0 {
				t.Errorf("in a leaf of %s, not caught: %s", table, change)
			}
			ok(t, tx.Rollback())
		}
	}
}
