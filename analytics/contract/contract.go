package contract

import (
	"slices"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

// MaxDocument is the size in bytes of the largest document that Parse reads.
const MaxDocument = 1 << 20

// MaxDomainValues is the largest number of declared domain values of one
// contract, all its columns together.
const MaxDomainValues = 1_000_000

// What a query asks for when neither it nor its contract says how much.
const (
	DefaultEpsilon = 1.0
	DefaultDelta   = 1e-9
)

// MaxColumns is the largest number of columns of a contract.
const MaxColumns = 500

// Contract is one version of a dataset's contract. It must not be changed.
type Contract struct {
	Dataset         string
	Version         int // ≥ 1
	Description     string
	Unit            Unit
	TenantDimension bool           // the contributing tenant's name may be selected and grouped by
	Limits          privacy.Bounds // ceilings and defaults of a query's contribution bounds
	MaxRowsOnly     bool           // the contract says {max_rows: m}: enforced at load, Limits are (m, m, m)
	BoundingIndex   [][]string     // groupings whose ranks may be stored at load
	Columns         []Column       // in the document's order, the unit column included
	Defaults        privacy.Loss   // of one query; never zero
}

// Unit says who is protected.
type Unit struct {
	Column string
	Scope  plan.Scope
}

// Role says what a column may be used for.
type Role string

// The roles of a column.
const (
	RoleUnit      Role = "unit"      // identifies the privacy unit; only ever counted
	RoleDimension Role = "dimension" // grouped by and filtered on
	RoleMeasure   Role = "measure"   // summed within its bounds
)

// Column is one declared column.
type Column struct {
	Name string
	Type plan.Type
	Role Role

	// Dimensions only. Domain has the declared values in declared order and is
	// nil for a private domain, whose values only partition selection may show.
	Domain  []plan.Value
	Private bool

	// Measures only. BoundsText has the bounds exactly, in decimal; Bounds has
	// the nearest doubles.
	Bounds     [2]float64
	BoundsText [2]string
	Resolution Resolution
}

// Column returns the column of the given name.
func (c *Contract) Column(name string) (Column, bool) {
	i := slices.IndexFunc(c.Columns, func(col Column) bool { return col.Name == name })
	if i < 0 {
		return Column{}, false
	}
	return c.Columns[i], true
}

// UnitColumn returns the column that identifies the privacy unit.
func (c *Contract) UnitColumn() Column {
	col, _ := c.Column(c.Unit.Column)
	return col
}

// ReadsFrom reports whether rows that were loaded under old may be read under
// c without loading them again: who is a unit has not changed, every column
// that c declares is stored with the same type, and a bound that is enforced
// at load is not tighter than it was. The relation is transitive, so that a
// generation with segments of several versions is judged by its latest.
func (c *Contract) ReadsFrom(old *Contract) bool {
	if c.Dataset != old.Dataset || c.Unit != old.Unit {
		return false
	}
	for _, col := range c.Columns {
		was, ok := old.Column(col.Name)
		if !ok || was.Type != col.Type {
			return false
		}
	}
	if c.MaxRowsOnly {
		return old.MaxRowsOnly && old.Limits.MaxRows <= c.Limits.MaxRows
	}
	return true
}
