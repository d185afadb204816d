package controldb

import (
	"context"
	"database/sql"
	"strings"
)

// Rows collects rows that one transaction writes to a table, for few statements
// that write many of them: the way to SQLite and back takes about as long as
// writing one. The statements' sizes are powers of two, so that they are few and
// stay prepared.
type Rows struct {
	before, after string // the list of rows
	columns       int
	args          []any
}

// InsertInto collects rows to insert: "table (column, …)", and how many columns.
func InsertInto(table string, columns int) Rows {
	return Rows{before: "INSERT INTO " + table + " VALUES ", columns: columns}
}

// UpdateFrom collects rows by which others are updated: the statement up to FROM,
// its condition, and how many columns the rows have, which are new.column1 and so
// on.
func UpdateFrom(update, where string, columns int) Rows {
	return Rows{before: update + " FROM (VALUES ", after: ") AS new WHERE " + where, columns: columns}
}

// maxRows is how many rows one statement writes, a power of two.
const maxRows = 128

// Add adds a row.
func (r *Rows) Add(values ...any) { r.args = append(r.args, values...) }

// Write writes the rows, in order, and forgets them.
func (r *Rows) Write(ctx context.Context, tx *sql.Tx) error {
	row := "(?" + strings.Repeat(", ?", r.columns-1) + ")"
	for size := maxRows; size > 0; size /= 2 {
		for len(r.args) >= size*r.columns {
			query := r.before + row + strings.Repeat(", "+row, size-1) + r.after
			if _, err := tx.ExecContext(ctx, query, r.args[:size*r.columns]...); err != nil {
				return err
			}
			r.args = r.args[size*r.columns:]
		}
	}
	return nil
}
