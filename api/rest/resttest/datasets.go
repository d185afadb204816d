package resttest

import (
	"context"
	"database/sql"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
)

// Datasets deletes datasets that have nothing but a contract.
type Datasets struct {
	DB      *controldb.DB
	Catalog *catalog.Catalog
}

// Delete deletes a dataset.
func (d Datasets) Delete(ctx context.Context, dataset string, by privacy.Principal) error {
	return d.DB.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error { return d.Catalog.DeleteDatasetIn(ctx, tx, dataset, by) })
}
