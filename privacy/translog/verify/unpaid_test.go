package verify_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/ledger"
	"github.com/noised/noised/privacy/translog"
	"github.com/noised/noised/privacy/translog/verify"
)

// TestAChargeThatATenantDidNotPay: a server whose log and tables agree that rows of a
// and b were asked, and that a alone paid.
func TestAChargeThatATenantDidNotPay(t *testing.T) {
	w := open(t, t.TempDir()+"/control.db", 3)
	w.budgets()
	_, err := w.ledger.Charge(t.Context(), ledger.Request{Key: "k", Principal: "key_1", Dataset: "visits", Tenants: []string{"a"},
		Loss: privacy.Loss{Epsilon: 0.1, Delta: 1e-9}, Cost: privacy.Cost{Mu2: privacy.MinRunMu2}, Payload: []byte("{}")})
	ok(t, err)
	d := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	text, err := json.Marshal(map[string]any{"dataset": "visits", "delta": d(1e-9), "epsilon": d(0.1), "key": "k", "principal": "key_1", "tenants": []string{"a", "b"}})
	ok(t, err)
	ok(t, w.db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		var nonce []byte
		var leaf int64
		ok(t, tx.QueryRow(`SELECT nonce, leaf FROM charges`).Scan(&nonce, &leaf))
		tam := &tampered{t: t, tx: tx}
		for _, trigger := range []string{"log_leaves_immutable", "log_hashes_immutable", "log_hashes_kept", "charges_final"} {
			tam.exec("DROP TRIGGER " + trigger)
		}
		_, err := tx.Exec(`UPDATE charges SET tenants = '["a","b"]'`)
		ok(t, err)
		_, err = tx.Exec(`UPDATE log_leaves SET leaf = CAST(json_set(CAST(leaf AS TEXT), '$.body.commitment', ?) AS BLOB) WHERE idx = ?`,
			translog.Nonce(nonce).Parts()("charge").Commit(text), leaf)
		ok(t, err)
		tam.rehash()
		report, err := verify.Run(ctx, tx, verify.Options{})
		ok(t, err)
		found := false
		for _, p := range report.Problems {
			t.Log(p.What)
			found = found || strings.Contains(p.What, "tenant b")
		}
		if !found {
			t.Errorf("it verifies: %+v", report)
		}
		return nil
	}))
}
