package contract

import (
	"bytes"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

const maxDescription = 4096

// Parse reads a contract from YAML or JSON. Its errors have
// CodeContractInvalid and list every problem of the document with its line;
// a document that is not YAML at all, or too large, has one.
func Parse(doc []byte) (*Contract, error) {
	r := &reader{domainLeft: MaxDomainValues, columnsLeft: MaxColumns}
	if len(doc) > MaxDocument {
		r.problem(0, "", "the document is larger than %d bytes", MaxDocument)
		return nil, r.err()
	}
	root, problem := parseYAML(bytes.TrimPrefix(doc, []byte("\ufeff")))
	switch {
	case problem != nil:
		r.problems = append(r.problems, *problem)
	case root == nil:
		r.problem(1, "", "the document is empty")
	default:
		c := r.contract(root)
		if len(r.problems) == 0 {
			return c, nil
		}
	}
	return nil, r.err()
}

func (r *reader) contract(root *node) *Contract {
	c := &Contract{Defaults: privacy.Loss{Epsilon: DefaultEpsilon, Delta: DefaultDelta}}
	o, ok := r.object(root, "", "dataset", "version", "description", "privacy_unit", "tenant_dimension",
		"contribution", "bounding_index", "columns", "tables", "budget_per", "budget_defaults", "approvals", "analysts", "queries")
	if !ok {
		return c
	}
	c.Dataset = r.datasetName(o)
	if v, ok := o.integer("version", 1, math.MaxInt32); ok {
		c.Version = int(v)
	}
	if o.has("description") {
		c.Description = r.description(o)
	}
	c.TenantDimension = r.tenantDimension(o)
	r.contribution(c, o)
	if n := o.at["budget_defaults"]; n != nil {
		r.defaults(c, n)
	}
	if n := o.at["approvals"]; n != nil {
		c.Approvals = r.approvals(n)
	}
	c.TemplatesOnly = r.queries(o)
	if n := o.at["analysts"]; n != nil {
		c.Analysts = r.analysts(n)
	}
	if o.has("tables") {
		r.tables(c, o)
		return c
	}
	r.columns(c, o)
	r.unit(c, o)
	if n := o.at["bounding_index"]; n != nil {
		r.boundingIndex(c, n)
	}
	if n := o.at["budget_per"]; n != nil {
		r.budgetPer(c, n)
	}
	return c
}

// reservedName is what a budget per dataset calls the datasets that it does not
// name.
const reservedName = "default"

func (r *reader) datasetName(o object) string {
	name, ok := o.text("dataset")
	if !ok {
		return ""
	}
	if err := privacy.CheckName("dataset", name); err != nil {
		r.problem(o.lineOf("dataset"), "dataset", "%s", privacy.AsError(err).Message)
	}
	if name == reservedName {
		r.problem(o.lineOf("dataset"), "dataset", "%q stands for all other datasets in budgets: choose another name", name)
	}
	return name
}

func (r *reader) description(o object) string {
	s, _ := o.text("description")
	if utf8.RuneCountInString(s) > maxDescription {
		r.problem(o.lineOf("description"), "description", "must have at most %d characters", maxDescription)
	}
	return strings.TrimSpace(s)
}

// tenantDimension reads whether tenants' names are public. Leaving the field
// out is the only other choice: then no query may tell tenants apart.
func (r *reader) tenantDimension(o object) bool {
	if !o.has("tenant_dimension") {
		return false
	}
	s, ok := o.text("tenant_dimension")
	if ok && s != "public" {
		r.problem(o.lineOf("tenant_dimension"), "tenant_dimension", "must be public, or be left out, not %q", shorten(s))
	}
	return ok
}

// unit reads privacy_unit and compares it with the columns, which must have
// been read before.
func (r *reader) unit(c *Contract, o object) {
	name, u, ok := r.unitName(c, o)
	if !ok {
		return
	}
	c.Unit.Column = name
	if col, ok := c.Column(name); !ok {
		r.problem(u.lineOf("column"), "privacy_unit.column", "%q is not one of the columns", shorten(name))
	} else {
		r.needUnitRole(u, name, col)
	}
}

// unitName reads the scope, and returns the text of the column.
func (r *reader) unitName(c *Contract, o object) (string, object, bool) {
	n, ok := o.need("privacy_unit")
	if !ok {
		return "", object{}, false
	}
	u, ok := r.object(n, "privacy_unit", "column", "scope")
	if !ok {
		return "", object{}, false
	}
	if scope, ok := u.text("scope"); ok {
		c.Unit.Scope = plan.Scope(scope)
		if c.Unit.Scope != plan.ScopePerson && c.Unit.Scope != plan.ScopeTenant {
			r.problem(u.lineOf("scope"), "privacy_unit.scope", "must be person or tenant, not %q", shorten(scope))
		}
	}
	name, ok := u.text("column")
	return name, u, ok
}

func (r *reader) needUnitRole(u object, name string, col Column) {
	if col.Role != RoleUnit && col.Role != "" {
		r.problem(u.lineOf("column"), "privacy_unit.column", "%q has the role %s; it needs role: unit", name, col.Role)
	}
}

// contribution reads the bounds on what a unit contributes: ceilings for
// queries, or max_rows, which loads enforce.
func (r *reader) contribution(c *Contract, o object) {
	n, ok := o.need("contribution")
	if !ok {
		return
	}
	b, ok := r.object(n, "contribution", "max_partitions", "max_rows_per_partition", "max_l2", "max_rows")
	if !ok {
		return
	}
	if b.has("max_rows") {
		if b.has("max_partitions") || b.has("max_rows_per_partition") || b.has("max_l2") {
			r.problem(b.lineOf("max_rows"), "contribution.max_rows", "stands alone: leave out max_partitions, max_rows_per_partition and max_l2, or max_rows")
			return
		}
		m, _ := b.integer("max_rows", 1, privacy.MaxBound)
		c.MaxRowsOnly = true
		c.Limits = privacy.Bounds{MaxPartitions: m, MaxRowsPerPartition: m, MaxRows: m}
		return
	}
	c.Limits.MaxPartitions, _ = b.integer("max_partitions", 1, privacy.MaxBound)
	c.Limits.MaxRowsPerPartition, _ = b.integer("max_rows_per_partition", 1, privacy.MaxBound)
	if b.has("max_l2") {
		c.Limits.MaxL2, _ = b.integer("max_l2", 1, privacy.MaxBound)
	}
}

func (r *reader) defaults(c *Contract, n *node) {
	d, ok := r.object(n, "budget_defaults", "epsilon_per_query", "delta_per_query")
	if !ok {
		return
	}
	read := func(name string, into *float64) {
		if !d.has(name) {
			return
		}
		v, ok := r.decimal(d.at[name], d.path(name))
		if !ok {
			return
		}
		loss := privacy.Loss{Epsilon: DefaultEpsilon, Delta: DefaultDelta}
		f, _ := v.Float64()
		if name == "epsilon_per_query" {
			loss.Epsilon = f
		} else {
			loss.Delta = f
		}
		if err := loss.Check(); err != nil {
			r.problem(d.lineOf(name), d.path(name), "%s", privacy.AsError(err).Message)
		}
		*into = f
	}
	read("epsilon_per_query", &c.Defaults.Epsilon)
	read("delta_per_query", &c.Defaults.Delta)
}

// boundingIndex reads the groupings whose ranks are stored; an empty list says
// that none are. Ranks of a private dimension would order values that only
// selection may show.
func (r *reader) boundingIndex(c *Contract, n *node) {
	groupings, ok := r.sequence(n, "bounding_index")
	if !ok {
		return
	}
	if len(groupings) > maxRanked {
		r.problem(n.line, "bounding_index", "must have at most %d groupings", maxRanked)
		return
	}
	c.BoundingIndex = [][]string{}
	for i, g := range groupings {
		field := "bounding_index[" + strconv.Itoa(i) + "]"
		names, ok := r.sequence(g, field)
		if !ok {
			continue
		}
		if len(names) == 0 {
			r.problem(g.line, field, "names no column")
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

func (r *reader) indexed(c *Contract, n *node, field string, before []string) (string, bool) {
	name, ok := r.text(n, field)
	if !ok {
		return "", false
	}
	for _, b := range before {
		if b == name {
			r.problem(n.line, field, "names %q twice", name)
			return "", false
		}
	}
	col, ok := c.Column(name)
	switch {
	case !ok:
		r.problem(n.line, field, "%q is not one of the columns", shorten(name))
	case col.Role == "": // reported where it is declared
	case col.Role != RoleDimension:
		r.problem(n.line, field, "%q is not a dimension", name)
	}
	return name, true
}
