package controldb

import (
	"context"
	"database/sql"

	"github.com/noised/noised/privacy"
)

// View runs fn in a transaction that reads, and sees one consistent state however
// many statements it takes. It waits for no writer and keeps none waiting.
func (d *DB) View(ctx context.Context, fn func(ctx context.Context, tx *sql.Tx) error) error {
	if err := d.ready(ctx); err != nil {
		return err
	}
	tx, err := d.reader.BeginTx(ctx, nil)
	if err != nil {
		return privacy.Internal(err, "reading the control store")
	}
	defer func() { _ = tx.Rollback() }()
	return fn(ctx, tx)
}
