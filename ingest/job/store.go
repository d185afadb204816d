package job

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/noised/noised/ingest/order"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/containment"
)

// record is a load as it is stored.
type record struct {
	Load
	seq         int64
	tenantSince int64
	encoding    string
	maxBad      int64
	sha256      string
	attempts    int
	segment     string
	by          string // the principal that sent it
	ignored     string // IgnoredColumns, as they are stored

	// Of the attempt only; never stored.
	stored int64       // rows of the new segment
	basis  order.Basis // of the new segment
}

// into is the table that a load is for.
func (j record) into() order.Table {
	return order.Table{Tenant: j.Tenant, Dataset: j.Dataset, Name: j.Table}
}

// querier is what both the store and a transaction read through.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

const columns = `seq, id, tenant, tenant_since, dataset, table_name, load_id, write_mode, format, encoding, max_bad, dry_run, sha256, bytes, state,
	attempts, segment, rows_read, rows_loaded, rows_rejected, ignored, generation, error_code, error, created_at, finished_at, created_by`

// find reads the loads that a condition selects. The condition is constant
// text; values are arguments.
func find(ctx context.Context, q querier, condition string, args ...any) ([]record, error) {
	rows, err := q.QueryContext(ctx, "SELECT "+columns+" FROM loads WHERE "+condition, args...)
	if err != nil {
		return nil, privacy.Internal(err, "reading loads")
	}
	defer rows.Close()
	var found []record
	for rows.Next() {
		j, err := scan(rows)
		if err != nil {
			return nil, privacy.Internal(err, "reading loads")
		}
		found = append(found, j)
	}
	if err := rows.Err(); err != nil {
		return nil, privacy.Internal(err, "reading loads")
	}
	return found, nil
}

func scan(rows *sql.Rows) (record, error) {
	var j record
	var created int64
	var segment, generation, code, message sql.NullString
	var finished sql.NullInt64
	err := rows.Scan(&j.seq, &j.ID, &j.Tenant, &j.tenantSince, &j.Dataset, &j.Table, &j.LoadID, &j.Write, &j.Format, &j.encoding, &j.maxBad, &j.DryRun,
		&j.sha256, &j.Bytes, &j.State, &j.attempts, &segment, &j.RowsRead, &j.RowsLoaded, &j.RowsRejected, &j.ignored, &generation,
		&code, &message, &created, &finished, &j.by)
	if err != nil {
		return record{}, err
	}
	j.segment, j.Generation = segment.String, generation.String
	j.CreatedAt = time.UnixMicro(created).UTC()
	if finished.Valid {
		at := time.UnixMicro(finished.Int64).UTC()
		j.FinishedAt = &at
	}
	if code.Valid {
		j.Error = &Failure{Code: privacy.Code(code.String), Message: message.String}
	}
	return j, nil
}

func insert(ctx context.Context, tx *sql.Tx, j record, by privacy.Principal) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO loads (id, tenant, tenant_since, dataset, table_name, load_id, write_mode, format, encoding, max_bad, dry_run,
		sha256, bytes, state, created_by, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		j.ID, j.Tenant, j.tenantSince, j.Dataset, j.Table, j.LoadID, j.Write, j.Format, j.encoding, j.maxBad, j.DryRun,
		j.sha256, j.Bytes, j.State, by.ID, j.CreatedAt.UnixMicro())
	if err != nil {
		return privacy.Internal(err, "recording a load")
	}
	return nil
}

// errOvertaken means that the load is no longer in the state, or in the hands
// of the attempt, that a change was made for.
var errOvertaken = errors.New("the load was overtaken")

// swap is a compare-and-swap: it runs an UPDATE and fails with errOvertaken
// unless exactly one row was there to change.
func swap(ctx context.Context, tx *sql.Tx, update string, args ...any) error {
	res, err := tx.ExecContext(ctx, update, args...)
	if err != nil {
		return privacy.Internal(err, "changing a load")
	}
	n, err := res.RowsAffected()
	if err != nil {
		return privacy.Internal(err, "changing a load")
	}
	if n != 1 {
		return errOvertaken
	}
	return nil
}

// turn orders waiting loads: tenants take turns, so that one with many loads does
// not keep the others waiting. The tenant comes first that has the fewest loads
// running, of these the one whose latest load ended longest ago.
const turn = `(SELECT count(*) FROM loads r WHERE r.state = 'running' AND r.tenant = loads.tenant),
	coalesce((SELECT r.finished_at FROM loads r WHERE r.finished_at IS NOT NULL AND r.tenant = loads.tenant ORDER BY r.tenant_since DESC, r.seq DESC LIMIT 1), 0), seq`

// claim takes the oldest load that may run. It reports false when there is
// none.
func (s *Service) claim(ctx context.Context) (j record, ok bool, err error) {
	if err := s.o.Containment.Check(ctx, containment.Touches{}); containment.Is(err) {
		return record{}, false, nil // everything is suspended: they wait
	} else if err != nil {
		return record{}, false, err
	}
	// Looking first keeps an idle service from taking the store's write lock,
	// which charges wait for.
	var waiting bool
	err = s.o.DB.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM loads WHERE state = 'pending')`).Scan(&waiting)
	if err != nil || !waiting {
		return record{}, false, err
	}
	merging := s.merges.Merging() // the tenant and dataset whose loads wait
	held, err := s.held(ctx)
	if err != nil {
		return record{}, false, err
	}
	err = s.o.DB.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		found, err := find(ctx, tx, `state = 'pending' AND `+notBehind+` AND NOT (tenant = ? AND dataset = ?) AND tenant NOT IN (SELECT value FROM json_each(?)) AND NOT EXISTS (SELECT 1 FROM loads r
			WHERE r.state = 'running' AND r.tenant = loads.tenant AND r.dataset = loads.dataset) ORDER BY `+turn+` LIMIT 1`, merging.Tenant, merging.Dataset, held)
		if err != nil || len(found) == 0 {
			return err
		}
		j = found[0]
		j.State, j.segment = StateRunning, privacy.NewID("seg")
		j.attempts++
		ok = true
		return swap(ctx, tx, `UPDATE loads SET state = 'running', attempts = ?, segment = ? WHERE id = ? AND state = 'pending'`, j.attempts, j.segment, j.ID)
	})
	return j, ok && err == nil, err
}

// progress records how far an attempt has come; errOvertaken when it has been
// cancelled.
func (s *Service) progress(ctx context.Context, j record, rows int64) error {
	return s.o.DB.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		return swap(ctx, tx, `UPDATE loads SET rows_read = ? WHERE id = ? AND state = 'running' AND attempts = ?`, rows, j.ID, j.attempts)
	})
}

// finish ends an attempt in the caller's transaction. The record holds the
// final state, counters, generation and error. Unless it succeeded, the name of
// the file that it may leave stays on record until recovery has looked for it.
func finish(ctx context.Context, tx *sql.Tx, j record, at time.Time) error {
	var code, message, generation sql.NullString
	if j.Error != nil {
		code = sql.NullString{String: string(j.Error.Code), Valid: true}
		message = sql.NullString{String: j.Error.Message, Valid: true}
	}
	if j.Generation != "" {
		generation = sql.NullString{String: j.Generation, Valid: true}
	}
	return swap(ctx, tx, `UPDATE loads SET state = ?, rows_read = ?, rows_loaded = ?, rows_rejected = ?, ignored = ?, generation = ?,
		error_code = ?, error = ?, finished_at = ?, segment = CASE WHEN ? THEN NULL ELSE segment END WHERE id = ? AND state = 'running' AND attempts = ?`,
		j.State, j.RowsRead, j.RowsLoaded, j.RowsRejected, j.ignored, generation, code, message, at.UnixMicro(), j.State == StateSucceeded, j.ID, j.attempts)
}

// requeue gives an attempt back that the server's own end interrupted. It does
// not count.
func (s *Service) requeue(ctx context.Context, j record) error {
	return s.o.DB.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		return swap(ctx, tx, `UPDATE loads SET state = 'pending', attempts = attempts - 1, rows_read = 0 WHERE id = ? AND state = 'running' AND attempts = ?`, j.ID, j.attempts)
	})
}
