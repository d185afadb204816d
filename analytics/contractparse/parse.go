// Package contractparse reads contracts. Parse accepts a document or refuses it with
// every problem that it has, each with its line and its dotted field. What Parse returns
// is consistent: exactly one unit column, every measure with bounds that are a whole
// number of resolution steps within the planner's limits, every declared domain expanded,
// typed and free of duplicates, and every table with a way to its unit. Later stages rely
// on that and do not check again.
package contractparse

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/contractparse/columns"
	"github.com/noised/noised/analytics/document"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

const maxDescription = 4096

// Parse reads a contract from YAML or JSON. Its errors have
// CodeContractInvalid and list every problem of the document with its line;
// a document that is not YAML at all, or too large, has one.
func Parse(doc []byte) (*contract.Contract, error) {
	root, in := document.Open(doc)
	if root == nil {
		return nil, in.Err()
	}
	c := (&reader{columns.New(in)}).contract(root)
	if err := in.Err(); err != nil {
		return nil, err
	}
	return c, nil
}

// reader reads the fields of a contract.
type reader struct{ *columns.Reader }

func (r *reader) contract(root *document.Node) *contract.Contract {
	c := &contract.Contract{Defaults: privacy.Loss{Epsilon: contract.DefaultEpsilon, Delta: contract.DefaultDelta}}
	o, ok := r.Object(root, "", "dataset", "version", "description", "privacy_unit", "tenant_dimension",
		"contribution", "bounding_index", "columns", "tables", "budget_per", "budget_defaults", "approvals", "analysts", "queries")
	if !ok {
		return c
	}
	c.Dataset = r.datasetName(o)
	if v, ok := o.Integer("version", 1, math.MaxInt32); ok {
		c.Version = int(v)
	}
	if o.Has("description") {
		c.Description = r.description(o)
	}
	c.TenantDimension = r.tenantDimension(o)
	r.contribution(c, o)
	if n := o.At["budget_defaults"]; n != nil {
		r.defaults(c, n)
	}
	if n := o.At["approvals"]; n != nil {
		c.Approvals = r.approvals(n)
	}
	c.TemplatesOnly = r.queries(o)
	if n := o.At["analysts"]; n != nil {
		c.Analysts = r.analysts(n)
	}
	if o.Has("tables") {
		r.tables(c, o)
		return c
	}
	r.oneTable(c, o)
	r.unit(c, o)
	if n := o.At["bounding_index"]; n != nil {
		r.boundingIndex(c, n)
	}
	if n := o.At["budget_per"]; n != nil {
		r.budgetPer(c, n)
	}
	return c
}

// reservedName is what a budget per dataset calls the datasets that it does not
// name.
const reservedName = "default"

func (r *reader) datasetName(o document.Object) string {
	name, ok := o.Text("dataset")
	if !ok {
		return ""
	}
	if err := privacy.CheckName("dataset", name); err != nil {
		r.Problem(o.LineOf("dataset"), "dataset", "%s", privacy.AsError(err).Message)
	}
	if name == reservedName {
		r.Problem(o.LineOf("dataset"), "dataset", "%q stands for all other datasets in budgets: choose another name", name)
	}
	return name
}

func (r *reader) description(o document.Object) string {
	s, _ := o.Text("description")
	if utf8.RuneCountInString(s) > maxDescription {
		r.Problem(o.LineOf("description"), "description", "must have at most %d characters", maxDescription)
	}
	return strings.TrimSpace(s)
}

// tenantDimension reads whether tenants' names are public. Leaving the field
// out is the only other choice: then no query may tell tenants apart.
func (r *reader) tenantDimension(o document.Object) bool {
	if !o.Has("tenant_dimension") {
		return false
	}
	s, ok := o.Text("tenant_dimension")
	if ok && s != "public" {
		r.Problem(o.LineOf("tenant_dimension"), "tenant_dimension", "must be public, or be left out, not %q", document.Shorten(s))
	}
	return ok
}

// oneTable reads the columns of a dataset of one table.
func (r *reader) oneTable(c *contract.Contract, o document.Object) {
	n, ok := o.Need("columns")
	if !ok {
		return
	}
	unit := ""
	if c.Columns, ok = r.Declared(n, "columns", &unit); ok && unit == "" {
		r.Problem(n.Line, "columns", "no column has role: unit, so nobody is protected")
	}
	for i, col := range c.Columns {
		if col.Role == contract.RoleKey {
			r.Problem(n.LineOf(col.Name), "columns."+document.Shorten(col.Name)+".role", "role: key is for datasets of several tables: use dimension")
			c.Columns[i].Role = ""
		}
	}
}

// unit reads privacy_unit and compares it with the columns, which must have
// been read before.
func (r *reader) unit(c *contract.Contract, o document.Object) {
	name, u, ok := r.unitName(c, o)
	if !ok {
		return
	}
	c.Unit.Column = name
	if col, ok := c.Column(name); !ok {
		r.Problem(u.LineOf("column"), "privacy_unit.column", "%q is not one of the columns", document.Shorten(name))
	} else {
		r.needUnitRole(u, name, col)
	}
}

// unitName reads the scope, and returns the text of the column.
func (r *reader) unitName(c *contract.Contract, o document.Object) (string, document.Object, bool) {
	n, ok := o.Need("privacy_unit")
	if !ok {
		return "", document.Object{}, false
	}
	u, ok := r.Object(n, "privacy_unit", "column", "scope")
	if !ok {
		return "", document.Object{}, false
	}
	if scope, ok := u.Text("scope"); ok {
		c.Unit.Scope = plan.Scope(scope)
		if c.Unit.Scope != plan.ScopePerson && c.Unit.Scope != plan.ScopeTenant {
			r.Problem(u.LineOf("scope"), "privacy_unit.scope", "must be person or tenant, not %q", document.Shorten(scope))
		}
	}
	name, ok := u.Text("column")
	return name, u, ok
}

func (r *reader) needUnitRole(u document.Object, name string, col contract.Column) {
	if col.Role != contract.RoleUnit && col.Role != "" {
		r.Problem(u.LineOf("column"), "privacy_unit.column", "%q has the role %s; it needs role: unit", name, col.Role)
	}
}

// contribution reads the bounds on what a unit contributes: ceilings for
// queries, or max_rows, which loads enforce.
func (r *reader) contribution(c *contract.Contract, o document.Object) {
	n, ok := o.Need("contribution")
	if !ok {
		return
	}
	b, ok := r.Object(n, "contribution", "max_partitions", "max_rows_per_partition", "max_l2", "max_rows")
	if !ok {
		return
	}
	if b.Has("max_rows") {
		if b.Has("max_partitions") || b.Has("max_rows_per_partition") || b.Has("max_l2") {
			r.Problem(b.LineOf("max_rows"), "contribution.max_rows", "stands alone: leave out max_partitions, max_rows_per_partition and max_l2, or max_rows")
			return
		}
		m, _ := b.Integer("max_rows", 1, privacy.MaxBound)
		c.MaxRowsOnly = true
		c.Limits = privacy.Bounds{MaxPartitions: m, MaxRowsPerPartition: m, MaxRows: m}
		return
	}
	c.Limits.MaxPartitions, _ = b.Integer("max_partitions", 1, privacy.MaxBound)
	c.Limits.MaxRowsPerPartition, _ = b.Integer("max_rows_per_partition", 1, privacy.MaxBound)
	if b.Has("max_l2") {
		c.Limits.MaxL2, _ = b.Integer("max_l2", 1, privacy.MaxBound)
	}
}

func (r *reader) defaults(c *contract.Contract, n *document.Node) {
	d, ok := r.Object(n, "budget_defaults", "epsilon_per_query", "delta_per_query")
	if !ok {
		return
	}
	read := func(name string, into *float64) {
		if !d.Has(name) {
			return
		}
		v, ok := r.Decimal(d.At[name], d.Path(name))
		if !ok {
			return
		}
		loss := privacy.Loss{Epsilon: contract.DefaultEpsilon, Delta: contract.DefaultDelta}
		f, _ := v.Float64()
		if name == "epsilon_per_query" {
			loss.Epsilon = f
		} else {
			loss.Delta = f
		}
		if err := loss.Check(); err != nil {
			r.Problem(d.LineOf(name), d.Path(name), "%s", privacy.AsError(err).Message)
		}
		*into = f
	}
	read("epsilon_per_query", &c.Defaults.Epsilon)
	read("delta_per_query", &c.Defaults.Delta)
}

// boundingIndex reads the groupings whose ranks are stored; an empty list says
// that none are. Ranks of a private dimension would order values that only
// selection may show.
func (r *reader) boundingIndex(c *contract.Contract, n *document.Node) {
	groupings, ok := r.List(n, "bounding_index")
	if !ok {
		return
	}
	if len(groupings) > contract.MaxRanked {
		r.Problem(n.Line, "bounding_index", "must have at most %d groupings", contract.MaxRanked)
		return
	}
	c.BoundingIndex = [][]string{}
	for i, g := range groupings {
		field := "bounding_index[" + strconv.Itoa(i) + "]"
		names, ok := r.List(g, field)
		if !ok {
			continue
		}
		if len(names) == 0 {
			r.Problem(g.Line, field, "names no column")
		}
		var grouping []string
		for _, item := range names {
			if name, ok := r.indexed(c, item, field, grouping); ok {
				grouping = append(grouping, name)
			}
		}
		c.BoundingIndex = append(c.BoundingIndex, grouping)
	}
}

func (r *reader) indexed(c *contract.Contract, n *document.Node, field string, before []string) (string, bool) {
	name, ok := r.Text(n, field)
	if !ok {
		return "", false
	}
	for _, b := range before {
		if b == name {
			r.Problem(n.Line, field, "names %q twice", name)
			return "", false
		}
	}
	col, ok := c.Column(name)
	switch {
	case !ok:
		r.Problem(n.Line, field, "%q is not one of the columns", document.Shorten(name))
	case col.Role == "": // reported where it is declared
	case col.Role != contract.RoleDimension:
		r.Problem(n.Line, field, "%q is not a dimension", name)
	}
	return name, true
}
