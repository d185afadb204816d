package lineage

import (
	"context"
	"database/sql"
	"encoding/json"
	"maps"
	"slices"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
)

// Reads is what a release read.
type Reads struct {
	Tables      []string          // whose rows; the empty name in a dataset of one table
	Generations map[string]string // by tenant; empty for one that had loaded nothing. Public tables are the tenant ""
}

// Note records what a release read. It must run in the transaction that stores the
// release, so that there is none without.
func Note(ctx context.Context, tx *sql.Tx, release string, r Reads) error {
	const doing = "recording what a release read"
	tables, err := json.Marshal(r.Tables)
	if err != nil {
		return privacy.Internal(err, doing)
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO release_lineage (release, tables) VALUES (?, ?)`, release, string(tables)); err != nil {
		return privacy.Internal(err, doing)
	}
	rows := controldb.InsertInto("release_reads (release, tenant, generation)", 3)
	for _, tenant := range slices.Sorted(maps.Keys(r.Generations)) {
		rows.Add(release, tenant, r.Generations[tenant])
	}
	if err := rows.Write(ctx, tx); err != nil {
		return privacy.Internal(err, doing)
	}
	return nil
}
