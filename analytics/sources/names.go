package sources

import (
	"slices"
	"strings"

	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/refusal"
	"github.com/noised/noised/privacy"
)

// Resolve finds the source and the column of a name. The implicit dimension is
// a varchar dimension of no source, whose domain the caller fills in.
func (f *From) Resolve(c *plan.Column) (*Source, contract.Column, error) {
	found := f.candidates(c.Qualifier, func(*Source) bool { return true })
	if len(found) == 0 {
		err := privacy.Errorf(privacy.CodeUnknownColumn, "nothing in FROM is called %q", refusal.Shorten(c.Qualifier)).At(int(c.Pos))
		if len(f.sources) == 1 {
			return nil, contract.Column{}, err.Suggest("write %s.%s", f.sources[0].name, c.Name)
		}
		return nil, contract.Column{}, err
	}
	private := f.candidates(c.Qualifier, func(s *Source) bool { return !s.table.Public })
	if c.Name == plan.TenantColumn && f.c.TenantDimension && len(private) > 0 {
		return nil, contract.Column{Name: plan.TenantColumn, Type: plan.Of(plan.KindVarchar), Role: contract.RoleDimension}, nil
	}
	found = f.candidates(c.Qualifier, func(s *Source) bool { _, has := s.table.Column(c.Name); return has })
	switch len(found) {
	case 0:
		return nil, contract.Column{}, f.unknownColumn(c.Name, c.Pos)
	case 1:
		col, _ := found[0].table.Column(c.Name)
		return found[0], col, nil
	}
	return nil, contract.Column{}, privacy.Errorf(privacy.CodeUnknownColumn, "the name %q is ambiguous", refusal.Shorten(c.Name)).At(int(c.Pos)).
		Suggest("write %s.%s or %s.%s", found[0].name, c.Name, found[1].name, c.Name)
}

func (f *From) candidates(qualifier string, is func(*Source) bool) []*Source {
	var out []*Source
	for _, s := range f.sources {
		if (qualifier == "" || qualifier == s.name) && is(s) {
			out = append(out, s)
		}
	}
	return out
}

// Bound returns the bound form of a resolved column.
func Bound(s *Source, col contract.Column, at plan.Pos) *plan.Column {
	b := &plan.Column{Name: col.Name, Type: col.Type, Pos: at}
	if s != nil {
		b.Qualifier = s.qualifier
	}
	return b
}

// IsUnit reports whether a column holds unit ids.
func (f *From) IsUnit(s *Source, col contract.Column) bool {
	return s != nil && f.c.IdentifiesUnit(s.table.Name, col.Name)
}

// unknownColumn returns the error for a name that no table of FROM has, with the
// nearest name that one has.
func (f *From) unknownColumn(name string, at plan.Pos) error {
	names := f.Names()
	err := privacy.Errorf(privacy.CodeUnknownColumn, "dataset %q has no column %q", f.c.Dataset, refusal.Shorten(name)).At(int(at))
	if f.c.Tables != nil {
		err = privacy.Errorf(privacy.CodeUnknownColumn, "nothing in FROM has a column %q", refusal.Shorten(name)).At(int(at))
	}
	if slices.Contains([]string{"current_date", "current_timestamp", "localtimestamp", "today", "now"}, strings.ToLower(name)) {
		return err.Suggest("an answer does not depend on when it is asked for: write the date out, for example DATE '2024-01-31'")
	}
	if best, ok := refusal.Nearest(name, names); ok {
		return err.Suggest("did you mean %q?", best)
	}
	return err.Suggest("its columns are: %s", refusal.Listed(names))
}

// Names lists the columns that a query may write.
func (f *From) Names() []string {
	var names []string
	for _, s := range f.sources {
		names = append(names, columnNames(f.c, s.table)...)
	}
	return names
}

// WithRole lists the columns of FROM with a role.
func (f *From) WithRole(role contract.Role) []string {
	var names []string
	for _, s := range f.sources {
		for _, col := range s.table.Columns {
			if col.Role == role {
				names = append(names, col.Name)
			}
		}
	}
	return names
}
