package main

import (
	"context"
	"errors"

	"github.com/noised/noised/cmd/noised/bench/internal/plain"
)

// plainSQL times the questions without any privacy in DuckDB itself.
func (b *bench) plainSQL(ctx context.Context) (out map[string]timings, err error) {
	db, err := plain.Open(ctx, "", b.dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.Exec(ctx, "CREATE TABLE insteval AS SELECT 'dept_' || dept AS tenant, * FROM read_parquet("+plain.Literal(b.sample)+")"); err != nil {
		return nil, err
	}
	out = map[string]timings{}
	for _, q := range questions {
		out[q.name], err = measure(b.queries, func(int) error { return db.Exec(ctx, q.sql) })
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}
