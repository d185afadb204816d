package sqlgen

import (
	"slices"
	"strings"
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
func (s *selection) enclose(st *open, filter term) (err error) {
	if st.from, err = s.from(); err != nil {
		return err
	}
	kept := slices.Clone(st.from.kept)
	for i, added := range s.levels {
		if filter.sql != "" && filter.level == i {
			kept, filter.sql = append(kept, filter.sql), ""
		}
		st.before = "(SELECT *, " + strings.Join(added, ", ") + " FROM " + st.before
		st.after, kept = st.after+where(kept)+")", nil
	}
	if filter.sql != "" {
		kept = append(kept, filter.sql)
	}
	if st.after += where(kept); len(s.plan.Sources) > 1 && !s.ranked {
		st.after += " ORDER BY ALL" // the unit is the first column
	}
	st.columns = s.delivered()
	return nil
}
