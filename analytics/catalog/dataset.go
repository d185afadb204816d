package catalog

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/translog"
)

// Dataset is a contract and the tenants that contribute to it.
type Dataset struct {
	Name     string
	Contract *contract.Contract // the version in force; shared, not to be changed
	Latest   int                // the number of the latest version
	Members  []Member           // sorted by tenant
}

// Member is a tenant that accepted one version of a dataset's contract.
type Member struct {
	Tenant    string
	Version   int
	Region    string // as Tenant.Region
	Suspended bool   // by the operators or by itself
}

// Active returns the members whose data queries may read: those that accepted
// the version in force and are not suspended, sorted.
func (d Dataset) Active() []string {
	var active []string
	for _, m := range d.Members {
		if m.Version == d.Contract.Version && !m.Suspended {
			active = append(active, m.Tenant)
		}
	}
	return active
}

// Member returns the membership of a tenant.
func (d Dataset) Member(tenant string) (Member, bool) {
	for _, m := range d.Members {
		if m.Tenant == tenant {
			return m, true
		}
	}
	return Member{}, false
}

// inForce is the highest version that a member accepted, else the latest.
func inForce(latest int, members []Member) int {
	version := 0
	for _, m := range members {
		version = max(version, m.Version)
	}
	if version == 0 {
		return latest
	}
	return version
}

// PutDataset adds a version of a contract; doc is the document that c was
// parsed from. Versions are numbered from 1 without gaps: any other number is
// CodeConflict. So is a version with another budget_per: rows that move to
// another period would meet an account that has not paid for what was learnt
// about them in the one before. So is a dataset that was deleted.
func (c *Catalog) PutDataset(ctx context.Context, parsed *contract.Contract, doc []byte, by privacy.Principal) error {
	return c.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error { return c.PutDatasetIn(ctx, tx, parsed, doc, by) })
}

// PutDatasetIn is PutDataset within the caller's transaction.
func (c *Catalog) PutDatasetIn(ctx context.Context, tx *sql.Tx, parsed *contract.Contract, doc []byte, by privacy.Principal) error {
	latest, err := latestVersion(ctx, tx, parsed.Dataset)
	if err != nil && privacy.CodeOf(err) != privacy.CodeUnknownDataset {
		return err
	}
	if was, err := deleted(ctx, tx, parsed.Dataset); err != nil {
		return err
	} else if was {
		return privacy.Errorf(privacy.CodeConflict, "dataset %q was deleted, and its name stays with what was spent for it", parsed.Dataset).
			Suggest("give the new dataset another name")
	}
	if parsed.Version != latest+1 {
		return privacy.Errorf(privacy.CodeConflict, "the next version of dataset %q is %d, not %d", parsed.Dataset, latest+1, parsed.Version)
	}
	if err := c.keepsPeriods(ctx, tx, parsed, latest); err != nil {
		return err
	}
	if _, err := exec(ctx, tx, "storing a contract",
		`INSERT INTO dataset_versions (dataset, version, document, created_at, created_by) VALUES (?, ?, ?, ?, ?)`,
		parsed.Dataset, parsed.Version, doc, c.now().UnixMicro(), by.ID); err != nil {
		return err
	}
	return c.log(ctx, tx, translog.KindContract, act{Act: "publish", Dataset: parsed.Dataset, Version: parsed.Version, By: by.ID})
}

// keepsPeriods refuses a version that gives rows other periods than the latest.
func (c *Catalog) keepsPeriods(ctx context.Context, tx *sql.Tx, parsed *contract.Contract, latest int) error {
	if latest == 0 {
		return nil
	}
	before, err := c.contractIn(ctx, tx, parsed.Dataset, latest)
	if err != nil {
		return err
	}
	if !parsed.BudgetPer.Same(before.BudgetPer) {
		return privacy.Errorf(privacy.CodeConflict,
			"a new version of dataset %q cannot add, change or remove budget_per: what earlier queries spent is kept per period", parsed.Dataset)
	}
	return nil
}

const datasetColumns = `SELECT v.dataset, v.latest, coalesce(c.change, 0), m.tenant, m.version, t.region, t.suspended OR t.paused
	FROM (SELECT dataset, max(version) AS latest FROM dataset_versions
		WHERE dataset NOT IN (SELECT dataset FROM deleted_datasets) %s GROUP BY dataset) v
	LEFT JOIN member_changes c ON c.dataset = v.dataset
	LEFT JOIN members m ON m.dataset = v.dataset
	LEFT JOIN tenants t ON t.name = m.tenant
	ORDER BY v.dataset, m.tenant`

// Datasets returns every dataset by name.
func (c *Catalog) Datasets(ctx context.Context) ([]Dataset, error) {
	all, _, err := c.datasets(ctx, c.db, fmt.Sprintf(datasetColumns, ""))
	return all, err
}

// Dataset returns one dataset, or CodeUnknownDataset.
func (c *Catalog) Dataset(ctx context.Context, name string) (Dataset, error) {
	if kept, change, ok := c.members.Get(name); ok {
		var last int64
		err := c.db.QueryRowContext(ctx, `SELECT coalesce(max(change), 0) FROM member_changes WHERE dataset = ?`, name).Scan(&last)
		if err != nil {
			return Dataset{}, privacy.Internal(err, "reading what has changed")
		}
		if last == change {
			kept.Members = slices.Clone(kept.Members)
			return kept, nil
		}
	}
	d, change, err := c.datasetIn(ctx, c.db, name)
	if err != nil {
		return Dataset{}, err
	}
	c.members.Put(name, change, d, 1+len(d.Members))
	d.Members = slices.Clone(d.Members)
	return d, nil
}

// datasetIn reads a dataset, as it is after the change that it returns.
func (c *Catalog) datasetIn(ctx context.Context, r reader, name string) (Dataset, int64, error) {
	found, changes, err := c.datasets(ctx, r, fmt.Sprintf(datasetColumns, "AND dataset = ?"), name)
	if err != nil {
		return Dataset{}, 0, err
	}
	if len(found) == 0 {
		return Dataset{}, 0, unknownDataset(name)
	}
	return found[0], changes[0], nil
}

// datasets reads datasets with their members in one statement, so that both
// are of one moment.
func (c *Catalog) datasets(ctx context.Context, r reader, query string, args ...any) (all []Dataset, changes []int64, err error) {
	all, changes, err = scanDatasets(ctx, r, query, args...)
	if err != nil {
		return nil, nil, privacy.Internal(err, "reading datasets")
	}
	for i := range all {
		d := &all[i]
		d.Contract, err = c.contractIn(ctx, r, d.Name, inForce(d.Latest, d.Members))
		if err != nil {
			return nil, nil, err
		}
	}
	return all, changes, nil
}

func scanDatasets(ctx context.Context, r reader, query string, args ...any) (all []Dataset, changes []int64, err error) {
	rows, err := r.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	all = []Dataset{}
	for rows.Next() {
		var name string
		var latest int
		var change int64
		var tenant, region sql.NullString
		var version sql.NullInt64
		var suspended sql.NullBool
		if err := rows.Scan(&name, &latest, &change, &tenant, &version, &region, &suspended); err != nil {
			return nil, nil, err
		}
		if len(all) == 0 || all[len(all)-1].Name != name {
			all = append(all, Dataset{Name: name, Latest: latest, Members: []Member{}})
			changes = append(changes, change)
		}
		if tenant.Valid {
			d := &all[len(all)-1]
			d.Members = append(d.Members, Member{Tenant: tenant.String, Version: int(version.Int64), Region: region.String, Suspended: suspended.Bool})
		}
	}
	return all, changes, rows.Err()
}

// Accept records that a tenant agrees to one version of a dataset's contract.
// From then on its data may be queried under that version, once it is in
// force.
func (c *Catalog) Accept(ctx context.Context, dataset, tenant string, version int, by privacy.Principal) error {
	return c.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error { return c.AcceptIn(ctx, tx, dataset, tenant, version, by) })
}

// AcceptIn is Accept within the caller's transaction.
func (c *Catalog) AcceptIn(ctx context.Context, tx *sql.Tx, dataset, tenant string, version int, by privacy.Principal) error {
	if err := c.ExistsIn(ctx, tx, dataset); err != nil { // a contract outlives its dataset
		return err
	}
	if _, err := c.contractIn(ctx, tx, dataset, version); err != nil {
		return err
	}
	if _, err := tenantIn(ctx, tx, tenant); err != nil {
		return err
	}
	n, err := exec(ctx, tx, "accepting a contract", `INSERT INTO members (dataset, tenant, version, accepted_at, accepted_by)
		VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (dataset, tenant) DO UPDATE
		SET version = excluded.version, accepted_at = excluded.accepted_at, accepted_by = excluded.accepted_by
		WHERE members.version <> excluded.version`,
		dataset, tenant, version, c.now().UnixMicro(), by.ID)
	if err != nil || n == 0 {
		return err
	}
	return c.log(ctx, tx, translog.KindMember, act{Act: "accept", Dataset: dataset, Tenant: tenant, Version: version, By: by.ID})
}

// Leave ends a membership. The tenant's data stays where it is and is read by
// no query unless the tenant accepts again.
func (c *Catalog) Leave(ctx context.Context, dataset, tenant string, by privacy.Principal) error {
	return c.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := latestVersion(ctx, tx, dataset); err != nil {
			return err
		}
		n, err := exec(ctx, tx, "leaving a dataset", `DELETE FROM members WHERE dataset = ? AND tenant = ?`, dataset, tenant)
		if err != nil {
			return err
		}
		if n == 0 {
			return privacy.Errorf(privacy.CodeNotFound, "tenant %q is not a member of dataset %q", clip(tenant), dataset)
		}
		return c.log(ctx, tx, translog.KindMember, act{Act: "leave", Dataset: dataset, Tenant: tenant, By: by.ID})
	})
}
