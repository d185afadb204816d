package catalog

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

// Secrets are the random values that stand behind a dataset's pseudonyms and
// its choice of contributions. They are created when first asked for, never
// change, and never leave the server.
type Secrets struct {
	PseudonymKey [32]byte // unit ids become pseudonyms under it
	Salt         [16]byte // of the dataset; orders a unit's partitions when they are cut to the bound
}

// Secrets returns the secrets for a tenant's rows under the dataset's version
// in force. With scope person every tenant has the dataset's key, so that one
// person has one pseudonym; with scope tenant each has its own. Without a
// tenant the key is the dataset's.
//
// A load that works under a given version uses SecretsFor.
func (c *Catalog) Secrets(ctx context.Context, dataset, tenant string) (Secrets, error) {
	d, err := c.Dataset(ctx, dataset)
	if err != nil {
		return Secrets{}, err
	}
	return c.SecretsFor(ctx, dataset, tenant, d.Contract.Unit.Scope)
}

// SecretsFor returns the secrets for a tenant's rows under a given scope.
func (c *Catalog) SecretsFor(ctx context.Context, dataset, tenant string, scope plan.Scope) (Secrets, error) {
	own, err := c.secret(ctx, dataset, "")
	if err != nil || scope == plan.ScopePerson || tenant == "" {
		return own, err
	}
	s, err := c.secret(ctx, dataset, tenant)
	s.Salt = own.Salt
	return s, err
}

func (c *Catalog) secret(ctx context.Context, dataset, tenant string) (Secrets, error) {
	s, found, err := readSecret(ctx, c.db, dataset, tenant)
	if err != nil || found {
		return s, err
	}
	err = c.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := latestVersion(ctx, tx, dataset); err != nil {
			return err
		}
		// Another process may have come first: what is stored counts.
		var fresh Secrets
		_, _ = rand.Read(fresh.PseudonymKey[:]) // never fails: crypto/rand aborts the process instead
		_, _ = rand.Read(fresh.Salt[:])
		if _, err := exec(ctx, tx, "creating secrets",
			`INSERT INTO dataset_secrets (dataset, tenant, pseudonym_key, salt) VALUES (?, ?, ?, ?) ON CONFLICT (dataset, tenant) DO NOTHING`,
			dataset, tenant, fresh.PseudonymKey[:], fresh.Salt[:]); err != nil {
			return err
		}
		s, _, err = readSecret(ctx, tx, dataset, tenant)
		return err
	})
	return s, err
}

func readSecret(ctx context.Context, r reader, dataset, tenant string) (Secrets, bool, error) {
	var key, salt []byte
	err := r.QueryRowContext(ctx, `SELECT pseudonym_key, salt FROM dataset_secrets WHERE dataset = ? AND tenant = ?`, dataset, tenant).Scan(&key, &salt)
	if errors.Is(err, sql.ErrNoRows) {
		return Secrets{}, false, nil
	}
	if err != nil {
		return Secrets{}, false, privacy.Internal(err, "reading secrets")
	}
	var s Secrets
	copy(s.PseudonymKey[:], key)
	copy(s.Salt[:], salt)
	return s, true, nil
}
