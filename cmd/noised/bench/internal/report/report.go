// Package report keeps what a run of the benchmark measured, judges it by the
// goals, and writes it as JSON, as a table, and as the generated parts of
// docs/performance.md.
//
// A figure is a ratio: what noised takes over what its baseline takes, both
// measured alternately in the same run, each by the median of its repetitions.
// Absolute values are recorded beside it and mean something only on the machine
// that is recorded too.
package report

import (
	"encoding/json"
	"math"
	"os"
	"slices"

	"github.com/noised/noised/cmd/noised/internal/verdict"
)

// Spread is what repeated measurements of one thing gave.
type Spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
	Runs   int     `json:"runs"`
}

// Over summarises repetitions; there must be one at least.
func Over(values []float64) Spread {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return Spread{Median: (sorted[(n-1)/2] + sorted[n/2]) / 2, Min: sorted[0], Max: sorted[n-1], Runs: n}
}

// Figure is one line of bench.json. Ratio is Value/Baseline.
type Figure struct {
	Name     string  `json:"name"`
	What     string  `json:"what,omitempty"`
	Against  string  `json:"against,omitempty"` // what the baseline is
	Value    float64 `json:"value"`
	Unit     string  `json:"unit"`
	Baseline float64 `json:"baseline"`
	Ratio    float64 `json:"ratio"`
	// Of repeated measurements, in the order of time: Value, Baseline and
	// the ratios of neighbours.
	Values    *Spread `json:"values,omitempty"`
	Baselines *Spread `json:"baselines,omitempty"`
	Ratios    *Spread `json:"ratios,omitempty"`
	Strategy  string  `json:"strategy,omitempty"` // as EXPLAIN names it
	Note      string  `json:"note,omitempty"`
	Goal      string  `json:"goal,omitempty"` // such as "ratio ≤ 1.6"
	Pass      *bool   `json:"pass,omitempty"` // absent where there is no goal
	Missing   string  `json:"missing,omitempty"`
}

// Pairs makes a figure of measurements that were taken alternately.
func Pairs(name, unit string, values, baselines []float64) Figure {
	v, b := Over(values), Over(baselines)
	ratios := make([]float64, min(len(values), len(baselines)))
	for i := range ratios {
		ratios[i] = values[i] / baselines[i]
	}
	r := Over(ratios)
	return Figure{
		Name: name, Value: v.Median, Unit: unit, Baseline: b.Median, Ratio: v.Median / b.Median,
		Values: &v, Baselines: &b, Ratios: &r,
	}
}

// Mean is the geometric mean of figures, as a figure.
func Mean(name string, of []Figure) Figure {
	var value, baseline float64
	for _, f := range of {
		value += math.Log(f.Value)
		baseline += math.Log(f.Baseline)
	}
	n := float64(len(of))
	value, baseline = math.Exp(value/n), math.Exp(baseline/n)
	return Figure{Name: name, Value: value, Unit: of[0].Unit, Baseline: baseline, Ratio: value / baseline}
}

// Point is one measurement of a curve.
type Point struct {
	X      float64 `json:"x"`
	Figure Figure  `json:"figure"`
}

// Series is a line of a curve.
type Series struct {
	Name   string  `json:"name"`
	Points []Point `json:"points"`
}

// Curve shows how a ratio grows.
type Curve struct {
	Name   string   `json:"name"` // also of its file
	Title  string   `json:"title"`
	XLabel string   `json:"x_label"`
	YLabel string   `json:"y_label"`
	Series []Series `json:"series"`
}

// Report is the document bench.json.
type Report struct {
	Machine Machine  `json:"machine"`
	Quick   bool     `json:"quick,omitempty"` // small sizes: no goal is judged
	Figures []Figure `json:"figures"`
	Curves  []Curve  `json:"curves,omitempty"`
}

// Add judges a figure by its goal and keeps it.
func (r *Report) Add(f Figure) Figure {
	if g, ok := goalOf(f.Name); ok {
		f.What, f.Against, f.Goal = g.What, g.Against, g.String()
		if !r.Quick {
			pass := f.Missing == "" && g.meets(f)
			f.Pass = &pass
		}
	}
	r.Figures = append(r.Figures, f)
	return f
}

// Complete adds a line for every goal that was not measured, so that a missing
// figure is seen, and puts those with goals first, in the order of Goals.
func (r *Report) Complete() {
	for _, g := range Goals {
		if !slices.ContainsFunc(r.Figures, func(f Figure) bool { return f.Name == g.Name }) {
			r.Add(Figure{Name: g.Name, Missing: "not measured"})
		}
	}
	slices.SortStableFunc(r.Figures, func(a, b Figure) int { return placeOf(a.Name) - placeOf(b.Name) })
}

// Write writes the document.
func (r *Report) Write(path string) error { return verdict.Write(path, r) }

// Read reads what Write wrote.
func Read(path string) (*Report, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var r Report
	return &r, json.Unmarshal(text, &r)
}
