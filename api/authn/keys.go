package authn

import (
	"context"
	"crypto/subtle"
	"database/sql"
	"errors"
	"time"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/translog"
)

// Keys are the API keys in a control store. It is safe for concurrent use.
type Keys struct {
	db  *controldb.DB
	now func() time.Time
}

// New returns the keys that live in db.
func New(db *controldb.DB, now func() time.Time) *Keys { return &Keys{db: db, now: now} }

// Key describes a key without its secret. Its ID is the principal's.
type Key struct {
	ID        string
	Role      privacy.Role
	Tenant    string // empty for none
	Group     string // that its holder spends with; empty for none
	Name      string
	CreatedAt time.Time
	ExpiresAt *time.Time // nil: never
	RevokedAt *time.Time // nil: not revoked
}

// System is the principal that creates the first operator's key, before there
// is anyone to ask.
func System() privacy.Principal { return privacy.Principal{ID: "system", Role: privacy.RoleOperator} }

// Authenticate returns the principal that a secret belongs to. It fails with
// CodeUnauthenticated, the same for every reason, or with CodeSuspended when
// the key is good and its tenant is suspended.
//
// The key is found by its hash in an index. How long that takes depends on the
// hash of what was sent, which says nothing about the keys that exist.
func (k *Keys) Authenticate(ctx context.Context, secret string) (privacy.Principal, error) {
	hash, ok := hashSecret(secret)
	if !ok {
		return privacy.Principal{}, unauthenticated()
	}
	var p privacy.Principal
	var stored []byte
	var tenant sql.NullString
	var expires, revoked sql.NullInt64
	var suspended sql.NullBool
	err := k.db.QueryRowContext(ctx, `SELECT k.id, k.hash, k.role, k.tenant, k.spends_with, k.name, k.expires_at, k.revoked_at, t.suspended
		FROM api_keys k LEFT JOIN tenants t ON t.name = k.tenant WHERE k.hash = ?`, hash[:]).
		Scan(&p.ID, &stored, &p.Role, &tenant, &p.Group, &p.Name, &expires, &revoked, &suspended)
	if errors.Is(err, sql.ErrNoRows) {
		return privacy.Principal{}, unauthenticated()
	}
	if err != nil {
		return privacy.Principal{}, privacy.Internal(err, "reading a key")
	}
	p.Tenant = tenant.String
	switch {
	case subtle.ConstantTimeCompare(stored, hash[:]) != 1,
		revoked.Valid,
		expires.Valid && k.now().UnixMicro() >= expires.Int64,
		!p.Role.Valid(),
		tenant.Valid && !suspended.Valid: // a key without its tenant
		return privacy.Principal{}, unauthenticated()
	case suspended.Bool:
		return privacy.Principal{}, privacy.Errorf(privacy.CodeSuspended, "tenant %q is suspended", p.Tenant)
	}
	return p, nil
}

func unauthenticated() error {
	return privacy.Errorf(privacy.CodeUnauthenticated, "a valid API key is required")
}

// List returns the keys of one tenant, or every key when tenant is empty,
// newest first and revoked ones included.
func (k *Keys) List(ctx context.Context, tenant string) ([]Key, error) {
	rows, err := k.db.QueryContext(ctx, `SELECT id, role, tenant, spends_with, name, created_at, expires_at, revoked_at FROM api_keys
		WHERE ? = '' OR tenant = ? ORDER BY created_at DESC, id`, tenant, tenant)
	if err != nil {
		return nil, privacy.Internal(err, "listing keys")
	}
	defer rows.Close()
	keys := []Key{}
	for rows.Next() {
		key, err := scanKey(rows)
		if err != nil {
			return nil, privacy.Internal(err, "listing keys")
		}
		keys = append(keys, key)
	}
	if err := rows.Err(); err != nil {
		return nil, privacy.Internal(err, "listing keys")
	}
	return keys, nil
}

func scanKey(row interface{ Scan(...any) error }) (Key, error) {
	var key Key
	var tenant sql.NullString
	var created int64
	var expires, revoked sql.NullInt64
	if err := row.Scan(&key.ID, &key.Role, &tenant, &key.Group, &key.Name, &created, &expires, &revoked); err != nil {
		return Key{}, err
	}
	key.Tenant = tenant.String
	key.CreatedAt = time.UnixMicro(created).UTC()
	key.ExpiresAt, key.RevokedAt = timeOf(expires), timeOf(revoked)
	return key, nil
}

func timeOf(micros sql.NullInt64) *time.Time {
	if !micros.Valid {
		return nil
	}
	t := time.UnixMicro(micros.Int64).UTC()
	return &t
}

// Revoke ends a key. An operator may revoke any key, a tenant admin those of
// its tenant; to it, any other key is CodeNotFound, as one that does not
// exist. Revoking a key again changes nothing.
func (k *Keys) Revoke(ctx context.Context, id string, by privacy.Principal) error {
	if !by.Is(privacy.RoleOperator, privacy.RoleTenantAdmin) {
		return privacy.Errorf(privacy.CodeForbidden, "only operators and tenant admins revoke keys")
	}
	return k.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		key, err := scanKey(tx.QueryRowContext(ctx,
			`SELECT id, role, tenant, spends_with, name, created_at, expires_at, revoked_at FROM api_keys WHERE id = ?`, id))
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return privacy.Internal(err, "revoking a key")
		}
		if err != nil || !by.Is(privacy.RoleOperator) && !by.Owns(key.Tenant) {
			return privacy.Errorf(privacy.CodeNotFound, "there is no such key")
		}
		if key.RevokedAt != nil {
			return nil
		}
		if _, err := tx.ExecContext(ctx, `UPDATE api_keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL`, k.now().UnixMicro(), id); err != nil {
			return privacy.Internal(err, "revoking a key")
		}
		return k.log(ctx, tx, "revoke", key, by)
	})
}

func (k *Keys) log(ctx context.Context, tx *sql.Tx, act string, key Key, by privacy.Principal) error {
	_, err := translog.Append(ctx, tx, translog.Leaf{Kind: translog.KindKey, At: k.now(), Body: struct {
		Act    string `json:"act"`
		Key    string `json:"key"`
		Role   string `json:"role"`
		Tenant string `json:"tenant,omitempty"`
		Group  string `json:"group,omitempty"`
		By     string `json:"by"`
	}{act, key.ID, string(key.Role), key.Tenant, key.Group, by.ID}})
	return err
}
