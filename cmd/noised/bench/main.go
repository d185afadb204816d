package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"time"

	"github.com/noised/noised/cmd/noised/internal/blackbox"
	"github.com/noised/noised/cmd/noised/internal/sample"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// bench is one run.
type bench struct {
	out     io.Writer
	dir     string // scratch
	program blackbox.Program
	sample  string // the sample's Parquet file
	rows    sample.Ratings
	rules   []byte // the sample's contract

	queries  int           // per question
	csvRows  int           // of the generated file
	duration time.Duration // of each measurement of throughput
	// repetitions of every answer whose error is measured
	repetitions int
	results     []any // a result or a comparison each
}

// result is one line of bench.json. Ratio is value/baseline.
type result struct {
	Name     string  `json:"name"`
	Value    float64 `json:"value"`
	Unit     string  `json:"unit"`
	Baseline float64 `json:"baseline"`
	Ratio    float64 `json:"ratio"`
}

func run(ctx context.Context, args []string, out io.Writer) (err error) {
	b := &bench{out: out}
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	to := fs.String("o", "bench.json", "file for the results")
	data := fs.String("data", "testdata", "directory with insteval.parquet and insteval.yaml")
	where := fs.String("dir", "", "directory to work in (default: that for temporary files)")
	binary := fs.String("binary", "", "program to measure (default: it is built)")
	fs.IntVar(&b.queries, "queries", 400, "queries per question")
	fs.IntVar(&b.csvRows, "csv-rows", 3_000_000, "rows of the generated CSV file")
	fs.IntVar(&b.repetitions, "repetitions", 1000, "answers per aggregate whose errors are compared")
	only := fs.String("only", "", "measure only latencies, loads, charges or accuracy")
	fs.DurationVar(&b.duration, "duration", 5*time.Second, "length of each measurement of throughput")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if b.dir, err = os.MkdirTemp(*where, "noised-bench-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	if err := b.prepare(ctx, *data, *binary); err != nil {
		return err
	}
	for _, part := range []struct {
		name    string
		measure func(context.Context) error
	}{{"latencies", b.latencies}, {"loads", b.loads}, {"charges", b.charges}, {"accuracy", b.accuracy}} {
		if *only != "" && *only != part.name {
			continue
		}
		if err := part.measure(ctx); err != nil {
			return err
		}
	}
	text, err := json.MarshalIndent(b.results, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(*to, append(text, '\n'), 0o644)
}

func (b *bench) prepare(ctx context.Context, data, binary string) (err error) {
	b.sample = filepath.Join(data, "insteval.parquet")
	if b.rows, err = sample.Read(ctx, b.sample); err != nil {
		return err
	}
	if b.rules, err = os.ReadFile(filepath.Join(data, "insteval.yaml")); err != nil {
		return err
	}
	if b.program.Path = binary; binary == "" {
		b.program, err = blackbox.Build(ctx, b.dir)
	}
	fmt.Fprintf(b.out, "%-52s %12s %-8s %12s %8s\n", "name", "value", "unit", "baseline", "ratio")
	return err
}

// report prints and keeps a result.
func (b *bench) report(name string, value float64, unit string, baseline float64) {
	r := result{name, value, unit, baseline, value / baseline}
	b.results = append(b.results, r)
	fmt.Fprintf(b.out, "%-52s %12.4g %-8s %12.4g %8.3g\n", r.Name, r.Value, r.Unit, r.Baseline, r.Ratio)
}

// comparison is one line of bench.json about errors. Ratio is ours/dpagg.
type comparison struct {
	Name   string  `json:"name"`
	Ours   float64 `json:"ours"`
	Dpagg  float64 `json:"dpagg"`
	Ratio  float64 `json:"ratio"`
	AtMost float64 `json:"at_most"`
}

// compare prints and keeps a comparison.
func (b *bench) compare(name string, ours, dpagg float64) {
	c := comparison{name, ours, dpagg, ours / dpagg, atMost}
	b.results = append(b.results, c)
	fmt.Fprintf(b.out, "%-52s %12.4g %-8s %12.4g %8.3g\n", c.Name, c.Ours, "vs dpagg", c.Dpagg, c.Ratio)
}

// timings are durations in milliseconds.
type timings []float64

func (t timings) quantile(q float64) float64 {
	sorted := slices.Sorted(slices.Values(t))
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

// measure calls work n times after some that do not count, and times each.
func measure(n int, work func(i int) error) (timings, error) {
	const warm = 20
	var t timings
	for i := range n + warm {
		began := time.Now()
		if err := work(i); err != nil {
			return nil, err
		}
		if i >= warm {
			t = append(t, float64(time.Since(began).Nanoseconds())/1e6)
		}
	}
	return t, nil
}

// reportTimings reports median and 95th percentile against the baseline's
// median.
func (b *bench) reportTimings(name string, t, baseline timings) {
	b.report(name+"_median", t.quantile(0.5), "ms", baseline.quantile(0.5))
	b.report(name+"_p95", t.quantile(0.95), "ms", baseline.quantile(0.5))
}
