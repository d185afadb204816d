package job_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/contractparse"
	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/engine/duckdb"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/planner"
	"github.com/noised/noised/analytics/sqlparse"
	"github.com/noised/noised/ingest/build"
	"github.com/noised/noised/ingest/segment"
	"github.com/noised/noised/ingest/upload"
	"github.com/noised/noised/privacy"
)

// history is a table that was loaded bit by bit.
type history struct {
	t        *testing.T
	contract *contract.Contract
	segments []engine.Segment
}

// do has a segment made in this process.
func (h *history) do(spec build.Spec) engine.Segment {
	h.t.Helper()
	spec.Dir, spec.Salt, spec.MemoryMB, spec.Threads = filepath.Join(h.t.TempDir(), "own"), []byte("sixteen bytes..."), 200, 1
	spec.Meta = segment.Meta{Dataset: "d", Tenant: "a", ContractVersion: 1, Ranks: h.contract.Ranks("")}
	for _, c := range h.contract.Stored("") {
		spec.Columns = append(spec.Columns, segment.Column{Name: c.Name, Type: c.Type})
	}
	if h.contract.MaxRowsOnly {
		spec.MaxRows = h.contract.Limits.MaxRows
	}
	err := os.Mkdir(spec.Dir, 0o700)
	if err == nil {
		_, err = build.Do(h.t.Context(), spec, new(atomic.Int64))
	}
	if err != nil {
		h.t.Fatal(err)
	}
	return engine.Segment{Tenant: "a", Path: filepath.Join(spec.Dir, build.SegmentFile), Ranks: spec.Meta.Ranks}
}

func (h *history) paths() []string {
	var out []string
	for _, s := range h.segments {
		out = append(out, s.Path)
	}
	return out
}

// add appends rows.
func (h *history) add(lines []string) {
	h.t.Helper()
	input := filepath.Join(h.t.TempDir(), "upload")
	if err := os.WriteFile(input, []byte("u,g,x\n"+strings.Join(lines, "")), 0o600); err != nil {
		h.t.Fatal(err)
	}
	unit := h.contract.UnitColumn()
	h.segments = append(h.segments, h.do(build.Spec{
		Task: build.TaskLoad, Input: input, Format: upload.FormatCSV, MaxBytes: 1 << 20, Earlier: h.paths(),
		Unit: segment.Column{Name: unit.Name, Type: unit.Type}, Key: []byte("a key of thirty-two bytes, for us"),
	}))
}

// merge makes one segment of all.
func (h *history) merge() {
	h.segments = []engine.Segment{h.do(build.Spec{Task: build.TaskMerge, Segments: h.paths(), Keep: true})}
}

func historyOf(t *testing.T, contribution string) *history {
	t.Helper()
	c, err := contractparse.Parse([]byte(`
dataset: d
version: 1
privacy_unit: {column: u, scope: tenant}
contribution: {` + contribution + `}
columns:
  u: {type: bigint, role: unit}
  g: {type: integer, role: dimension, domain: {range: [0, 4]}}
  x: {type: integer, role: measure, bounds: [0, 9]}
`))
	if err != nil {
		t.Fatal(err)
	}
	return &history{t: t, contract: c}
}

// asked is what is asked of histories, and how it is bounded.
var asked = []struct {
	contribution, sql string
	bounding          plan.Bounding
}{
	{"max_partitions: 2, max_rows_per_partition: 2", "SELECT COUNT(*), COUNT(DISTINCT u), SUM(x) FROM d GROUP BY g", plan.BoundIndex},
	{"max_partitions: 2, max_rows_per_partition: 2", "SELECT COUNT(*), COUNT(DISTINCT u), SUM(x) FROM d", plan.BoundRows},
	{"max_partitions: 2, max_rows_per_partition: 2", "SELECT COUNT(*), COUNT(DISTINCT u), SUM(x) FROM d WHERE x > 3 GROUP BY g", plan.BoundStream},
	{"max_rows: 4", "SELECT COUNT(*), SUM(x) FROM d WHERE x > 3 GROUP BY g", plan.BoundRows},
	{"max_rows: 4", "SELECT COUNT(*), COUNT(DISTINCT x) FROM d WHERE x > 3 GROUP BY g", plan.BoundStream},
}

// TestWhenSegmentsAreMergedShowsInNoAnswer: loads go on from each other, with
// merges at any moments. The exact integers are those of a history without merges,
// bit for bit, however they are bounded. And without one unit, each moves by no
// more than the limits say.
func TestWhenSegmentsAreMergedShowsInNoAnswer(t *testing.T) {
	parser, err := sqlparse.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = parser.Close() })
	e, err := duckdb.New(duckdb.Options{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	line := rapid.Custom(func(rt *rapid.T) string {
		return fmt.Sprintf("%d,%d,%d\n", rapid.IntRange(1, 3).Draw(rt, "u"), rapid.IntRange(0, 6).Draw(rt, "g"), rapid.IntRange(-2, 12).Draw(rt, "x"))
	})
	draw := rapid.Custom(func(rt *rapid.T) (out [3][]string) {
		for i := range out {
			out[i] = rapid.SliceOfN(line, 0, 25).Draw(rt, "load")
		}
		return out
	})
	for seed := range 6 {
		loads := draw.Example(seed)
		for _, contribution := range []string{asked[0].contribution, asked[4].contribution} {
			apart, merged, without := historyOf(t, contribution), historyOf(t, contribution), historyOf(t, contribution)
			for i, lines := range loads {
				apart.add(lines)
				if merged.add(lines); (seed+1)>>i&1 == 1 {
					merged.merge()
				}
				without.add(slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return l[0] == '1' }))
			}
			for _, q := range asked {
				if q.contribution != contribution {
					continue
				}
				p := apart.plan(parser, q.sql)
				if p.Strategy.Bounding != q.bounding {
					t.Fatalf("%s is bounded by %s", q.sql, p.Strategy)
				}
				want := apart.exact(e, p)
				if diff := cmp.Diff(want, merged.exact(e, p)); diff != "" {
					t.Errorf("seed %d: %s: a merge shows: %s", seed, q.sql, diff)
				}
				checkMoves(t, p, want, without.exact(e, p))
				if streamed := planner.Streamed(p); q.bounding != plan.BoundStream {
					if diff := cmp.Diff(apart.exact(e, streamed), merged.exact(e, streamed)); diff != "" {
						t.Errorf("seed %d: %s, streamed: a merge shows: %s", seed, q.sql, diff)
					}
				}
			}
		}
	}
}

func (h *history) plan(p *sqlparse.Parser, text string) *plan.Bound {
	h.t.Helper()
	sel, err := p.Parse(h.t.Context(), text)
	if err != nil {
		h.t.Fatal(err)
	}
	priced, err := planner.Plan(sel, planner.Dataset{Contract: h.contract, Members: []string{"a"}}, planner.Request{})
	if err != nil {
		h.t.Fatal(err)
	}
	return priced.Plan
}

func (h *history) exact(e *duckdb.Engine, p *plan.Bound) [][]privacy.Int128 {
	h.t.Helper()
	out, err := e.Run(h.t.Context(), engine.Input{Plan: p, Segments: h.segments, Salt: [16]byte{1}})
	if err != nil {
		h.t.Fatal(err)
	}
	return out.Draws
}

// checkMoves compares the counts of rows and of units with those without one unit.
func checkMoves(t *testing.T, p *plan.Bound, with, without [][]privacy.Int128) {
	t.Helper()
	for d, draw := range p.Draws {
		most := int64(1) // of a unit in one group
		switch draw.Kind {
		case plan.DrawRows:
			most = p.Limits.MaxRowsPerPartition
		case plan.DrawUnits:
		default:
			continue
		}
		total, groups := int64(0), int64(0)
		for g, n := range with[d] {
			moved := n.Clamp(1<<40) - without[d][g].Clamp(1<<40)
			if moved < 0 || moved > most {
				t.Errorf("group %d of %s moves by %d", g, draw, moved)
			}
			if total += moved; moved > 0 {
				groups++
			}
		}
		if groups > p.Limits.MaxPartitions || p.Limits.MaxRows > 0 && total > p.Limits.MaxRows {
			t.Errorf("%s moves by %d in %d groups, within %+v", draw, total, groups, p.Limits)
		}
	}
}
