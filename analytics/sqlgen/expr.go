package sqlgen

import (
	"fmt"
	"strings"

	"github.com/noised/noised/analytics/plan"
)

// term is a rendered expression. It may be evaluated in a SELECT over the
// columns of the relation and of the levels up to its own.
type term struct {
	sql   string
	typ   plan.Type
	level int
	plain bool // a column or constant: cheap to repeat
}

// builder renders the expressions of one statement and collects the operands
// that they share, level by level.
type builder struct {
	tenant string
	own    bool              // the tenant is part of what was rendered
	levels [][]string        // levels[i]: columns that level i+1 adds
	shared map[string]string // sql of a shared operand → its column
}

// share returns a term that may be repeated: itself when it is plain, else a
// column of a new level.
func (b *builder) share(t term) term {
	if t.plain {
		return t
	}
	name, known := b.shared[t.sql]
	if !known {
		name = fmt.Sprintf("_t%d", len(b.shared))
		if b.shared == nil {
			b.shared = make(map[string]string)
		}
		b.shared[t.sql] = name
		if t.level == len(b.levels) {
			b.levels = append(b.levels, nil)
		}
		b.levels[t.level] = append(b.levels[t.level], t.sql+" AS "+name)
	}
	return term{sql: name, typ: t.typ, level: t.level + 1, plain: true}
}

// combine formats a term of the given type from its operands; format has one %s
// per operand.
func combine(typ plan.Type, format string, operands ...term) term {
	out, args := term{typ: typ}, make([]any, len(operands))
	for i, t := range operands {
		args[i] = t.sql
		out.level = max(out.level, t.level)
	}
	out.sql = fmt.Sprintf(format, args...)
	return out
}

// list joins terms with a separator, between the given ends.
func list(typ plan.Type, open, separator, end string, operands []term) term {
	out, parts := term{typ: typ}, make([]string, len(operands))
	for i, t := range operands {
		parts[i] = t.sql
		out.level = max(out.level, t.level)
	}
	out.sql = open + strings.Join(parts, separator) + end
	return out
}

// expr renders an expression over row columns.
func (b *builder) expr(e plan.Expr) (term, error) {
	switch e := e.(type) {
	case *plan.Column:
		return b.column(e)
	case *plan.Literal:
		sql, err := literal(e.Value)
		return term{sql: sql, typ: e.Value.Type, plain: true}, err
	case *plan.Call:
		return b.call(e)
	case *plan.In:
		return b.in(e)
	case *plan.Case:
		return b.caseWhen(e)
	case *plan.Cast:
		arg, err := b.expr(e.Arg)
		if err != nil {
			return term{}, err
		}
		name, err := sqlType(e.To)
		return combine(e.To, "TRY_CAST(%s AS "+name+")", arg), err
	default:
		return term{}, fmt.Errorf("a %T cannot be evaluated per row", e)
	}
}

func (b *builder) exprs(es []plan.Expr) ([]term, error) {
	out := make([]term, len(es))
	for i, e := range es {
		t, err := b.expr(e)
		if err != nil {
			return nil, err
		}
		out[i] = t
	}
	return out, nil
}

// column renders a column; the implicit tenant is a constant of the segment.
func (b *builder) column(c *plan.Column) (term, error) {
	if c.Name == plan.TenantColumn {
		b.own = true
		sql, err := quoteText(b.tenant)
		return term{sql: sql, typ: plan.Of(plan.KindVarchar), plain: true}, err
	}
	name, err := quoteName(columnName(c))
	return term{sql: name, typ: c.Type, plain: true}, err
}

func (b *builder) in(e *plan.In) (term, error) {
	arg, err := b.expr(e.Arg)
	if err != nil {
		return term{}, err
	}
	items, err := b.exprs(e.List)
	if err != nil {
		return term{}, err
	}
	if len(items) == 0 {
		return term{}, fmt.Errorf("an IN list is empty")
	}
	op := " IN ("
	if e.Not {
		op = " NOT IN ("
	}
	values := list(plan.Type{}, op, ", ", "))", items)
	return combine(plan.Of(plan.KindBoolean), "(%s%s", arg, values), nil
}

func (b *builder) caseWhen(e *plan.Case) (term, error) {
	if len(e.Whens) == 0 {
		return term{}, fmt.Errorf("a CASE has no arm")
	}
	var parts []term
	for _, w := range e.Whens {
		arm, err := b.exprs([]plan.Expr{w.If, w.Then})
		if err != nil {
			return term{}, err
		}
		parts = append(parts, combine(arm[1].typ, "WHEN %s THEN %s", arm...))
	}
	if e.Else != nil {
		t, err := b.expr(e.Else)
		if err != nil {
			return term{}, err
		}
		parts = append(parts, combine(t.typ, "ELSE %s", t))
	}
	return list(parts[0].typ, "(CASE ", " ", " END)", parts), nil
}
