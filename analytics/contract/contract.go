package contract

import (
	"slices"

	"github.com/noised/noised/analytics/decimal"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

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
	BoundingIndex   [][]string     // groupings as the contract declares them, nil without a declaration; see Ranks
	Columns         []Column       // in the document's order, the unit column included; nil with Tables
	Tables          []Table        // of a dataset of several tables, in the document's order; nil for one table
	BudgetPer       *BudgetPer     // nil: one budget for all rows
	Defaults        privacy.Loss   // of one query; never zero
	Approvals       *Approvals     // of changes that widen sharing; nil: none are needed
	Analysts        []string       // the groups that may ask; nil: every analyst
	TemplatesOnly   bool           // nothing but approved templates is asked
}

// Unit says who is protected. In a dataset of several tables the unit column
// stands in one of them; the others reach it by their Via.
type Unit struct {
	Table  string // that holds the column; empty in a dataset of one table
	Column string
	Scope  plan.Scope
}

// Table is one table of a dataset of several.
type Table struct {
	Name    string
	Public  bool // loaded by the operator; its rows belong to no unit
	Via     *Via // how its rows reach their unit; nil for public tables and for the one with the unit column
	Columns []Column
}

// Via is a foreign key through which rows reach their unit:
// "l_orderkey -> orders.o_orderkey".
type Via struct {
	Column string // of the table itself
	Table  string // another private table
	Key    string // column of that table
}

// BudgetPer gives every period of rows a budget of its own. A row's period is
// that of its own date, never that of its load.
type BudgetPer struct {
	Column string // a date or timestamp dimension
	Every  string // day, week or month
	// From and To are the public calendar, in days since 1970: the starts of the
	// first period and of the one after the last. Other dates, and NULL, make one
	// more period, PeriodOther.
	From, To int64
}

// PeriodOther is the name of the period of rows whose date is NULL or outside
// the calendar.
const PeriodOther = "other"

// Period is one period of the public calendar.
type Period struct {
	Name     string // its first day, 2006-01-02
	From, To int64  // days since 1970, To excluded
}

// Role says what a column may be used for.
type Role string

// The roles of a column.
const (
	RoleUnit      Role = "unit"      // identifies the privacy unit; only ever counted
	RoleDimension Role = "dimension" // grouped by and filtered on
	RoleMeasure   Role = "measure"   // summed within its bounds
	// RoleKey is for joining only: never selected, grouped by or aggregated.
	RoleKey Role = "key"
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
	Resolution decimal.Resolution
}

// Column returns the column of the given name of a dataset of one table.
func (c *Contract) Column(name string) (Column, bool) { return columnOf(c.Columns, name) }

// UnitColumn returns the column that identifies the privacy unit.
func (c *Contract) UnitColumn() Column {
	col, _ := c.TableColumn(c.Unit.Table, c.Unit.Column)
	return col
}

// ReadsFrom reports whether rows that were loaded under old may be read under
// c without loading them again: who is a unit has not changed, every column
// that c declares is stored with the same type, and a bound that is enforced
// at load is not tighter than it was. A table that old did not have is empty.
// The relation is transitive, so that a generation with segments of several
// versions is judged by its latest; for tables that holds because a generation
// never keeps segments of a table that its own version does not declare.
func (c *Contract) ReadsFrom(old *Contract) bool {
	if c.Dataset != old.Dataset || c.Unit != old.Unit {
		return false
	}
	if !readsColumns(c.Columns, old.Columns) {
		return false
	}
	for _, t := range c.Tables {
		if was, ok := old.Table(t.Name); ok && !t.readsFrom(was) {
			return false
		}
	}
	if c.MaxRowsOnly {
		return old.MaxRowsOnly && old.Limits.MaxRows <= c.Limits.MaxRows
	}
	return true
}

func readsColumns(columns, old []Column) bool {
	for _, col := range columns {
		was, ok := columnOf(old, col.Name)
		if !ok || was.Type != col.Type {
			return false
		}
	}
	return true
}

func columnOf(columns []Column, name string) (Column, bool) {
	i := slices.IndexFunc(columns, func(col Column) bool { return col.Name == name })
	if i < 0 {
		return Column{}, false
	}
	return columns[i], true
}

// Identifies reports whether values of a type are fit to identify a unit or a
// row: equal values are equal texts.
func Identifies(t plan.Type) bool { return t.IsInteger() || t.Kind == plan.KindVarchar }
