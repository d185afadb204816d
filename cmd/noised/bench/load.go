package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/blackbox"
)

// visitsContract describes the generated file.
const visitsContract = `
dataset: visits
version: 1
privacy_unit: {column: person, scope: person}
tenant_dimension: public
contribution: {max_partitions: 4, max_rows_per_partition: 10}
columns:
  person: {type: bigint, role: unit}
  ward:   {type: varchar, role: dimension, domain: {values: [a, b, c, d]}}
  day:    {type: date, role: dimension, domain: private}
  days:   {type: integer, role: measure, bounds: [0, 30]}
  cost:   {type: "decimal(10,2)", role: measure, bounds: [0, 10000]}
`

// writeVisits writes a CSV file in which persons are in no order.
func writeVisits(path string, rows int) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	out := bufio.NewWriterSize(f, 1<<20)
	fmt.Fprintln(out, "person,ward,day,days,cost")
	state := uint64(1)
	for range rows {
		state = state*6364136223846793005 + 1442695040888963407 // Knuth's MMIX: the same file on every run
		r := state >> 20
		fmt.Fprintf(out, "%d,%c,2024-%02d-%02d,%d,%d.%02d\n", r%uint64(rows/10+1), "abcd"[r>>24%4], r>>26%12+1, r>>30%28+1, r>>35%31, r>>10%10000, r>>3%100)
	}
	return out.Flush()
}

// loads measures loading the sample and the generated file.
func (b *bench) loads(ctx context.Context) error {
	csv := filepath.Join(b.dir, "visits.csv")
	if err := writeVisits(csv, b.csvRows); err != nil {
		return err
	}
	took, err := b.sortInto(ctx, "insteval", "read_parquet("+literal(b.sample)+")", "student")
	if err != nil {
		return err
	}
	n := float64(len(b.rows))
	if err := b.load(ctx, "load_insteval_parquet", b.rules, b.sample, wire.TypeParquet, n, n/took.Seconds()); err != nil {
		return err
	}
	took, err = b.sortInto(ctx, "visits", "read_csv("+literal(csv)+", header = true)", "person")
	if err != nil {
		return err
	}
	n = float64(b.csvRows)
	return b.load(ctx, fmt.Sprintf("load_csv_%d_rows", b.csvRows), []byte(visitsContract), csv, wire.TypeCSV, n, n/took.Seconds())
}

// load times one upload from its first byte to the published generation, by the
// server's own clock.
func (b *bench) load(ctx context.Context, name string, contract []byte, path, contentType string, rows, baseline float64) (err error) {
	dir := filepath.Join(b.dir, name)
	operator, err := b.program.Init(ctx, dir)
	if err != nil {
		return err
	}
	s, err := b.program.Start(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	p, err := blackbox.SetUp(ctx, s, operator, contract, []string{"alone"})
	if err != nil {
		return err
	}
	api, err := s.API(p.Loader["alone"])
	if err != nil {
		return err
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	load, err := api.Upload(ctx, wire.Upload{Dataset: p.Dataset, ContentType: contentType}, file)
	if err != nil {
		return err
	}
	if load, err = api.Wait(ctx, load.ID, nil); err != nil {
		return err
	}
	if load.Error != nil {
		return fmt.Errorf("the load %s: %w", load.State, &wire.ProblemError{Problem: *load.Error})
	}
	if float64(load.RowsLoaded) != rows {
		return fmt.Errorf("the load %s with %d rows, want %g", load.State, load.RowsLoaded, rows)
	}
	b.report(name, rows/load.FinishedAt.Sub(load.CreatedAt).Seconds(), "rows/s", baseline)
	return nil
}
