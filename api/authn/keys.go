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
	db   *controldb.DB
	now  func() time.Time
	uses uses

	named map[string][]string // groups that issuers of tokens name, and for whose tokens
}

// Named tells which groups issuers of tokens name, and of which tenants their tokens are;
// "" stands for others than one. It is called before there are callers.
func (k *Keys) Named(groups map[string][]string) { k.named = groups }

// New returns the keys that live in db.
func New(db *controldb.DB, now func() time.Time) *Keys { return &Keys{db: db, now: now} }

// Key describes a key without its secret. Its principal is named after the
// first of the keys that replaced one another.
type Key struct {
	ID          string
	Principal   string
	Role        privacy.Role
	Tenant      string // empty for none
	Group       string // that its holder spends with; empty for none
	Name        string
	CreatedAt   time.Time
	ExpiresAt   *time.Time // nil: never
	RevokedAt   *time.Time // nil: not revoked
	LastUsedAt  *time.Time // to the minute; nil: not used so far
	RotatedFrom string     // the key that it replaced; empty for none
}

// selectKey reads what scanKey scans.
const selectKey = `SELECT k.id, k.principal, k.role, k.tenant, k.spends_with, k.name, k.created_at, k.expires_at, k.revoked_at,
	u.used_at, k.rotated_from FROM api_keys k LEFT JOIN key_uses u ON u.key = k.id`

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
	var id string
	var stored []byte
	var tenant sql.NullString
	var expires, revoked sql.NullInt64
	var suspended sql.NullBool
	var ended bool // the principal is revoked
	err := k.db.QueryRowContext(ctx, `SELECT k.id, k.principal, k.hash, k.role, k.tenant, k.spends_with, k.name, k.expires_at, k.revoked_at, t.suspended,
		EXISTS (SELECT 1 FROM revoked_principals r WHERE r.principal = k.principal)
		FROM api_keys k LEFT JOIN tenants t ON t.name = k.tenant WHERE k.hash = ?`, hash[:]).
		Scan(&id, &p.ID, &stored, &p.Role, &tenant, &p.Group, &p.Name, &expires, &revoked, &suspended, &ended)
	if errors.Is(err, sql.ErrNoRows) {
		return privacy.Principal{}, unauthenticated()
	}
	if err != nil {
		return privacy.Principal{}, privacy.Internal(err, "reading a key")
	}
	p.Tenant = tenant.String
	now := k.now()
	switch {
	case subtle.ConstantTimeCompare(stored, hash[:]) != 1,
		revoked.Valid, ended,
		expires.Valid && now.UnixMicro() >= expires.Int64,
		!p.Role.Valid(),
		tenant.Valid && !suspended.Valid: // a key without its tenant
		return privacy.Principal{}, unauthenticated()
	case suspended.Bool:
		return privacy.Principal{}, ofSuspended(p)
	}
	k.uses.note(id, now)
	return p, nil
}

// Unauthenticated is the answer to all credentials that do not hold. It is the
// same for every reason and for every kind of credential.
func Unauthenticated() error { return unauthenticated() }

func unauthenticated() error {
	return privacy.Errorf(privacy.CodeUnauthenticated, "valid credentials are required: an API key, a token or a client certificate that this server knows")
}

// List returns the keys of one tenant, or every key when tenant is empty,
// newest first and revoked ones included.
func (k *Keys) List(ctx context.Context, tenant string) ([]Key, error) {
	rows, err := k.db.QueryContext(ctx, selectKey+`
		WHERE ? = '' OR k.tenant = ? ORDER BY k.created_at DESC, k.id`, tenant, tenant)
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
	var tenant, from sql.NullString
	var created int64
	var expires, revoked, used sql.NullInt64
	if err := row.Scan(&key.ID, &key.Principal, &key.Role, &tenant, &key.Group, &key.Name, &created, &expires, &revoked, &used, &from); err != nil {
		return Key{}, err
	}
	key.Tenant, key.RotatedFrom = tenant.String, from.String
	key.CreatedAt = time.UnixMicro(created).UTC()
	key.ExpiresAt, key.RevokedAt, key.LastUsedAt = timeOf(expires), timeOf(revoked), timeOf(used)
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
		key, err := k.owned(ctx, tx, id, by)
		if err != nil {
			return err
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

// principalOf names the principal of a key that replaced another.
func principalOf(key Key) string {
	if key.Principal == key.ID {
		return ""
	}
	return key.Principal
}

func (k *Keys) log(ctx context.Context, tx *sql.Tx, act string, key Key, by privacy.Principal) error {
	_, err := translog.Append(ctx, tx, translog.Leaf{Kind: translog.KindKey, At: k.now(), Body: struct {
		Act       string `json:"act"`
		Key       string `json:"key"`
		Role      string `json:"role"`
		Tenant    string `json:"tenant,omitempty"`
		Group     string `json:"group,omitempty"`
		Principal string `json:"principal,omitempty"` // where it is not the key's own
		From      string `json:"from,omitempty"`      // the key that it replaced
		By        string `json:"by"`
	}{act, key.ID, string(key.Role), key.Tenant, key.Group, principalOf(key), key.RotatedFrom, by.ID}})
	return err
}
