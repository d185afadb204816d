package contract

import (
	"encoding/json"
	"time"

	"github.com/noised/noised/analytics/plan"
)

// View is what the API shows of a contract. Nothing in it depends on rows.
type View struct {
	Dataset         string         `json:"dataset"`
	Version         int            `json:"version"`
	Description     string         `json:"description,omitempty"`
	PrivacyUnit     UnitView       `json:"privacy_unit"`
	TenantDimension string         `json:"tenant_dimension,omitempty"` // "public" or absent
	Contribution    BoundsView     `json:"contribution"`
	BoundingIndex   [][]string     `json:"bounding_index,omitempty"`
	Columns         []ColumnView   `json:"columns,omitempty"` // in the contract's order
	Tables          []TableView    `json:"tables,omitempty"`  // instead of columns
	BudgetPer       *PeriodsView   `json:"budget_per,omitempty"`
	BudgetDefaults  DefaultsView   `json:"budget_defaults"`
	Approvals       *ApprovalsView `json:"approvals,omitempty"`
	Queries         string         `json:"queries,omitempty"`  // "templates" or absent
	Analysts        *[]string      `json:"analysts,omitempty"` // absent: every analyst
}

// UnitView says who is protected. In a dataset of several tables the column is
// written table.column.
type UnitView struct {
	Column string `json:"column"`
	Scope  string `json:"scope"`
}

// BoundsView has either max_rows, enforced at load, or the other two, which
// are ceilings and defaults of a query.
type BoundsView struct {
	MaxPartitions       int64 `json:"max_partitions,omitempty"`
	MaxRowsPerPartition int64 `json:"max_rows_per_partition,omitempty"`
	MaxL2               int64 `json:"max_l2,omitempty"`
	MaxRows             int64 `json:"max_rows,omitempty"`
}

// ColumnView is one declared column. Domain is "private", or the list of
// declared values; numbers are exact.
type ColumnView struct {
	Name       string        `json:"name"`
	Type       string        `json:"type"`
	Role       string        `json:"role"`
	Domain     any           `json:"domain,omitempty"`
	Bounds     []json.Number `json:"bounds,omitempty"`
	Resolution json.Number   `json:"resolution,omitempty"`
}

// PeriodsView says which rows have a budget of their own. From and To are the
// first and the last day of the calendar, written 2006-01-02.
type PeriodsView struct {
	Column string `json:"column"`
	Every  string `json:"every"`
	From   string `json:"from"`
	To     string `json:"to"`
}

// TableView is one table of several. Via says how its rows reach their unit.
type TableView struct {
	Name    string       `json:"name"`
	Public  bool         `json:"public,omitempty"`
	Via     string       `json:"via,omitempty"`
	Columns []ColumnView `json:"columns"`
}

// DefaultsView is the loss of a query that does not say how much.
type DefaultsView struct {
	EpsilonPerQuery float64 `json:"epsilon_per_query"`
	DeltaPerQuery   float64 `json:"delta_per_query"`
}

// JSON returns the contract as the API shows it.
func (c *Contract) JSON() View {
	v := View{
		Dataset:        c.Dataset,
		Version:        c.Version,
		Description:    c.Description,
		PrivacyUnit:    UnitView{Column: c.Unit.Column, Scope: string(c.Unit.Scope)},
		Contribution:   BoundsView{MaxPartitions: c.Limits.MaxPartitions, MaxRowsPerPartition: c.Limits.MaxRowsPerPartition, MaxL2: c.Limits.MaxL2},
		BoundingIndex:  c.BoundingIndex,
		BudgetDefaults: DefaultsView{EpsilonPerQuery: c.Defaults.Epsilon, DeltaPerQuery: c.Defaults.Delta},
	}
	if c.MaxRowsOnly {
		v.Contribution = BoundsView{MaxRows: c.Limits.MaxRows}
	}
	if b := c.BudgetPer; b != nil {
		v.BudgetPer = &PeriodsView{
			Column: b.Column, Every: b.Every,
			From: dateOf(b.From).Format(time.DateOnly), To: dateOf(b.To - 1).Format(time.DateOnly),
		}
	}
	v.Approvals = c.Approvals.view()
	if c.TemplatesOnly {
		v.Queries = "templates"
	}
	if c.Analysts != nil {
		v.Analysts = &c.Analysts
	}
	if c.TenantDimension {
		v.TenantDimension = "public"
	}
	v.Columns = viewsOf(c.Columns)
	if c.Unit.Table != "" {
		v.PrivacyUnit.Column = c.Unit.Table + "." + c.Unit.Column
	}
	for _, t := range c.Tables {
		shown := TableView{Name: t.Name, Public: t.Public, Columns: viewsOf(t.Columns)}
		if t.Via != nil {
			shown.Via = t.Via.String()
		}
		v.Tables = append(v.Tables, shown)
	}
	return v
}

func viewsOf(columns []Column) (views []ColumnView) {
	for _, col := range columns {
		views = append(views, col.view())
	}
	return views
}

func (col Column) view() ColumnView {
	v := ColumnView{Name: col.Name, Type: col.Type.String(), Role: string(col.Role)}
	switch col.Role {
	case RoleDimension:
		v.Domain = "private"
		if !col.Private {
			v.Domain = domainView(col.Domain)
		}
	case RoleMeasure:
		v.Bounds = []json.Number{json.Number(col.BoundsText[0]), json.Number(col.BoundsText[1])}
		v.Resolution = json.Number(col.Resolution.String())
	case RoleUnit, RoleKey:
	}
	return v
}

// domainView returns declared values as JSON values: booleans and integers as
// such, dates and timestamps as text.
func domainView(domain []plan.Value) []any {
	values := make([]any, len(domain))
	for i, d := range domain {
		switch {
		case d.Type.Kind == plan.KindBoolean:
			values[i] = d.Int != 0
		case d.Type.IsInteger():
			values[i] = d.Int
		default:
			values[i] = d.Text()
		}
	}
	return values
}
