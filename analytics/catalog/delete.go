package catalog

import (
	"context"
	"database/sql"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/translog"
)

// DeleteDatasetIn takes a dataset out of use for ever, in the caller's transaction:
// nobody is a member of it any more, its generations are retired, and the keys of
// its files, of its uploads and of its pseudonyms are forgotten (triggers of the store
// do that). Its contracts, its name and what was spent for it stay: the name is never
// given to another dataset.
//
// The log gets a leaf for the dataset, and one for each tenant that was a member or
// had data, so that each finds it among its own.
func (c *Catalog) DeleteDatasetIn(ctx context.Context, tx *sql.Tx, dataset string, by privacy.Principal) error {
	if _, err := latestVersion(ctx, tx, dataset); err != nil {
		return err
	}
	ends, err := c.endsWith(ctx, tx, dataset)
	if err != nil {
		return err
	}
	if _, err := exec(ctx, tx, "deleting a dataset", `INSERT INTO deleted_datasets (dataset, deleted_at, deleted_by) VALUES (?, ?, ?)`,
		dataset, c.now().UnixMicro(), by.ID); err != nil {
		return err
	}
	for _, e := range ends {
		e.body.Dataset, e.body.By = dataset, by.ID
		if err := c.log(ctx, tx, e.kind, e.body); err != nil {
			return err
		}
	}
	return c.log(ctx, tx, translog.KindContract, act{Act: "delete", Dataset: dataset, By: by.ID})
}

// ending is the leaf of what ends with a dataset.
type ending struct {
	kind string
	body act
}

// endsWith lists what ends with a dataset: memberships, and current generations.
func (c *Catalog) endsWith(ctx context.Context, tx *sql.Tx, dataset string) (ends []ending, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT tenant, '' FROM members WHERE dataset = ?1
		UNION ALL SELECT tenant, id FROM generations WHERE dataset = ?1 AND superseded_at IS NULL ORDER BY 1, 2`, dataset)
	if err != nil {
		return nil, privacy.Internal(err, "deleting a dataset")
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		e := ending{translog.KindGeneration, act{Act: "delete"}}
		if err := rows.Scan(&e.body.Tenant, &e.body.Generation); err != nil {
			return nil, privacy.Internal(err, "deleting a dataset")
		}
		if e.body.Generation == "" {
			e.kind, e.body.Act = translog.KindMember, "leave"
		}
		ends = append(ends, e)
	}
	if err := rows.Err(); err != nil {
		return nil, privacy.Internal(err, "deleting a dataset")
	}
	return ends, nil
}

// ExistsIn is CodeUnknownDataset for a dataset that there is not, or no longer.
func (c *Catalog) ExistsIn(ctx context.Context, tx *sql.Tx, dataset string) error {
	_, err := latestVersion(ctx, tx, dataset)
	return err
}

// deleted reports whether a dataset was deleted.
func deleted(ctx context.Context, r reader, dataset string) (was bool, err error) {
	err = r.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM deleted_datasets WHERE dataset = ?)`, dataset).Scan(&was)
	if err != nil {
		return false, privacy.Internal(err, "looking for deleted datasets")
	}
	return was, nil
}

// ToSweep returns the datasets that were deleted and have files left, by name.
func (c *Catalog) ToSweep(ctx context.Context) ([]string, error) {
	return names(ctx, c.db, `SELECT dataset FROM deleted_datasets WHERE swept_at IS NULL ORDER BY dataset`)
}

// HadData returns the tenants that may have left files in a dataset, [Public] among
// them, sorted.
func (c *Catalog) HadData(ctx context.Context, dataset string) ([]string, error) {
	return names(ctx, c.db, `SELECT tenant FROM generations WHERE dataset = ?1 UNION SELECT tenant FROM loads WHERE dataset = ?1 ORDER BY 1`, dataset)
}

// Swept records that nothing of a deleted dataset is left in files.
func (c *Catalog) Swept(ctx context.Context, dataset string) error {
	return c.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := exec(ctx, tx, "sweeping a deleted dataset", `UPDATE deleted_datasets SET swept_at = ? WHERE dataset = ? AND swept_at IS NULL`,
			c.now().UnixMicro(), dataset)
		return err
	})
}
