package finish

import (
	"strconv"

	"github.com/noised/noised/analytics/estimate"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/result"
)

// Accuracy says how noisy an output column will be, before any row is read.
type Accuracy struct {
	Name      string              `json:"name"`
	Mechanism result.Mechanism    `json:"mechanism"`
	Stddev    *float64            `json:"stddev,omitempty"`        // of counts and sums
	Interval  *Offsets            `json:"interval,omitempty"`      // value + offsets covers the bounded truth
	ByCount   map[string]*Offsets `json:"interval_by_n,omitempty"` // where it depends on it: by the number of rows of the group
}

// Offsets is an interval around a value.
type Offsets struct {
	Low        float64 `json:"low_offset"`
	High       float64 `json:"high_offset"`
	Confidence float64 `json:"confidence"`
}

// rowCounts are the numbers of rows at which intervals that depend on it are
// stated.
var rowCounts = []float64{10, 100, 1_000, 10_000, 100_000}

// Accuracies states the noise of every output of a view. An interval that
// depends on the number of rows holds, for AVG, wherever the average lies within
// the bounds; for variances and quantiles it is the one of rows that are spread
// evenly between the bounds.
func Accuracies(v View) []Accuracy {
	f := newFinisher(v, emptyCore(v))
	out := make([]Accuracy, len(f.columns))
	for i, c := range f.columns {
		out[i] = Accuracy{Name: c.Name, Mechanism: c.Mechanism}
		if sd, err := strconv.ParseFloat(c.Stddev, 64); err == nil {
			out[i].Stddev = &sd
		}
		x, ok := f.expect(i, 1)
		switch {
		case !ok || len(aggsOf(v.Plan.Outputs[i].Expr)) == 0:
		case !x.ByRows:
			out[i].Interval = offsets(x, v.Confidence)
		default:
			out[i].ByCount = make(map[string]*Offsets, len(rowCounts))
			for _, n := range rowCounts {
				x, _ := f.expect(i, n)
				out[i].ByCount[strconv.FormatFloat(n, 'f', -1, 64)] = offsets(x, v.Confidence)
			}
		}
	}
	return out
}

func emptyCore(v View) *Core { return &Core{Draws: make([][]int64, len(v.Plan.Draws))} }

func offsets(x estimate.Expectation, confidence float64) *Offsets {
	return &Offsets{Low: x.Low, High: x.High, Confidence: confidence}
}

// Expectation is how far a noised output column of a group of n rows may be
// from the bounded truth.
type Expectation struct {
	Name   string
	Known  bool    // false where the expression has no interval in advance
	Half   float64 // the larger distance of the interval's ends from the value
	ByRows bool    // whether it depends on n
	Size   float64 // what it is large or small in comparison with, for n rows; 0 when unknown
}

// Expect returns the expectation of every noised output, in order, at the
// view's confidence.
func Expect(v View, n float64) []Expectation {
	f := newFinisher(v, emptyCore(v))
	var out []Expectation
	for i, o := range v.Plan.Outputs {
		if len(aggsOf(o.Expr)) == 0 {
			continue
		}
		x, ok := f.expect(i, n)
		out = append(out, Expectation{
			Name: o.Name, Known: ok, Half: max(-x.Low, x.High), ByRows: x.ByRows, Size: x.Size,
		})
	}
	return out
}

// expect returns the accuracy of an output. An expression has one where it is
// linear in its aggregates; its size is not known then.
func (f *finisher) expect(output int, n float64) (estimate.Expectation, bool) {
	e := f.view.Plan.Outputs[output].Expr
	if a, ok := e.(*plan.AggRef); ok {
		return f.exact[a.Index].Expect(n), true
	}
	l, ok := linear(e, func(agg int) estimate.Expectation { return f.joint[output][agg].Expect(n) })
	l.Size = 0
	return l.Expectation, ok
}
