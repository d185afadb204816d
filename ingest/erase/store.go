package erase

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/translog"
)

// record is an erasure as it is stored.
type record struct {
	Erasure
	seq         int64
	tenantSince int64
	afterLoad   int64
	attempts    int
	forms       []string
	units       []uint64
	by          string
}

const columns = `seq, id, tenant, tenant_since, dataset, after_load, state, attempts, forms, asked, units, rows_erased, generation,
	error_code, error, created_by, created_at, finished_at`

// querier is what both the store and a transaction read through.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// find reads erasures that a condition selects. The condition is constant text.
func find(ctx context.Context, q querier, condition string, args ...any) ([]record, error) {
	const doing = "reading erasures"
	rows, err := q.QueryContext(ctx, "SELECT "+columns+" FROM erasures WHERE "+condition, args...)
	if err != nil {
		return nil, privacy.Internal(err, doing)
	}
	defer rows.Close()
	var found []record
	for rows.Next() {
		e, err := scan(rows)
		if err != nil {
			return nil, privacy.Internal(err, doing)
		}
		found = append(found, e)
	}
	if err := rows.Err(); err != nil {
		return nil, privacy.Internal(err, doing)
	}
	return found, nil
}

func scan(rows *sql.Rows) (record, error) {
	var e record
	var created int64
	var forms string
	var units []byte
	var generation, code, message sql.NullString
	var finished sql.NullInt64
	err := rows.Scan(&e.seq, &e.ID, &e.Tenant, &e.tenantSince, &e.Dataset, &e.afterLoad, &e.State, &e.attempts, &forms, &e.Units, &units, &e.RowsErased,
		&generation, &code, &message, &e.by, &created, &finished)
	if err == nil {
		err = json.Unmarshal([]byte(forms), &e.forms)
	}
	if err != nil {
		return record{}, err
	}
	e.units, e.Generation, e.CreatedAt = unpacked(units), generation.String, time.UnixMicro(created).UTC()
	if finished.Valid {
		at := time.UnixMicro(finished.Int64).UTC()
		e.FinishedAt = &at
	}
	if code.Valid {
		e.Error = &Failure{Code: privacy.Code(code.String), Message: message.String}
	}
	return e, nil
}

// room refuses more than MaxOpen erasures that have not ended.
func room(ctx context.Context, q querier, tenant, dataset string) error {
	var open int
	err := q.QueryRowContext(ctx, `SELECT count(*) FROM erasures WHERE state IN ('pending', 'running') AND tenant = ? AND dataset = ?`, tenant, dataset).Scan(&open)
	if err != nil {
		return privacy.Internal(err, "counting erasures")
	}
	if open >= MaxOpen {
		return privacy.Errorf(privacy.CodeRateLimited, "%d erasures from this dataset have not ended: name more units in one request", MaxOpen)
	}
	return nil
}

// insert records an erasure after all loads of its data that there are.
func insert(ctx context.Context, tx *sql.Tx, e record) error {
	const doing = "recording an erasure"
	if err := room(ctx, tx, e.Tenant, e.Dataset); err != nil {
		return err
	}
	forms, err := json.Marshal(e.forms)
	if err != nil {
		return privacy.Internal(err, doing)
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO erasures (id, tenant, tenant_since, dataset, after_load, state, forms, asked, units, created_by, created_at)
		VALUES (?1, ?2, ?3, ?4, (SELECT coalesce(max(seq), 0) FROM loads WHERE tenant = ?2 AND dataset = ?4), 'pending', ?5, ?6, ?7, ?8, ?9)`,
		e.ID, e.Tenant, e.tenantSince, e.Dataset, string(forms), e.Units, packed(e.units), e.by, e.CreatedAt.UnixMicro())
	if err != nil {
		return privacy.Internal(err, doing)
	}
	return nil
}

// errOvertaken means that an erasure is no longer in the state that a change was made
// for.
var errOvertaken = errors.New("the erasure was overtaken")

// swap runs an UPDATE and fails with errOvertaken unless exactly one row was there to
// change.
func swap(ctx context.Context, tx *sql.Tx, update string, args ...any) error {
	res, err := tx.ExecContext(ctx, update, args...)
	if err != nil {
		return privacy.Internal(err, "changing an erasure")
	}
	n, err := res.RowsAffected()
	if err != nil {
		return privacy.Internal(err, "changing an erasure")
	}
	if n != 1 {
		return errOvertaken
	}
	return nil
}

// act is the body of a log leaf: ids of ours, and the commitment. Nothing in it tells
// how many units were named, or whether any was there.
type act struct {
	Act        string `json:"act"`
	Erasure    string `json:"erasure"`
	Dataset    string `json:"dataset"`
	Tenant     string `json:"tenant"`
	By         string `json:"by,omitempty"`
	Commitment string `json:"commitment,omitempty"`
	Generation string `json:"generation,omitempty"`
}

func (s *Service) log(ctx context.Context, tx *sql.Tx, e record, a act) error {
	a.Erasure, a.Dataset, a.Tenant = e.ID, e.Dataset, e.Tenant
	_, err := translog.Append(ctx, tx, translog.Leaf{Kind: translog.KindErasure, At: s.o.Now(), Body: a})
	return err
}
