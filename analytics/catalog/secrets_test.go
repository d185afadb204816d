package catalog

import (
	"bytes"
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy/keyring"
	"github.com/noised/noised/privacy/keyring/keyringtest"
)

// TestSecretsAreSealed: those that are made with keys and those that were there, and
// they are the same afterwards; once they are sealed nothing changes them.
func TestSecretsAreSealed(t *testing.T) {
	f := open(t)
	f.put(1, "")
	db, plain := f.db, New(f.db, time.Now)
	before, err := plain.SecretsFor(t.Context(), "visits", "a", plan.ScopeTenant)
	if err != nil {
		t.Fatal(err)
	}
	sealed := New(db, time.Now).WithKeys(keyring.New(db, keyringtest.Wrapper{}, time.Now))
	inTx := func(f func(ctx context.Context, tx *sql.Tx) error) error { return db.InTx(t.Context(), f) }
	if err := inTx(func(ctx context.Context, tx *sql.Tx) error {
		n, err := sealed.SealPlain(ctx, tx)
		if n != 2 { // the dataset's and the tenant's
			t.Errorf("%d were sealed", n)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	after, err := sealed.SecretsFor(t.Context(), "visits", "a", plan.ScopeTenant)
	if err != nil || after != before {
		t.Errorf("sealing changed secrets: %v", err)
	}
	other, err := sealed.SecretsFor(t.Context(), "visits", "b", plan.ScopeTenant)
	if err != nil || other.PseudonymKey == after.PseudonymKey || other.Salt != after.Salt {
		t.Errorf("another tenant's: %v", err)
	}
	rows, err := db.QueryContext(t.Context(), `SELECT pseudonym_key, salt FROM dataset_secrets`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var key, salt []byte
		if err := rows.Scan(&key, &salt); err != nil {
			t.Fatal(err)
		}
		for _, s := range []Secrets{after, other} {
			if !keyring.Sealed(key) || len(salt) > 0 || bytes.Contains(key, s.PseudonymKey[:]) || bytes.Contains(key, s.Salt[:]) {
				t.Error("a secret is stored as it is")
			}
		}
	}
	if _, err := plain.SecretsFor(t.Context(), "visits", "a", plan.ScopeTenant); err == nil {
		t.Error("they open without keys")
	}
	for _, change := range []string{`UPDATE dataset_secrets SET pseudonym_key = zeroblob(60)`, `UPDATE dataset_secrets SET pseudonym_key = zeroblob(32), salt = zeroblob(16)`} {
		if err := inTx(func(ctx context.Context, tx *sql.Tx) error { _, err := tx.ExecContext(ctx, change); return err }); err == nil {
			t.Errorf("%s was accepted", change)
		}
	}
}
