package sqlgen

import (
	"strings"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/sqlexpr"
)

// coded reports whether a key is read as the stored codes of its column, which
// tell the same values apart. A streamed join reads the texts themselves: which
// rows of a unit it takes where there are too many depends on what is read of
// them, and must not depend on what a load has stored.
func (s *selection) coded(k plan.Key) bool {
	return k.Coded && (s.ranked || len(s.plan.Sources) < 2)
}

// codeOf returns the stored column of the codes of a column.
func codeOf(c *plan.Column) *plan.Column {
	return &plan.Column{Qualifier: c.Qualifier, Name: plan.CodeColumn(c.Name)}
}

// storedType returns the type of a column of a segment, of which those of codes
// are not types of a contract.
func storedType(c *plan.Column) (string, error) {
	if strings.HasPrefix(c.Name, plan.CodeColumn("")) {
		return "USMALLINT", nil
	}
	return sqlexpr.TypeName(c.Type)
}
