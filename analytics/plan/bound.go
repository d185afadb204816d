package plan

import "github.com/noised/noised/privacy"

// Scope says who is one privacy unit.
type Scope string

// The scopes. With ScopePerson the same id in two tenants is one unit, bounded
// across tenants; with ScopeTenant a unit is (tenant, id).
const (
	ScopePerson Scope = "person"
	ScopeTenant Scope = "tenant"
)

// TenantColumn is the name of the implicit dimension that holds the
// contributing tenant's name.
const TenantColumn = "tenant"

// Bound is a query that may run: every name resolved, every measure bounded,
// every group either declared or subject to selection.
type Bound struct {
	Dataset string
	Version int // of the contract
	Scope   Scope
	Tenants []string // the effective tenants, sorted; the only rows ever read

	// The core: what is computed exactly and noised.
	Filter Expr // over row columns, never the unit; nil keeps every row
	Keys   []Key
	Draws  []Draw
	Limits privacy.Bounds

	// The view: post-processing of the noised core.
	Aggs    []Agg
	Outputs []Output
	Having  Expr // over AggRef, KeyRef and literals; nil when absent
	OrderBy []Order
	Limit   *int64
	Offset  int64
}

// Key is one dimension of GROUP BY.
type Key struct {
	Column string // TenantColumn for the implicit dimension
	Type   Type
	Domain []Value // declared values in declared order; nil when secret
}

// Secret reports whether the key's values must pass partition selection.
func (k Key) Secret() bool { return k.Domain == nil }

// Secret reports whether any key is secret; then composite keys are selected
// as a whole and only keys present in the data are considered. Otherwise the
// result has every combination of declared values, empty ones too, in the
// order of DeclaredKeys.
func (b *Bound) Secret() bool {
	for _, k := range b.Keys {
		if k.Secret() {
			return true
		}
	}
	return false
}

// DeclaredCount returns the number of combinations of declared key values: 1
// without GROUP BY, 0 when a key is secret. It saturates at limit+1.
func (b *Bound) DeclaredCount(limit int64) int64 {
	n := int64(1)
	for _, k := range b.Keys {
		d := int64(len(k.Domain))
		if d == 0 {
			return 0
		}
		if n > limit/d {
			return limit + 1
		}
		n *= d
	}
	return n
}

// DeclaredKeys enumerates the combinations of declared values, the last key
// varying fastest, so that combination i has mixed-radix digits i. It must not
// be called on a plan with a secret key.
func (b *Bound) DeclaredKeys() [][]Value {
	keys := [][]Value{{}}
	for _, k := range b.Keys {
		next := make([][]Value, 0, len(keys)*len(k.Domain))
		for _, prefix := range keys {
			for _, v := range k.Domain {
				next = append(next, append(prefix[:len(prefix):len(prefix)], v))
			}
		}
		keys = next
	}
	return keys
}

// DrawKind says what a draw measures in one partition.
type DrawKind uint8

// The kinds of draw.
const (
	DrawRows  DrawKind = iota + 1 // rows that pass the mask
	DrawUnits                     // units with a row that passes the mask
	DrawSum                       // quantised values of rows that pass the mask, less the centre
)

// Draw is one exact integer per partition, bounded per unit, that gets noise
// once. Aggregates that need the same integer share its draw.
type Draw struct {
	Kind    DrawKind
	Mask    Expr    // FILTER and IS NOT NULL conditions; nil keeps every row
	Value   Expr    // DrawSum only; rows where it is NULL are not counted
	Quantum Quantum // DrawSum only
}

// Magnitude returns the largest absolute value that one row adds: 1 for
// counts, the larger distance of the centred bounds for sums.
func (d Draw) Magnitude() int64 {
	if d.Kind != DrawSum {
		return 1
	}
	return max(abs(d.Quantum.Hi-d.Quantum.Centre), abs(d.Quantum.Lo-d.Quantum.Centre), 1)
}

func abs(x int64) int64 {
	if x < 0 {
		return -x
	}
	return x
}

// Quantum maps a measure to integers, per row and before any sum: a value v is
// clamped to [Lo, Hi] steps and rounded to the nearest step, where one step is
// Mantissa·10^−Scale. NaN becomes Lo. The engine sums (steps − Centre).
type Quantum struct {
	Mantissa int64 // ≥ 1
	Scale    int   // 0 to 18
	Lo, Hi   int64 // bounds in steps; Hi − Lo ≤ MaxSteps, |bounds| ≤ MaxStep
	Centre   int64 // subtracted from each row, in steps; 0 for a plain sum
}

// Limits on quanta: with them a unit's sum over 2^24 rows fits an int64.
const (
	MaxSteps = int64(1) << 24
	MaxStep  = int64(1) << 37
	// MaxUnitRows is the number of rows of one unit that a query considers.
	MaxUnitRows = int64(1) << 24
)

// AggFunc is what an aggregate computes from its draws.
type AggFunc uint8

// The aggregate functions.
const (
	AggCount AggFunc = iota + 1 // draw Count
	AggUnits                    // draw Count, of kind DrawUnits
	AggSum                      // draw Sum, plus Centre times draw Count when centred
	AggAvg                      // Centre + draw Sum / draw Count, within the bounds
)

// Agg is one aggregate of the SELECT list, as a function of noised draws.
type Agg struct {
	Func  AggFunc
	Count int // index into Draws, −1 when unused
	Sum   int // index into Draws, −1 when unused
}

// Output is one column of the result.
type Output struct {
	Name string
	Expr Expr // over AggRef, KeyRef, literals and arithmetic
}
