// Package sqlexpr renders expressions over rows as SQL that cannot fail: on no input,
// whatever the rows are, does DuckDB raise an error on it. How, package sqlgen says.
// Operands that a rendering needs more than once are collected level by level, for
// whoever writes the statement around them.
package sqlexpr

import (
	"fmt"
	"strings"

	"github.com/noised/noised/analytics/plan"
)

// Term is a rendered expression. It may be evaluated in a SELECT over the
// columns of the relation and of the levels up to its own.
type Term struct {
	SQL   string
	Type  plan.Type
	Level int  // of shared operands that it needs
	Plain bool // a column or constant: cheap to repeat
}

// Builder renders the expressions of one statement and collects the operands
// that they share, level by level.
type Builder struct {
	Tenant string
	Own    bool              // the tenant is part of what was rendered
	Levels [][]string        // Levels[i]: columns that level i+1 adds
	shared map[string]string // sql of a shared operand → its column
}

// Share returns a term that may be repeated: itself when it is plain, else a
// Column of a new level.
func (b *Builder) Share(t Term) Term {
	if t.Plain {
		return t
	}
	name, known := b.shared[t.SQL]
	if !known {
		name = fmt.Sprintf("_t%d", len(b.shared))
		if b.shared == nil {
			b.shared = make(map[string]string)
		}
		b.shared[t.SQL] = name
		if t.Level == len(b.Levels) {
			b.Levels = append(b.Levels, nil)
		}
		b.Levels[t.Level] = append(b.Levels[t.Level], t.SQL+" AS "+name)
	}
	return Term{SQL: name, Type: t.Type, Level: t.Level + 1, Plain: true}
}

// Combine formats a term of the given type from its operands; format has one %s
// per operand.
func Combine(typ plan.Type, format string, operands ...Term) Term {
	out, args := Term{Type: typ}, make([]any, len(operands))
	for i, t := range operands {
		args[i] = t.SQL
		out.Level = max(out.Level, t.Level)
	}
	out.SQL = fmt.Sprintf(format, args...)
	return out
}

// List joins terms with a separator, between the given ends.
func List(typ plan.Type, open, separator, end string, operands []Term) Term {
	out, parts := Term{Type: typ}, make([]string, len(operands))
	for i, t := range operands {
		parts[i] = t.SQL
		out.Level = max(out.Level, t.Level)
	}
	out.SQL = open + strings.Join(parts, separator) + end
	return out
}

// Expr renders an expression over row columns.
func (b *Builder) Expr(e plan.Expr) (Term, error) {
	switch e := e.(type) {
	case *plan.Column:
		return b.Column(e)
	case *plan.Literal:
		sql, err := Literal(e.Value)
		return Term{SQL: sql, Type: e.Value.Type, Plain: true}, err
	case *plan.Call:
		return b.call(e)
	case *plan.In:
		return b.in(e)
	case *plan.Case:
		return b.caseWhen(e)
	case *plan.Cast:
		arg, err := b.Expr(e.Arg)
		if err != nil {
			return Term{}, err
		}
		name, err := TypeName(e.To)
		return Combine(e.To, "TRY_CAST(%s AS "+name+")", arg), err
	default:
		return Term{}, fmt.Errorf("a %T cannot be evaluated per row", e)
	}
}

// Exprs renders expressions.
func (b *Builder) Exprs(es []plan.Expr) ([]Term, error) {
	out := make([]Term, len(es))
	for i, e := range es {
		t, err := b.Expr(e)
		if err != nil {
			return nil, err
		}
		out[i] = t
	}
	return out, nil
}

// Column renders a column; the implicit tenant is a constant of the segment.
func (b *Builder) Column(c *plan.Column) (Term, error) {
	if c.Name == plan.TenantColumn {
		b.Own = true
		sql, err := QuoteText(b.Tenant)
		return Term{SQL: sql, Type: plan.Of(plan.KindVarchar), Plain: true}, err
	}
	name, err := QuoteName(ColumnName(c))
	return Term{SQL: name, Type: c.Type, Plain: true}, err
}

func (b *Builder) in(e *plan.In) (Term, error) {
	arg, err := b.Expr(e.Arg)
	if err != nil {
		return Term{}, err
	}
	items, err := b.Exprs(e.List)
	if err != nil {
		return Term{}, err
	}
	if len(items) == 0 {
		return Term{}, fmt.Errorf("an IN list is empty")
	}
	op := " IN ("
	if e.Not {
		op = " NOT IN ("
	}
	values := List(plan.Type{}, op, ", ", "))", items)
	return Combine(plan.Of(plan.KindBoolean), "(%s%s", arg, values), nil
}

func (b *Builder) caseWhen(e *plan.Case) (Term, error) {
	if len(e.Whens) == 0 {
		return Term{}, fmt.Errorf("a CASE has no arm")
	}
	var parts []Term
	for _, w := range e.Whens {
		arm, err := b.Exprs([]plan.Expr{w.If, w.Then})
		if err != nil {
			return Term{}, err
		}
		parts = append(parts, Combine(arm[1].Type, "WHEN %s THEN %s", arm...))
	}
	if e.Else != nil {
		t, err := b.Expr(e.Else)
		if err != nil {
			return Term{}, err
		}
		parts = append(parts, Combine(t.Type, "ELSE %s", t))
	}
	return List(parts[0].Type, "(CASE ", " ", " END)", parts), nil
}
