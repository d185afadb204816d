package main

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"time"

	_ "github.com/duckdb/duckdb-go/v2" // the baseline of queries and loads
)

// literal quotes a path for SQL.
func literal(path string) string { return "'" + strings.ReplaceAll(path, "'", "''") + "'" }

// plainSQL times the questions without any privacy in DuckDB itself.
func (b *bench) plainSQL(ctx context.Context) (out map[string]timings, err error) {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := db.ExecContext(ctx, "CREATE TABLE insteval AS SELECT 'dept_' || dept AS tenant, * FROM read_parquet("+literal(b.sample)+")"); err != nil {
		return nil, err
	}
	out = map[string]timings{}
	for _, q := range questions {
		out[q.name], err = measure(b.queries, func(int) error { return drain(ctx, db, q.sql) })
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// drain runs a query and reads all of its rows.
func drain(ctx context.Context, db *sql.DB, query string) error {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
	}
	return rows.Err()
}

// sortInto times what a load is compared with: DuckDB reads a file, orders it
// and writes it to a database file, which is on disk when it is closed.
func (b *bench) sortInto(ctx context.Context, name, read, order string) (took time.Duration, err error) {
	began := time.Now()
	db, err := sql.Open("duckdb", filepath.Join(b.dir, name+".duckdb"))
	if err != nil {
		return 0, err
	}
	_, err = db.ExecContext(ctx, "CREATE TABLE rows AS SELECT * FROM "+read+" ORDER BY "+order)
	if err := errors.Join(err, db.Close()); err != nil {
		return 0, err
	}
	return time.Since(began), nil
}
