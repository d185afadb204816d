package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/bench/internal/plain"
	"github.com/noised/noised/cmd/noised/bench/internal/report"
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

// csv returns the generated file, which the cache keeps.
func (b *bench) csv() (string, error) {
	path := filepath.Join(b.cache, fmt.Sprintf("visits-%d.csv", b.csvRows))
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := writeVisits(path+".part", b.csvRows); err != nil {
		return "", err
	}
	return path, os.Rename(path+".part", path)
}

// loads measures loading the sample and the generated file.
func (b *bench) loads(ctx context.Context) error {
	csv, err := b.csv()
	if err != nil {
		return err
	}
	for _, l := range []upload{
		{"load_insteval", b.rules, b.sample, wire.TypeParquet, len(b.rows), "read_parquet(" + plain.Literal(b.sample) + ")", "student"},
		{"load_2gb", []byte(visitsContract), csv, wire.TypeCSV, b.csvRows, "read_csv(" + plain.Literal(csv) + ", header = true)", "person"},
	} {
		if err := b.compareLoad(ctx, l); err != nil {
			return err
		}
	}
	return nil
}

// compareLoad loads a file and has DuckDB sort it, in turn. The memory is the
// most that any of the loads took.
func (b *bench) compareLoad(ctx context.Context, u upload) error {
	var ours, theirs timings
	var peak float64
	for i := range min(b.runs, 3) {
		took, resident, err := b.load(ctx, u, i)
		if err != nil {
			return err
		}
		peak = max(peak, resident)
		sorted := filepath.Join(b.dir, u.name+".duckdb")
		plainly, err := plain.SortInto(ctx, sorted, u.relation, u.unit)
		if err != nil {
			return err
		}
		if err := os.Remove(sorted); err != nil {
			return err
		}
		ours, theirs = append(ours, took.Seconds()), append(theirs, plainly.Seconds())
	}
	f := report.Pairs(u.name, "s", ours, theirs)
	f.Note = fmt.Sprintf("%d rows", u.rows)
	b.add(f)
	if peak > 0 {
		b.report(u.name+"_resident", peak/1e6, "MB", memoryGoal)
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
// server's own clock, and returns the bytes that the largest process held.
func (b *bench) load(ctx context.Context, u upload, run int) (took time.Duration, peak float64, err error) {
	dir := filepath.Join(b.dir, fmt.Sprintf("%s-%d", u.name, run))
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	operator, err := b.program.Init(ctx, dir)
	if err != nil {
		return 0, 0, err
	}
	s, err := b.program.Start(ctx, dir)
	if err != nil {
		return 0, 0, err
	}
	memory := s.WatchMemory()
	took, err = b.send(ctx, s, operator, u)
	most := memory()
	if err := errors.Join(err, s.Stop()); err != nil {
		return 0, 0, err
	}
	return took, float64(most), nil
}

// send uploads the file and waits for its rows.
func (b *bench) send(ctx context.Context, s *blackbox.Server, operator string, u upload) (time.Duration, error) {
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
	return load.FinishedAt.Sub(load.CreatedAt), nil
}
