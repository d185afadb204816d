// Package bare writes again what charges wrote, as bare SQL: the same rows, in
// transactions of the same charges, on the same driver and schema. It reads
// nothing, decides nothing and hashes nothing, and so measures what of a charge's
// time is SQLite's. Benchmarks use it, and nothing else does.
package bare

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/noised/noised/privacy/controldb"
)

// Batch is what one transaction wrote: parameters of statements, in order.
type Batch struct {
	Charges int
	writes  []write
}

type write struct {
	query string
	args  []any
}

// Tape reads the charges of a store as batches. Its zero value is at the
// beginning.
type Tape struct {
	seq    int64
	totals map[int64]total // by account
}

type total struct{ mu2, delta int64 }

// Next returns what was charged since the call before. The accounts' windows
// must not have passed meanwhile. Charges of one transaction share their time.
func (t *Tape) Next(ctx context.Context, db *controldb.DB) ([]Batch, error) {
	charges, err := table(ctx, db, `SELECT seq, leaf, at, id, key, principal, dataset, tenants, epsilon, delta, mu2, delta_units,
			payload, state, attempts, lease_owner, lease_until, nonce FROM charges WHERE seq > ? ORDER BY seq`, t.seq)
	if err != nil {
		return nil, err
	}
	var batches []Batch
	for len(charges) > 0 {
		n := 1
		for n < len(charges) && charges[n][2] == charges[0][2] {
			n++
		}
		b, err := t.batch(ctx, db, charges[:n])
		if err != nil {
			return nil, err
		}
		batches, charges = append(batches, b), charges[n:]
	}
	return batches, nil
}

// batch reads what else was written with some charges.
func (t *Tape) batch(ctx context.Context, db *controldb.DB, charges [][]any) (Batch, error) {
	b := Batch{Charges: len(charges)}
	touched := map[int64]int64{} // accounts, and their own time
	for _, c := range charges {
		t.seq = c[0].(int64)
		leaf := c[1].(int64)
		leaves, err := table(ctx, db, `SELECT idx, leaf FROM log_leaves WHERE idx = ?`, leaf)
		if err != nil {
			return b, err
		}
		hashes, err := table(ctx, db, `SELECT idx, hash FROM log_hashes WHERE idx >= ? AND idx < ? ORDER BY idx`,
			tlog.StoredHashIndex(0, leaf), tlog.StoredHashIndex(0, leaf+1))
		if err != nil {
			return b, err
		}
		debits, err := table(ctx, db, `SELECT charge, part, seen, mu2, delta_units, accounts FROM charge_debits WHERE charge = ?`, t.seq)
		if err != nil {
			return b, err
		}
		b.insert(`log_leaves (idx, leaf)`, leaves...)
		b.insert(`log_hashes (idx, hash)`, hashes...)
		b.insert(`charges (seq, leaf, at, id, key, principal, dataset, tenants, epsilon, delta, mu2, delta_units,
			payload, state, attempts, lease_owner, lease_until, nonce)`, c)
		b.insert(`charge_debits (charge, part, seen, mu2, delta_units, accounts)`, debits...)
		for _, d := range debits {
			if err := t.debit(touched, d); err != nil {
				return b, err
			}
		}
	}
	for id, seen := range touched {
		sum := t.totals[id]
		b.writes = append(b.writes, write{`UPDATE accounts SET spent_mu2 = ?, spent_delta_units = ?,
				total_mu2 = ?, total_delta_units = ?, seen = ? WHERE id = ?`, []any{sum.mu2, sum.delta, sum.mu2, sum.delta, seen, id}})
	}
	return b, nil
}

// debit adds a row of debits to the accounts' totals.
func (t *Tape) debit(touched map[int64]int64, row []any) error {
	if t.totals == nil {
		t.totals = map[int64]total{}
	}
	for text := range strings.SplitSeq(strings.Trim(row[5].(string), ","), ",") {
		var id int64
		if _, err := fmt.Sscan(text, &id); err != nil {
			return err
		}
		sum := t.totals[id]
		t.totals[id] = total{sum.mu2 + row[3].(int64), sum.delta + row[4].(int64)}
		touched[id] = row[2].(int64)
	}
	return nil
}

// insert adds rows of one table, in one statement.
func (b *Batch) insert(into string, rows ...[]any) {
	if len(rows) == 0 {
		return
	}
	one := "(?" + strings.Repeat(", ?", len(rows[0])-1) + ")"
	w := write{query: "INSERT INTO " + into + " VALUES " + one + strings.Repeat(", "+one, len(rows)-1)}
	for _, r := range rows {
		w.args = append(w.args, r...)
	}
	b.writes = append(b.writes, w)
}

// Write writes batches to another store with the same accounts and the same log,
// each in a transaction of its own.
func Write(ctx context.Context, db *controldb.DB, batches []Batch) error {
	for _, b := range batches {
		err := db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
			for _, w := range b.writes {
				if _, err := tx.ExecContext(ctx, w.query, w.args...); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// table reads all rows of a query.
func table(ctx context.Context, db *controldb.DB, query string, args ...any) (out [][]any, err error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		out = append(out, values)
	}
	return out, rows.Err()
}
