package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strings"
	"time"

	"github.com/noised/noised/cmd/noised/bench/internal/plain"
	"github.com/noised/noised/cmd/noised/bench/internal/report"
	"github.com/noised/noised/cmd/noised/bench/internal/site"
	"github.com/noised/noised/cmd/noised/internal/blackbox"
	"github.com/noised/noised/cmd/noised/internal/sample"
	"github.com/noised/noised/cmd/noised/internal/verdict"
)

func main() { os.Exit(verdict.Main("bench", run)) }

// bench is one run.
type bench struct {
	settings
	out     io.Writer
	dir     string // scratch
	program blackbox.Program
	sites   *site.Store
	sample  string // the sample's Parquet file
	rows    sample.Ratings
	rules   []byte // the sample's contract
	results report.Report
}

// settings come from flags.
type settings struct {
	sizes
	to, data, where, cache, binary, only, page, tpch, profile string
	quick, fresh                                              bool
}

// part is a share of the benchmark that can be run alone.
type part struct {
	name    string
	measure func(context.Context) error
}

// parts are in the order in which they run.
func (b *bench) parts() []part {
	return []part{
		{"loads", b.loads}, {"latencies", b.latencies}, {"charges", b.charges}, {"accuracy", b.accuracy},
		{"bounded", b.bounded}, {"tenants", b.tenants}, {"tpch", b.tpchQueries}, {"scaling", b.scaling},
	}
}

func (s *settings) flags() *flag.FlagSet {
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.StringVar(&s.to, "o", "bench.json", "file for the results")
	fs.StringVar(&s.page, "render", "", "measure nothing: write the results of -o into this Markdown page and plots beside it")
	fs.StringVar(&s.only, "only", "", "measure only these parts, with commas: loads, latencies, charges, accuracy, bounded, tenants, tpch, scaling")
	fs.StringVar(&s.profile, "cpuprofile", "", "file for a profile of this process, which shows DuckDB's own work as calls of C")
	fs.BoolVar(&s.quick, "quick", false, "small sizes, in minutes; no goal is judged")
	fs.StringVar(&s.data, "data", "testdata", "directory with insteval.parquet and insteval.yaml")
	fs.StringVar(&s.where, "dir", "", "directory to work in (default: that for temporary files)")
	fs.StringVar(&s.cache, "cache", "", "directory that keeps generated and loaded data between runs (default: in the user's cache)")
	fs.BoolVar(&s.fresh, "fresh", false, "load again what is in the cache, as after a change to how loads store rows")
	fs.StringVar(&s.binary, "binary", "", "program to measure (default: it is built)")
	fs.StringVar(&s.tpch, "tpch-extension", "", "file of DuckDB's tpch extension, of the linked version (default: TPC-H is missing)")
	fs.IntVar(&s.scale, "tpch-sf", 0, "scale factor of TPC-H (0: 1)")
	fs.IntVar(&s.csvRows, "csv-rows", 0, "rows of the generated CSV file (0: 60 million, which are 2 GB)")
	fs.IntVar(&s.runs, "runs", 0, "measurements of each side of a ratio (0: 7)")
	fs.IntVar(&s.queries, "queries", 0, "queries per question of latencies (0: 400)")
	fs.IntVar(&s.repetitions, "repetitions", 0, "answers per aggregate whose errors are compared (0: 1000)")
	fs.DurationVar(&s.duration, "duration", 0, "length of each measurement of throughput (0: 5 s)")
	return fs
}

func run(ctx context.Context, args []string, out io.Writer) (err error) {
	b := &bench{out: out}
	if err := b.flags().Parse(args); err != nil {
		return err
	}
	if b.page != "" {
		r, err := report.Read(b.to)
		if err != nil {
			return err
		}
		return r.Render(b.page)
	}
	b.choose(b.quick)
	chosen, err := choose(b.parts(), b.only)
	if err != nil {
		return err
	}
	if b.dir, err = os.MkdirTemp(b.where, "noised-bench-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	if err := b.prepare(ctx); err != nil {
		return err
	}
	return errors.Join(b.profiled(func() error { return b.measureAll(ctx, chosen) }), b.finish())
}

// profiled writes a profile of what it calls, where one is wanted.
func (b *bench) profiled(act func() error) (err error) {
	if b.profile == "" {
		return act()
	}
	file, err := os.Create(b.profile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if err := pprof.StartCPUProfile(file); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	return act()
}

// choose finds the parts that are named, with commas; all where none is.
func choose(parts []part, only string) ([]part, error) {
	if only == "" {
		return parts, nil
	}
	var chosen []part
	for name := range strings.SplitSeq(only, ",") {
		i := slices.IndexFunc(parts, func(p part) bool { return p.name == name })
		if i < 0 {
			return nil, fmt.Errorf("no part is called %q", name)
		}
		chosen = append(chosen, parts[i])
	}
	return chosen, nil
}

// measureAll runs parts to their end. One that fails does not keep the others
// from it, and what was measured is written after each.
func (b *bench) measureAll(ctx context.Context, parts []part) error {
	var faults []error
	for _, p := range parts {
		began := time.Now()
		err := p.measure(ctx)
		fmt.Fprintf(b.out, "# %s took %s\n", p.name, time.Since(began).Round(time.Second))
		if err != nil {
			err = fmt.Errorf("%s: %w", p.name, err)
			fmt.Fprintln(b.out, "#", err)
		}
		faults = append(faults, err, b.results.Write(b.to))
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(faults...)
}

func (b *bench) finish() error {
	if b.only == "" {
		b.results.Complete()
	}
	b.results.Table(b.out)
	return b.results.Write(b.to)
}

func (b *bench) prepare(ctx context.Context) (err error) {
	b.sample = filepath.Join(b.data, "insteval.parquet")
	if b.rows, err = sample.Read(ctx, b.sample); err != nil {
		return err
	}
	if b.rules, err = os.ReadFile(filepath.Join(b.data, "insteval.yaml")); err != nil {
		return err
	}
	if b.program.Path = b.binary; b.binary == "" {
		if b.program, err = blackbox.Build(ctx, b.dir); err != nil {
			return err
		}
	}
	if b.cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return err
		}
		b.cache = filepath.Join(user, "noised", "bench")
	}
	if err := os.MkdirAll(b.cache, 0o700); err != nil {
		return err
	}
	b.sites = site.NewStore(b.cache, b.program, b.fresh)
	version, err := plain.Version(ctx)
	if err != nil {
		return err
	}
	b.results = report.Report{Machine: report.ThisMachine(version, time.Now()), Quick: b.quick}
	report.Header(b.out)
	return nil
}

// add judges, keeps and prints a figure.
func (b *bench) add(f report.Figure) { report.Line(b.out, b.results.Add(f)) }

// report adds a figure that is known by its value and its baseline.
func (b *bench) report(name string, value float64, unit string, baseline float64) {
	b.add(report.Figure{Name: name, Value: value, Unit: unit, Baseline: baseline, Ratio: value / baseline})
}
