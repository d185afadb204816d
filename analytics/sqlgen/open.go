package sqlgen

import (
	"slices"
	"strings"

	"github.com/noised/noised/analytics/sqlexpr"
)

// open is a statement without what it reads.
type open struct {
	layout        Layout
	columns       string // that it delivers
	before, after string
	from          *from
}

// of closes a statement over a relation; more follows its columns.
func (o *open) of(more string, r Relation) (string, error) {
	rows, err := o.from.of(r)
	return "SELECT " + o.columns + more + " FROM " + o.before + rows + o.after, err
}

// enclose assembles the statement: one SELECT, over one inner SELECT per level of
// shared operands. The filter stands where its operands exist.
func (s *selection) enclose(st *open, filter sqlexpr.Term) (err error) {
	if st.from, err = s.from(); err != nil {
		return err
	}
	kept := slices.Clone(st.from.kept)
	for i, added := range s.Levels {
		if filter.SQL != "" && filter.Level == i {
			kept, filter.SQL = append(kept, filter.SQL), ""
		}
		st.before = "(SELECT *, " + strings.Join(added, ", ") + " FROM " + st.before
		st.after, kept = st.after+where(kept)+")", nil
	}
	if filter.SQL != "" {
		kept = append(kept, filter.SQL)
	}
	if st.after += where(kept); len(s.plan.Sources) > 1 && !s.ranked {
		st.after += " ORDER BY ALL" // the unit is the first column
	}
	st.columns = s.delivered()
	return nil
}
