package finish

import (
	"math"
	"strconv"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/result"
)

// Accuracy says how noisy an output column will be, before any row is read.
type Accuracy struct {
	Name      string              `json:"name"`
	Mechanism result.Mechanism    `json:"mechanism"`
	Stddev    *float64            `json:"stddev,omitempty"`        // absent for keys, AVG and expressions
	Interval  *Offsets            `json:"interval,omitempty"`      // value + offsets covers the bounded truth
	ByCount   map[string]*Offsets `json:"interval_by_n,omitempty"` // AVG: by the number of rows averaged
}

// Offsets is an interval around a value.
type Offsets struct {
	Low        float64 `json:"low_offset"`
	High       float64 `json:"high_offset"`
	Confidence float64 `json:"confidence"`
}

// averageCounts are the row counts at which the error of an AVG is stated.
var averageCounts = []float64{10, 100, 1_000, 10_000, 100_000}

// Accuracies states the noise of every output of a view.
func Accuracies(v View) []Accuracy {
	empty := &Core{Draws: make([][]int64, len(v.Plan.Draws))}
	f := newFinisher(v, empty)
	out := make([]Accuracy, len(f.columns))
	for i, c := range f.columns {
		out[i] = Accuracy{Name: c.Name, Mechanism: c.Mechanism}
		if sd, err := strconv.ParseFloat(c.Stddev, 64); err == nil {
			out[i].Stddev = &sd
		}
		if a, ok := v.Plan.Outputs[i].Expr.(*plan.AggRef); ok {
			f.exact[a.Index].offsets(&out[i], v.Confidence)
		}
	}
	return out
}

// offsets fills in the interval of a bare aggregate.
func (e *estimator) offsets(a *Accuracy, confidence float64) {
	around := func(h float64) *Offsets { return &Offsets{Low: -h, High: h, Confidence: confidence} }
	unit := float64(e.quantum.Mantissa) / math.Pow10(e.quantum.Scale)
	switch e.agg.Func {
	case plan.AggCount, plan.AggUnits:
		a.Interval = around(math.Floor(e.halfCount))
	case plan.AggSum:
		a.Interval = around(math.Floor(e.halfSum) * unit)
	case plan.AggAvg:
		width := float64(e.quantum.Hi - e.quantum.Lo)
		a.ByCount = make(map[string]*Offsets, len(averageCounts))
		for _, n := range averageCounts {
			h := width
			if n > e.halfCount { // Fieller's interval at the bounds, where it is widest
				h = min(h, math.Hypot(e.halfSum, width/2*e.halfCount)/math.Sqrt(n*n-e.halfCount*e.halfCount))
			}
			a.ByCount[strconv.FormatFloat(n, 'f', -1, 64)] = around(h * unit)
		}
	}
}
