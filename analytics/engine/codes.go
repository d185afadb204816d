package engine

import (
	"fmt"
	"slices"

	"github.com/noised/noised/analytics/plan"
)

// Coded reports whether the codes of a key are stored in all segments that it is
// read from, for the values that it has declared: whether Key.Coded may be set.
// A key that is computed, or has NULL among its values, has no codes.
func Coded(p *plan.Bound, k plan.Key, segments []Segment) bool {
	c := k.Expr
	if c == nil {
		c = &plan.Column{Name: k.Column, Type: k.Type}
	}
	column, bare := c.(*plan.Column)
	if !bare || column.Name == plan.TenantColumn || !plan.Codable(k.Type, k.Domain) {
		return false
	}
	if slices.ContainsFunc(k.Domain, func(v plan.Value) bool { return v.Null }) {
		return false // it is told from the empty text by no code
	}
	src, ok := sourceOf(p, column)
	if !ok {
		return false
	}
	stored := ""
	for _, s := range segments {
		if s.Table != src.Table || (s.Tenant == "") != src.Public {
			continue
		}
		if codes := s.Codes[column.Name]; codes == "" || stored != "" && codes != stored {
			return false
		}
		stored = s.Codes[column.Name]
	}
	return stored == "" || stored == plan.CodesOf(k.Domain)
}

// sourceOf returns the source that a column is of; in a dataset of one table it
// has no name.
func sourceOf(p *plan.Bound, c *plan.Column) (plan.Source, bool) {
	if p.Sources == nil {
		return plan.Source{}, c.Qualifier == ""
	}
	i := slices.IndexFunc(p.Sources, func(s plan.Source) bool { return s.Alias == c.Qualifier })
	if i < 0 {
		return plan.Source{}, false
	}
	return p.Sources[i], true
}

// checkCodes refuses plans that read codes which some segment does not have, or
// has of other values.
func (in Input) checkCodes() error {
	for _, k := range in.Plan.Keys {
		if k.Coded && !Coded(in.Plan, k, in.Segments) {
			return fmt.Errorf("the codes of %q are not stored", k.Column)
		}
	}
	return nil
}
