package authn

import (
	"context"
	"database/sql"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/noised/noised/privacy"
)

const maxName = 100

// KeyRequest describes a key to create.
type KeyRequest struct {
	Role      privacy.Role
	Tenant    string     // required, optional or refused by the role
	Group     string     // the group that its holder spends with; may be empty
	Name      string     // for people; may be empty
	ExpiresAt *time.Time // nil: never
}

// Create makes a key and returns its secret, which cannot be had again.
//
// An operator creates any key, a tenant admin keys of its own tenant only;
// anyone else gets CodeForbidden. Roles that act for a tenant need one, the
// operator must have none, analysts and auditors may have one. A tenant admin
// cannot put keys into a group that others' keys are in, since they would spend
// what the group has left; that is CodeConflict.
func (k *Keys) Create(ctx context.Context, r KeyRequest, by privacy.Principal) (Key, string, error) {
	if err := allowed(r, by); err != nil {
		return Key{}, "", err
	}
	now := k.now().UTC().Truncate(time.Microsecond)
	if err := r.check(now); err != nil {
		return Key{}, "", err
	}
	id := privacy.NewID("key")
	key := Key{ID: id, Principal: id, Role: r.Role, Tenant: r.Tenant, Group: r.Group, Name: r.Name, CreatedAt: now}
	var expires sql.NullInt64
	if r.ExpiresAt != nil {
		expires = sql.NullInt64{Int64: r.ExpiresAt.UnixMicro(), Valid: true}
		key.ExpiresAt = timeOf(expires)
	}
	secret := newSecret()
	hash, _ := hashSecret(secret)
	tenant := sql.NullString{String: r.Tenant, Valid: r.Tenant != ""}
	err := k.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := checkTenant(ctx, tx, r.Tenant); err != nil {
			return err
		}
		if err := k.checkGroup(ctx, tx, r, by); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO api_keys (id, hash, role, tenant, spends_with, name, created_at, created_by, expires_at, principal)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			key.ID, hash[:], string(key.Role), tenant, key.Group, key.Name, now.UnixMicro(), by.ID, expires, key.Principal)
		if err != nil {
			return privacy.Internal(err, "creating a key")
		}
		return k.log(ctx, tx, "create", key, by)
	})
	if err != nil {
		return Key{}, "", err
	}
	return key, secret, nil
}

// allowed says who may create which key.
func allowed(r KeyRequest, by privacy.Principal) error {
	switch {
	case by.Is(privacy.RoleOperator):
		return nil
	case !by.Is(privacy.RoleTenantAdmin):
		return privacy.Errorf(privacy.CodeForbidden, "only operators and tenant admins create keys")
	case r.Role == privacy.RoleOperator:
		return privacy.Errorf(privacy.CodeForbidden, "a tenant admin cannot create operators")
	case !by.Owns(r.Tenant):
		return privacy.Errorf(privacy.CodeForbidden, "a tenant admin creates keys of its own tenant only")
	}
	return nil
}

func (r KeyRequest) check(now time.Time) error {
	invalid := func(format string, args ...any) error {
		return privacy.Errorf(privacy.CodeInvalidRequest, format, args...)
	}
	switch {
	case !r.Role.Valid():
		return invalid("unknown role: use one of %v", privacy.Roles())
	case r.Role.NeedsTenant() && r.Tenant == "":
		return invalid("a key with role %s needs a tenant", r.Role)
	case r.Role == privacy.RoleOperator && r.Tenant != "":
		return invalid("an operator belongs to no tenant")
	case !utf8.ValidString(r.Name) || utf8.RuneCountInString(r.Name) > maxName || !printable(r.Name):
		return invalid("a key's name has at most %d printable characters", maxName)
	case r.ExpiresAt != nil && !r.ExpiresAt.After(now):
		return invalid("expires_at has passed")
	case r.Group != "":
		return CheckGroup(r.Group)
	}
	return nil
}

// CheckGroup refuses what cannot name a group that principals spend with.
func CheckGroup(name string) error {
	if name == reservedGroup {
		return privacy.Errorf(privacy.CodeInvalidRequest, "a group cannot be named %q: budgets give that name to what caps groups without a cap of their own", name)
	}
	return privacy.CheckName("group", name)
}

// reservedGroup is what budgets call the cap of groups that have none of their own.
const reservedGroup = "default"

// checkGroup refuses a tenant admin's key for a group that has keys elsewhere.
func (k *Keys) checkGroup(ctx context.Context, tx *sql.Tx, r KeyRequest, by privacy.Principal) error {
	if r.Group == "" || by.Is(privacy.RoleOperator) {
		return nil
	}
	others := slices.ContainsFunc(k.named[r.Group], func(tenant string) bool { return tenant != r.Tenant })
	if others {
		return privacy.Errorf(privacy.CodeConflict, "the group %q is named by tokens that are not this tenant's alone: choose another name, or ask the operator", r.Group)
	}
	err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM api_keys WHERE spends_with = ? AND spends_with <> '' AND tenant IS NOT ?)`,
		r.Group, r.Tenant).Scan(&others)
	if err != nil {
		return privacy.Internal(err, "creating a key")
	}
	if others {
		return privacy.Errorf(privacy.CodeConflict, "the group %q has keys that are not this tenant's: choose another name, or ask the operator", r.Group)
	}
	return nil
}

func printable(s string) bool {
	for _, c := range s {
		if !unicode.IsPrint(c) {
			return false
		}
	}
	return true
}

func checkTenant(ctx context.Context, tx *sql.Tx, tenant string) error {
	if tenant == "" {
		return nil
	}
	var exists bool
	if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM tenants WHERE name = ?)`, tenant).Scan(&exists); err != nil {
		return privacy.Internal(err, "creating a key")
	}
	if !exists {
		return privacy.Errorf(privacy.CodeNotFound, "there is no such tenant")
	}
	return nil
}
