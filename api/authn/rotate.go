package authn

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/noised/noised/privacy"
)

// MaxOverlap is the longest time that a key lives on beside the one that
// replaces it.
const MaxOverlap = 30 * 24 * time.Hour

// Rotate makes a key that replaces another and returns its secret. The new key
// acts for the same principal: it has the same role, tenant and group, spends
// from the same accounts and reads the same releases. It lives as long as the
// old one was made to. The old one ends after the overlap, or when it would
// have ended if that is earlier.
//
// Whoever may revoke a key may rotate it, and others get the same errors as
// there. A key that is revoked, or that was replaced before, is CodeConflict:
// one principal has one line of keys.
func (k *Keys) Rotate(ctx context.Context, id string, overlap time.Duration, by privacy.Principal) (Key, string, error) {
	if !by.Is(privacy.RoleOperator, privacy.RoleTenantAdmin) {
		return Key{}, "", privacy.Errorf(privacy.CodeForbidden, "only operators and tenant admins rotate keys")
	}
	if overlap < 0 || overlap > MaxOverlap {
		return Key{}, "", privacy.Errorf(privacy.CodeInvalidRequest, "the overlap must be between 0s and %s", MaxOverlap)
	}
	secret := newSecret()
	hash, _ := hashSecret(secret)
	var next Key
	err := k.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		old, err := k.owned(ctx, tx, id, by)
		if err != nil {
			return err
		}
		now := k.now().UTC().Truncate(time.Microsecond)
		if next, err = k.succeed(ctx, tx, old, now); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO api_keys (id, hash, role, tenant, spends_with, name, created_at, created_by, expires_at, principal, rotated_from)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			next.ID, hash[:], string(next.Role), sql.NullString{String: next.Tenant, Valid: next.Tenant != ""}, next.Group, next.Name,
			now.UnixMicro(), by.ID, microsOf(next.ExpiresAt), next.Principal, old.ID)
		if err != nil {
			return privacy.Internal(err, "rotating a key")
		}
		if end := now.Add(overlap); old.ExpiresAt == nil || end.Before(*old.ExpiresAt) {
			if _, err := tx.ExecContext(ctx, `UPDATE api_keys SET expires_at = ? WHERE id = ?`, end.UnixMicro(), old.ID); err != nil {
				return privacy.Internal(err, "rotating a key")
			}
		}
		return k.log(ctx, tx, "rotate", next, by)
	})
	if err != nil {
		return Key{}, "", err
	}
	return next, secret, nil
}

// succeed describes the key that replaces old.
func (k *Keys) succeed(ctx context.Context, tx *sql.Tx, old Key, now time.Time) (Key, error) {
	var replaced bool
	err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM api_keys WHERE rotated_from = ?)`, old.ID).Scan(&replaced)
	switch {
	case err != nil:
		return Key{}, privacy.Internal(err, "rotating a key")
	case replaced:
		return Key{}, privacy.Errorf(privacy.CodeConflict, "this key was replaced before: rotate the one that replaced it")
	case old.RevokedAt != nil:
		return Key{}, privacy.Errorf(privacy.CodeConflict, "this key is revoked and cannot be replaced: create another")
	}
	next := old
	next.ID, next.CreatedAt, next.ExpiresAt, next.LastUsedAt, next.RotatedFrom = privacy.NewID("key"), now, nil, nil, old.ID
	if old.ExpiresAt != nil {
		end := now.Add(old.ExpiresAt.Sub(old.CreatedAt))
		next.ExpiresAt = &end
	}
	return next, nil
}

// owned returns a key that by may end; any other is CodeNotFound, as one that
// does not exist.
func (k *Keys) owned(ctx context.Context, tx *sql.Tx, id string, by privacy.Principal) (Key, error) {
	key, err := scanKey(tx.QueryRowContext(ctx, selectKey+` WHERE k.id = ?`, id))
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return Key{}, privacy.Internal(err, "reading a key")
	}
	if err != nil || !by.Is(privacy.RoleOperator) && !by.Owns(key.Tenant) {
		return Key{}, privacy.Errorf(privacy.CodeNotFound, "there is no such key")
	}
	return key, nil
}

func microsOf(t *time.Time) sql.NullInt64 {
	if t == nil {
		return sql.NullInt64{}
	}
	return sql.NullInt64{Int64: t.UnixMicro(), Valid: true}
}
