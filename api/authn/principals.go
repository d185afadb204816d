package authn

import (
	"context"
	"database/sql"
	"errors"
	"regexp"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/translog"
)

// principalID is what the id of a principal looks like: a prefix that says
// where it comes from, and opaque characters.
var principalID = regexp.MustCompile(`^[a-z]{3,8}_[A-Za-z0-9_-]{1,64}$`)

// RevokePrincipal refuses a principal from the next call on, whatever it
// authenticates with: its keys, tokens of its issuer, its certificates. It is
// for good. Only operators may; a principal need not have been seen before.
func (k *Keys) RevokePrincipal(ctx context.Context, id string, by privacy.Principal) error {
	if !by.Is(privacy.RoleOperator) {
		return privacy.Errorf(privacy.CodeForbidden, "only operators revoke principals")
	}
	if !principalID.MatchString(id) {
		return privacy.Errorf(privacy.CodeInvalidRequest, "this is not the id of a principal")
	}
	if id == by.ID {
		return privacy.Errorf(privacy.CodeConflict, "a principal cannot revoke itself")
	}
	return k.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `INSERT INTO revoked_principals (principal, revoked_at, revoked_by) VALUES (?, ?, ?)
			ON CONFLICT (principal) DO NOTHING`, id, k.now().UnixMicro(), by.ID)
		if err != nil {
			return privacy.Internal(err, "revoking a principal")
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return err // revoked before
		}
		_, err = translog.Append(ctx, tx, translog.Leaf{Kind: translog.KindPrincipal, At: k.now(), Body: struct {
			Act       string `json:"act"`
			Principal string `json:"principal"`
			By        string `json:"by"`
		}{"revoke", id, by.ID}})
		return err
	})
}

// standing refuses principals that are revoked, and those of a tenant that does
// not exist or is suspended. It may have none.
func (k *Keys) standing(ctx context.Context, p privacy.Principal) error {
	var revoked bool
	var suspended sql.NullBool
	err := k.db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM revoked_principals WHERE principal = ?),
		(SELECT suspended FROM tenants WHERE name = ?)`, p.ID, p.Tenant).Scan(&revoked, &suspended)
	switch {
	case err != nil && !errors.Is(err, sql.ErrNoRows):
		return privacy.Internal(err, "reading the standing of a principal")
	case err != nil, revoked, p.Tenant != "" && !suspended.Valid:
		return unauthenticated()
	case suspended.Bool:
		return ofSuspended(p)
	}
	return nil
}
