package reduce

import (
	"fmt"
	"slices"
	"strings"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

// relation is what one name in FROM stands for.
type relation struct {
	name    string // empty for a subquery without an alias
	table   bool   // a table and not a subquery
	columns []column
}

// column is a name that a relation has, and what it stands for.
type column struct {
	name string
	expr plan.Expr
}

// scope is what the names of one SELECT may mean.
type scope struct {
	relations []*relation
	using     []column // joined by USING: unqualified, they are one column
}

// column resolves a name.
func (s *scope) column(c *plan.Column) (plan.Expr, error) {
	e, found, err := s.find(c)
	switch {
	case err != nil:
		return nil, err
	case !found && c.Qualifier != "":
		return nil, unknown(c, "nothing in this FROM is called %q, or it has no column %q", c.Qualifier, c.Name)
	case !found:
		return nil, unknown(c, "nothing in this FROM has a column %q", c.Name).Suggest("%s", s.hint())
	}
	return e, nil
}

func unknown(c *plan.Column, format string, names ...string) *privacy.Error {
	args := make([]any, len(names))
	for i, n := range names {
		args[i] = shorten(n)
	}
	return privacy.Errorf(privacy.CodeUnknownColumn, format, args...).At(int(c.Pos))
}

// find resolves a name; false when nothing has it.
func (s *scope) find(c *plan.Column) (plan.Expr, bool, error) {
	if c.Qualifier == "" {
		if i := slices.IndexFunc(s.using, func(u column) bool { return u.name == c.Name }); i >= 0 {
			return s.using[i].expr, true, nil
		}
	}
	var found []plan.Expr
	var in []string
	for _, rel := range s.relations {
		if c.Qualifier != "" && c.Qualifier != rel.name {
			continue
		}
		for _, col := range rel.columns {
			if col.name == c.Name {
				found, in = append(found, col.expr), append(in, rel.name)
			}
		}
	}
	switch {
	case len(found) == 0:
		return nil, false, nil
	case len(found) > 1 && !sameTenant(found):
		err := refuse(c.Pos, "the ambiguous name %q is not permitted", shorten(c.Name))
		if in[0] != in[1] {
			err = err.Suggest("write %s.%s or %s.%s", in[0], c.Name, in[1], c.Name)
		}
		return nil, false, err
	}
	return found[0], true, nil
}

// sameTenant reports whether expressions are all the implicit dimension, which
// is the same in every table of a row.
func sameTenant(es []plan.Expr) bool {
	return !slices.ContainsFunc(es, func(e plan.Expr) bool { return !isTenant(e) })
}

func isTenant(e plan.Expr) bool {
	c, ok := e.(*plan.Column)
	return ok && c.Name == plan.TenantColumn
}

// maxListed bounds how many names a suggestion lists.
const maxListed = 20

func (s *scope) hint() string {
	var names []string
	for _, rel := range s.relations {
		for _, col := range rel.columns {
			if col.name != "" && len(names) < maxListed {
				names = append(names, col.name)
			}
		}
	}
	if len(names) == 0 {
		return "give the items of the subquery aliases"
	}
	return "there are: " + strings.Join(names, ", ")
}

// join puts two scopes side by side.
func (r *reducer) join(left, right *scope, at plan.Pos) (*scope, error) {
	for _, a := range left.relations {
		for _, b := range right.relations {
			if a.name == b.name && a.name != "" {
				return nil, refuse(at, "two relations called %q in one FROM are not permitted", shorten(a.name)).Suggest("give one of them an alias")
			}
		}
	}
	return &scope{relations: slices.Concat(left.relations, right.relations), using: slices.Concat(left.using, right.using)}, nil
}

// table takes a table into the reduced query, under an alias of its own there.
func (r *reducer) table(t *plan.Table) (*plan.Table, *relation, error) {
	names, err := r.columns(t)
	if err != nil {
		return nil, nil, err
	}
	rel := &relation{name: t.Alias, table: true}
	for _, name := range []string{t.Name, t.Dataset} {
		if rel.name == "" {
			rel.name = name
		}
	}
	out := *t
	out.Alias = rel.name
	for n := 2; r.taken[out.Alias]; n++ {
		out.Alias = fmt.Sprintf("%s_%d", rel.name, n)
	}
	r.taken[out.Alias] = true
	qualifier := out.Alias
	if r.single {
		qualifier = ""
	}
	for _, name := range names {
		rel.columns = append(rel.columns, column{name: name, expr: &plan.Column{Qualifier: qualifier, Name: name}})
	}
	return &out, rel, nil
}

func shorten(s string) string {
	if r := []rune(s); len(r) > 64 {
		return string(r[:64]) + "…"
	}
	return s
}
