package result

import (
	"slices"

	"github.com/noised/noised/analytics/plan"
)

// Mechanism names how the values of a column were protected.
type Mechanism string

// The mechanisms that a column can show.
const (
	Laplace            Mechanism = "laplace"
	Gaussian           Mechanism = "gaussian"
	QuantileTree       Mechanism = "quantile_tree"       // computed from noised counts over the values' range
	PartitionSelection Mechanism = "partition_selection" // a secret key that passed its threshold
	Public             Mechanism = "public"              // a declared key or a constant: no noise
)

// Table is one result. Every column has the same number of values.
type Table struct {
	Meta    []Pair // schema metadata, in order
	Columns []Column
}

// Pair is one entry of metadata.
type Pair struct{ Key, Value string }

// Column is one named column. Low and High are its confidence interval, row by
// row, in the column's own type; both are nil where there is none.
type Column struct {
	Name       string
	Type       plan.Type // decimals are written as decimal128(38, scale)
	Values     *Vector
	Low, High  *Vector
	Mechanism  Mechanism
	Stddev     string // of the noise, in the column's unit; empty where it varies by row
	Bounds     string // what one row may contribute, "[lo, hi]"; empty for keys
	Quantum    string // every value is a multiple of it; empty where there is none
	Confidence string // of Low and High, e.g. "0.95"
}

// HasInterval reports whether the column carries an interval.
func (c *Column) HasInterval() bool { return c.Low != nil }

// Rows returns the number of rows.
func (t *Table) Rows() int {
	if len(t.Columns) == 0 {
		return 0
	}
	return t.Columns[0].Values.Len()
}

// Get returns the value of a schema metadata key, empty when absent.
func (t *Table) Get(key string) string {
	i := slices.IndexFunc(t.Meta, func(p Pair) bool { return p.Key == key })
	if i < 0 {
		return ""
	}
	return t.Meta[i].Value
}

// flat is one physical column: a value column, or one end of an interval.
type flat struct {
	name   string
	typ    plan.Type
	values *Vector
	meta   []Pair
}

// lowSuffix and highSuffix name the interval columns that follow column c.
const (
	lowSuffix  = "_low"
	highSuffix = "_high"
)

// flatten lays the table out as it is written, with or without intervals.
func (t *Table) flatten(intervals bool) []flat {
	var out []flat
	for i := range t.Columns {
		c := &t.Columns[i]
		out = append(out, flat{c.Name, c.Type, c.Values, c.fieldMeta()})
		if intervals && c.HasInterval() {
			level := []Pair{{"noised.confidence", c.Confidence}}
			out = append(out, flat{c.Name + lowSuffix, c.Type, c.Low, level}, flat{c.Name + highSuffix, c.Type, c.High, level})
		}
	}
	return out
}

func (c *Column) fieldMeta() []Pair {
	pairs := []Pair{{"noised.mechanism", string(c.Mechanism)}}
	for _, p := range []Pair{{"noised.stddev", c.Stddev}, {"noised.bounds", c.Bounds}, {"noised.quantum", c.Quantum}} {
		if p.Value != "" {
			pairs = append(pairs, p)
		}
	}
	return pairs
}
