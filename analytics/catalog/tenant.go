package catalog

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/noised/noised/analytics/residency"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/containment"
	"github.com/noised/noised/privacy/translog"
)

// Tenant is an organisation that owns data.
type Tenant struct {
	Name      string
	Region    string // where its rows belong, see package residency; empty for none
	Suspended bool   // its principals are refused and its data takes part in no query
	CreatedAt time.Time
}

// CreateTenant adds a tenant. A tenant that is created again after it was
// deleted finds its budget accounts as they were, and nothing else.
func (c *Catalog) CreateTenant(ctx context.Context, name, region string, by privacy.Principal) (Tenant, error) {
	if err := privacy.CheckName("tenant", name); err != nil {
		return Tenant{}, err
	}
	region, err := residency.Check(region)
	if err != nil {
		return Tenant{}, err
	}
	t := Tenant{Name: name, Region: region, CreatedAt: c.now().UTC().Truncate(time.Microsecond)}
	err = c.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		n, err := exec(ctx, tx, "creating a tenant",
			`INSERT INTO tenants (name, region, suspended, created_at, created_by) VALUES (?, ?, 0, ?, ?) ON CONFLICT (name) DO NOTHING`,
			name, region, t.CreatedAt.UnixMicro(), by.ID)
		if err != nil {
			return err
		}
		if n == 0 {
			return privacy.Errorf(privacy.CodeConflict, "tenant %q exists", name)
		}
		return c.log(ctx, tx, translog.KindTenant, act{Act: "create", Tenant: name, By: by.ID})
	})
	if err != nil {
		return Tenant{}, err
	}
	return t, nil
}

// Tenants returns every tenant by name.
func (c *Catalog) Tenants(ctx context.Context) ([]Tenant, error) {
	rows, err := c.db.QueryContext(ctx, `SELECT name, region, suspended, created_at FROM tenants ORDER BY name`)
	if err != nil {
		return nil, privacy.Internal(err, "listing tenants")
	}
	defer rows.Close()
	tenants := []Tenant{}
	for rows.Next() {
		t, err := scanTenant(rows)
		if err != nil {
			return nil, privacy.Internal(err, "listing tenants")
		}
		tenants = append(tenants, t)
	}
	if err := rows.Err(); err != nil {
		return nil, privacy.Internal(err, "listing tenants")
	}
	return tenants, nil
}

// Tenant returns one tenant, or CodeNotFound.
func (c *Catalog) Tenant(ctx context.Context, name string) (Tenant, error) {
	return tenantIn(ctx, c.db, name)
}

func tenantIn(ctx context.Context, r reader, name string) (Tenant, error) {
	t, err := scanTenant(r.QueryRowContext(ctx, `SELECT name, region, suspended, created_at FROM tenants WHERE name = ?`, name))
	if errors.Is(err, sql.ErrNoRows) {
		return Tenant{}, unknownTenant(name)
	}
	if err != nil {
		return Tenant{}, privacy.Internal(err, "reading a tenant")
	}
	return t, nil
}

func scanTenant(row interface{ Scan(...any) error }) (Tenant, error) {
	var t Tenant
	var at int64
	if err := row.Scan(&t.Name, &t.Region, &t.Suspended, &at); err != nil {
		return Tenant{}, err
	}
	t.CreatedAt = time.UnixMicro(at).UTC()
	return t, nil
}

// SetSuspended suspends a tenant for the operators, or lifts that. Its data, keys
// and accounts stay.
func (c *Catalog) SetSuspended(ctx context.Context, name string, suspended bool, by privacy.Principal) error {
	return c.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		t, err := tenantIn(ctx, tx, name)
		if err != nil {
			return err
		}
		if t.Suspended == suspended {
			return nil
		}
		return containment.SetTenant(ctx, tx, name, suspended, by, c.now())
	})
}

// DeleteTenant removes a tenant with its memberships and keys, and takes its
// generations out of use. Its budget accounts keep what they have spent; its
// pseudonym keys stay, so that a load that is still running cannot mix
// pseudonyms of two keys under one name.
func (c *Catalog) DeleteTenant(ctx context.Context, name string, by privacy.Principal) error {
	return c.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		n, err := exec(ctx, tx, "deleting a tenant", `DELETE FROM tenants WHERE name = ?`, name)
		if err != nil {
			return err
		}
		if n == 0 {
			return unknownTenant(name)
		}
		if _, err := exec(ctx, tx, "deleting a tenant",
			`UPDATE generations SET superseded_at = ? WHERE tenant = ? AND superseded_at IS NULL`, c.now().UnixMicro(), name); err != nil {
			return err
		}
		return c.log(ctx, tx, translog.KindTenant, act{Act: "delete", Tenant: name, By: by.ID})
	})
}
