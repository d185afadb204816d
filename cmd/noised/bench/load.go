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
	for _, l := range []upload{
		{"load_insteval_parquet", b.rules, b.sample, wire.TypeParquet, len(b.rows), "read_parquet(" + literal(b.sample) + ")", "student"},
		{fmt.Sprintf("load_csv_%d_rows", b.csvRows), []byte(visitsContract), csv, wire.TypeCSV, b.csvRows, "read_csv(" + literal(csv) + ", header = true)", "person"},
	} {
		// The baseline comes second: it runs in this process, and Linux counts the
		// memory of the process that starts a server into the server's peak.
		speed, peak, err := b.load(ctx, l)
		if err != nil {
			return err
		}
		took, err := b.sortInto(ctx, l.name, l.relation, l.unit)
		if err != nil {
			return err
		}
		b.report(l.name, speed, "rows/s", float64(l.rows)/took.Seconds())
		b.report(l.name+"_peak_memory", peak/1e6, "MB", memoryGoal)
	}
	return nil
}

// upload is a file to load, and the relation that DuckDB reads it as.
type upload struct {
	name              string
	contract          []byte
	path, contentType string
	rows              int
	relation, unit    string
}

// memoryGoal is what the largest process of a load may hold, in MB.
const memoryGoal = 1000

// load times one upload from its first byte to the published generation, by the
// server's own clock. It returns rows per second, and the bytes that the largest
// process held.
func (b *bench) load(ctx context.Context, u upload) (speed, peak float64, err error) {
	speed, s, err := b.loadInto(ctx, u)
	if err != nil {
		return 0, 0, err
	}
	return speed, float64(s.PeakMemory()), nil
}

// loadInto returns the server as well, stopped.
func (b *bench) loadInto(ctx context.Context, u upload) (speed float64, s *blackbox.Server, err error) {
	dir := filepath.Join(b.dir, u.name)
	operator, err := b.program.Init(ctx, dir)
	if err != nil {
		return 0, nil, err
	}
	if s, err = b.program.Start(ctx, dir); err != nil {
		return 0, nil, err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	speed, err = b.send(ctx, s, operator, u)
	return speed, s, err
}

// send uploads the file and waits for its rows.
func (b *bench) send(ctx context.Context, s *blackbox.Server, operator string, u upload) (float64, error) {
	p, err := blackbox.SetUp(ctx, s, operator, u.contract, []string{"alone"})
	if err != nil {
		return 0, err
	}
	api, err := s.API(p.Loader["alone"])
	if err != nil {
		return 0, err
	}
	file, err := os.Open(u.path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	load, err := api.Upload(ctx, wire.Upload{Dataset: p.Dataset, ContentType: u.contentType}, file)
	if err != nil {
		return 0, err
	}
	if load, err = api.Wait(ctx, load.ID, nil); err != nil {
		return 0, err
	}
	if load.Error != nil {
		return 0, fmt.Errorf("the load %s: %w", load.State, &wire.ProblemError{Problem: *load.Error})
	}
	if load.RowsLoaded != int64(u.rows) {
		return 0, fmt.Errorf("the load %s with %d rows, want %d", load.State, load.RowsLoaded, u.rows)
	}
	return float64(u.rows) / load.FinishedAt.Sub(load.CreatedAt).Seconds(), nil
}
