package plan

import (
	"math"

	"github.com/noised/noised/privacy"
)

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

	// Sources are the tables that are joined, nil for a dataset of one table.
	Sources []Source

	// The core: what is computed exactly and noised.
	Filter Expr // over row columns, never the unit; nil keeps every row
	Keys   []Key
	Draws  []Draw
	Limits privacy.Bounds
	// Strategy is how the limits are enforced.
	Strategy Strategy

	// The view: post-processing of the noised core.
	Aggs    []Agg
	Outputs []Output
	Having  Expr // over AggRef, KeyRef and literals; nil when absent
	OrderBy []Order
	Limit   *int64
	Offset  int64
}

// Source is one table of a joined plan. The first is private and carries the
// unit; each later one is joined to those before it. Rows of private sources
// are joined only within one unit, so that every joined row belongs to exactly
// one unit and depends on that unit's rows and public tables alone.
type Source struct {
	Table  string
	Alias  string // unique in the plan; what Column.Qualifier says
	Public bool   // loaded by the operator; has no unit
	Outer  bool   // rows without a partner stay, with NULLs
	On     []Equal
	// Once holds for a private table to which another one of the plan refers: of
	// the rows of one unit that agree in the column Key, or of all of them if Key
	// is empty, one is joined. All private tables but one are joined once.
	Once bool
	Key  string
}

// Equal is one equality of a join: a column of an earlier source and one of the
// source that it stands at.
type Equal struct{ Left, Right *Column }

// Key is one expression of GROUP BY.
type Key struct {
	// Column is the column's name, TenantColumn for the implicit dimension, or
	// the canonical print of Expr. It tells keys apart.
	Column string
	Expr   Expr // what is grouped by; nil: the column of that name
	Type   Type
	// Domain has the declared values in declared order, NULL last where it is
	// one of them; nil when secret.
	Domain []Value
	// Coded says that segments store the places of the column's values in Domain,
	// so that the texts need not be read: see CodeColumn. It changes no result.
	Coded bool
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

// UnitGroups returns how many groups one unit of one tenant can reach at most:
// the combinations of all declared values but the tenant's, 0 when a key other
// than the tenant is secret.
func (b *Bound) UnitGroups() int64 {
	own := Bound{}
	for _, k := range b.Keys {
		if c, bare := k.Expr.(*Column); k.Column != TenantColumn || k.Expr != nil && !(bare && c.Name == TenantColumn) {
			own.Keys = append(own.Keys, k)
		}
	}
	return own.DeclaredCount(MaxCells)
}

// DeclaredKeys enumerates the combinations of declared values, the last key
// varying fastest, so that combination i has mixed-radix digits i. It must not
// be called on a plan with a secret key. All keys share one array, that of the
// domain where there is one key, and must not be changed. For as many as a result
// can have, what DeclaredKey gives one by one is cheaper.
func (b *Bound) DeclaredKeys() [][]Value {
	keys := make([][]Value, b.DeclaredCount(math.MaxInt64))
	width := len(b.Keys)
	if width == 1 {
		for i := range keys {
			keys[i] = b.Keys[0].Domain[i : i+1 : i+1]
		}
		return keys
	}
	values := make([]Value, len(keys)*width)
	for i := range keys {
		keys[i] = values[i*width : (i+1)*width : (i+1)*width]
		b.DeclaredKey(i, keys[i])
	}
	return keys
}

// DeclaredKey sets key to combination i of DeclaredKeys; it has the length of
// Keys.
func (b *Bound) DeclaredKey(i int, key []Value) {
	for k := len(b.Keys) - 1; k >= 0; k-- {
		domain := b.Keys[k].Domain
		key[k] = domain[i%len(domain)]
		i /= len(domain)
	}
}

// DrawKind says what a draw measures in one partition.
type DrawKind uint8

// The kinds of draw.
const (
	DrawRows     DrawKind = iota + 1 // rows that pass the mask
	DrawUnits                        // units with a row that passes the mask
	DrawSum                          // quantised values of rows that pass the mask, less the centre
	DrawSquares                      // their squared distances from the centre, less Square.Centre
	DrawDistinct                     // different values of rows that pass the mask, at most c of each unit
	DrawTree                         // rows that pass the mask, per node of a tree over the quantised values
)

// Draw is what is computed exactly per partition, bounded per unit, and gets
// noise once: one integer, or one per node of a tree. Aggregates that need the
// same integers share a draw.
type Draw struct {
	Kind    DrawKind
	Mask    Expr    // FILTER and IS NOT NULL conditions; nil keeps every row
	Value   Expr    // sums, squares, distinct and trees; rows where it is NULL are not counted
	Quantum Quantum // sums, squares and trees
	Square  Square  // squares only
	Tree    Tree    // trees only
}

// Width returns the number of integers per partition.
func (d Draw) Width() int {
	if d.Kind == DrawTree {
		return d.Tree.Width()
	}
	return 1
}

// MaxCells is the largest number of integers of one result: groups times the
// widths of all draws. Declared groups beyond it are refused before anything is
// read, and secret ones left out after they have been selected by noised counts.
const MaxCells = int64(1) << 24

// Width returns the number of integers per partition, over all draws.
func (b *Bound) Width() int64 {
	var n int64
	for _, d := range b.Draws {
		n += int64(d.Width())
	}
	return n
}

// Magnitude returns the largest absolute value that one row adds to one
// integer: 1 for counts, the larger distance of the centred bounds for sums and
// squares.
func (d Draw) Magnitude() int64 {
	switch d.Kind {
	case DrawSum:
		return max(d.Quantum.Reach(), 1)
	case DrawSquares:
		return max(d.Square.Max-d.Square.Centre, d.Square.Centre, 1)
	case DrawRows, DrawUnits, DrawDistinct, DrawTree:
	}
	return 1
}

// Square maps a row's distance y from the quantum's centre to an integer:
// y² >> Shift, which is at most Max, less Centre. The shift keeps squares within
// MaxSteps, which costs them a relative 2^−24 of their range.
type Square struct {
	Shift  uint8
	Max    int64 // (largest y)² >> Shift
	Centre int64 // Max/2
}

// SquareOf returns how squares about a quantum's centre become integers.
func SquareOf(q Quantum) Square {
	reach := q.Reach() // at most 2^24, so that its square fits
	s := Square{Max: reach * reach}
	for s.Max > MaxSteps {
		s.Shift++
		s.Max = reach * reach >> s.Shift
	}
	s.Centre = s.Max / 2
	return s
}

func abs(x int64) int64 {
	if x < 0 {
		return -x
	}
	return x
}

// Quantum maps a measure to integers, per row and before any sum: a value v is
// clamped to [Lo, Hi] steps and rounded to the nearest step, where one step is
// Mantissa·10^−Scale; halfway between two, exact numbers go away from zero and
// doubles to the even one. NaN becomes Lo. The engine sums (steps − Centre).
type Quantum struct {
	Mantissa int64 // ≥ 1
	Scale    int   // 0 to 18
	Lo, Hi   int64 // bounds in steps; Hi − Lo ≤ MaxSteps, |bounds| ≤ MaxStep
	Centre   int64 // subtracted from each row, in steps; 0 for a plain sum
}

// Reach returns the largest distance of a step within the bounds from the
// centre.
func (q Quantum) Reach() int64 { return max(abs(q.Hi-q.Centre), abs(q.Lo-q.Centre)) }

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
	AggCount      AggFunc = iota + 1 // draw Count
	AggUnits                         // draw Count, of kind DrawUnits
	AggSum                           // draw Sum, plus Centre times draw Count when centred
	AggAvg                           // Centre + draw Sum / draw Count, within the bounds
	AggDistinct                      // draw Count, of kind DrawDistinct
	AggVarPop                        // draws Count, Sum and Square
	AggVarSamp                       // likewise, by n − 1
	AggStddevPop                     // the root of AggVarPop
	AggStddevSamp                    // the root of AggVarSamp
	AggQuantile                      // draw Tree, at Q
	AggMin                           // draw Tree: the least value that stands out of the noise
	AggMax                           // draw Tree: the largest
)

// Agg is one aggregate of the SELECT list, as a function of noised draws. The
// indexes into Draws are −1 when unused.
type Agg struct {
	Func   AggFunc
	Count  int
	Sum    int
	Square int
	Tree   int
	Q      float64 // AggQuantile: from 0 to 1
}

// Draws returns the draws that the aggregate is computed from.
func (a Agg) Draws() []int {
	var used []int
	for _, d := range []int{a.Count, a.Sum, a.Square, a.Tree} {
		if d >= 0 {
			used = append(used, d)
		}
	}
	return used
}

// Output is one column of the result.
type Output struct {
	Name string
	Expr Expr // over AggRef, KeyRef, literals and arithmetic
}
