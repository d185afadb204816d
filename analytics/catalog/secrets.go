package catalog

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/keyring"
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
	s, found, err := c.readSecret(ctx, c.db, dataset, tenant)
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
		key, salt, err := c.sealed(ctx, tx, dataset, tenant, fresh)
		if err != nil {
			return err
		}
		if _, err := exec(ctx, tx, "creating secrets",
			`INSERT INTO dataset_secrets (dataset, tenant, pseudonym_key, salt) VALUES (?, ?, ?, ?) ON CONFLICT (dataset, tenant) DO NOTHING`,
			dataset, tenant, key, salt); err != nil {
			return err
		}
		s, _, err = c.readSecret(ctx, tx, dataset, tenant)
		return err
	})
	return s, err
}

func (c *Catalog) readSecret(ctx context.Context, r reader, dataset, tenant string) (Secrets, bool, error) {
	var key, salt []byte
	err := r.QueryRowContext(ctx, `SELECT pseudonym_key, salt FROM dataset_secrets WHERE dataset = ? AND tenant = ?`, dataset, tenant).Scan(&key, &salt)
	if errors.Is(err, sql.ErrNoRows) {
		return Secrets{}, false, nil
	}
	if err != nil {
		return Secrets{}, false, privacy.Internal(err, "reading secrets")
	}
	both, err := c.keys.OpenIn(ctx, r, secretScope(dataset, tenant), key)
	if err != nil {
		return Secrets{}, false, err
	}
	var s Secrets
	if both = append(both, salt...); len(both) != len(s.PseudonymKey)+len(s.Salt) {
		return Secrets{}, false, privacy.Internal(fmt.Errorf("they have %d bytes", len(both)), "reading secrets")
	}
	copy(s.PseudonymKey[:], both)
	copy(s.Salt[:], both[len(s.PseudonymKey):])
	return s, true, nil
}

// secretScope is where the secrets of a dataset or of a tenant in it belong. Their key
// is the system's: a tenant's pseudonyms outlive it, see DeleteTenant.
func secretScope(dataset, tenant string) keyring.Scope {
	return keyring.Scope{Name: "secrets", Row: dataset + " " + tenant}
}

// sealed returns secrets as they are stored: plain, or both sealed in the place of the
// key.
func (c *Catalog) sealed(ctx context.Context, tx *sql.Tx, dataset, tenant string, s Secrets) (key, salt []byte, err error) {
	if !c.keys.On() {
		return s.PseudonymKey[:], s.Salt[:], nil
	}
	key, err = c.keys.SealIn(ctx, tx, secretScope(dataset, tenant), slices.Concat(s.PseudonymKey[:], s.Salt[:]))
	return key, []byte{}, err
}

// SealPlain seals the secrets that are stored plain, and returns how many there were.
// It must run in a transaction.
func (c *Catalog) SealPlain(ctx context.Context, tx *sql.Tx) (n int, err error) {
	type owner struct{ dataset, tenant string }
	var owners []owner
	rows, err := tx.QueryContext(ctx, `SELECT dataset, tenant FROM dataset_secrets WHERE length(salt) > 0`)
	if err != nil {
		return 0, privacy.Internal(err, "sealing secrets")
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var o owner
		if err := rows.Scan(&o.dataset, &o.tenant); err != nil {
			return 0, privacy.Internal(err, "sealing secrets")
		}
		owners = append(owners, o)
	}
	if err := rows.Err(); err != nil {
		return 0, privacy.Internal(err, "sealing secrets")
	}
	for _, o := range owners {
		s, _, err := c.readSecret(ctx, tx, o.dataset, o.tenant)
		if err != nil {
			return n, err
		}
		key, salt, err := c.sealed(ctx, tx, o.dataset, o.tenant, s)
		if err != nil {
			return n, err
		}
		if _, err := exec(ctx, tx, "sealing secrets", `UPDATE dataset_secrets SET pseudonym_key = ?, salt = ? WHERE dataset = ? AND tenant = ?`,
			key, salt, o.dataset, o.tenant); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}
