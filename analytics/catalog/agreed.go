package catalog

import (
	"context"
	"database/sql"
	"slices"
	"strconv"

	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/privacy"
)

// Agreed is what a change to a dataset is compared with: the latest version of
// its contract, which says who must agree, and its members.
type Agreed struct {
	Latest   *contract.Contract
	Accepted []*contract.Contract // the versions that members are under
	Members  []string             // sorted; suspended ones too
}

// TemplatesOnly reports whether anybody was promised that nothing but approved
// templates is asked: under the latest version, or under one that a member is still
// under.
func (a Agreed) TemplatesOnly() bool {
	return a.Latest.TemplatesOnly || slices.ContainsFunc(a.Accepted, func(c *contract.Contract) bool { return c.TemplatesOnly })
}

// AgreedIn returns what was agreed on for a dataset so far, as a transaction
// finds it; CodeUnknownDataset where there is no such dataset. It must not be
// asked after the transaction has put a version: what is read is kept, and the
// transaction may yet fail.
func (c *Catalog) AgreedIn(ctx context.Context, tx *sql.Tx, dataset string) (Agreed, error) {
	latest, err := latestVersion(ctx, tx, dataset)
	if err != nil {
		return Agreed{}, err
	}
	a := Agreed{Members: []string{}}
	if a.Latest, err = c.contractIn(ctx, tx, dataset, latest); err != nil {
		return Agreed{}, err
	}
	if a.Members, err = names(ctx, tx, `SELECT tenant FROM members WHERE dataset = ? ORDER BY tenant`, dataset); err != nil {
		return Agreed{}, err
	}
	a.Accepted, err = c.acceptedIn(ctx, tx, dataset)
	return a, err
}

func (c *Catalog) acceptedIn(ctx context.Context, tx *sql.Tx, dataset string) (all []*contract.Contract, err error) {
	versions, err := names(ctx, tx, `SELECT DISTINCT version FROM members WHERE dataset = ? ORDER BY version`, dataset)
	if err != nil {
		return nil, err
	}
	for _, text := range versions {
		version, err := strconv.Atoi(text)
		if err != nil {
			return nil, privacy.Internal(err, "reading members")
		}
		accepted, err := c.contractIn(ctx, tx, dataset, version)
		if err != nil {
			return nil, err
		}
		all = append(all, accepted)
	}
	return all, nil
}

// MembershipsIn returns the datasets that a tenant is a member of, sorted.
func (c *Catalog) MembershipsIn(ctx context.Context, tx *sql.Tx, tenant string) ([]string, error) {
	return names(ctx, tx, `SELECT dataset FROM members WHERE tenant = ? ORDER BY dataset`, tenant)
}

func names(ctx context.Context, r reader, query string, args ...any) ([]string, error) {
	rows, err := r.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, privacy.Internal(err, "reading members")
	}
	defer func() { _ = rows.Close() }()
	all := []string{}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, privacy.Internal(err, "reading members")
		}
		all = append(all, name)
	}
	if err := rows.Err(); err != nil {
		return nil, privacy.Internal(err, "reading members")
	}
	return all, nil
}
