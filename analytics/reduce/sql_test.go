package reduce_test

import (
	"fmt"
	"strings"

	"github.com/noised/noised/analytics/plan"
)

// sqlOf writes a query without subqueries as SQL that DuckDB runs. Only here
// does SQL come from a Select: what the server runs is made from bound plans.
func sqlOf(s *plan.Select) string {
	var b strings.Builder
	var items []string
	for _, it := range s.Items {
		text := exprOf(it.Expr)
		if it.Alias != "" {
			text += " AS " + quote(it.Alias)
		}
		items = append(items, text)
	}
	b.WriteString("SELECT " + strings.Join(items, ", ") + " FROM " + fromOf(s.From))
	if s.Where != nil {
		b.WriteString(" WHERE " + exprOf(s.Where))
	}
	if len(s.GroupBy) > 0 {
		b.WriteString(" GROUP BY " + strings.Join(exprsOf(s.GroupBy), ", "))
	}
	if s.Having != nil {
		b.WriteString(" HAVING " + exprOf(s.Having))
	}
	for i, o := range s.OrderBy {
		b.WriteString([]string{", ", " ORDER BY "}[btoi(i == 0)] + exprOf(o.Expr) +
			[]string{"", " DESC"}[btoi(o.Desc)] + []string{" NULLS LAST", " NULLS FIRST"}[btoi(o.NullsFirst)])
	}
	if s.Limit != nil {
		fmt.Fprintf(&b, " LIMIT %d", *s.Limit)
	}
	if s.Offset > 0 {
		fmt.Fprintf(&b, " OFFSET %d", s.Offset)
	}
	return b.String()
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func quote(name string) string {
	for _, r := range name {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '_' {
			return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
		}
	}
	return name
}

func fromOf(f plan.From) string {
	switch f := f.(type) {
	case *plan.Table:
		text := quote(f.Dataset)
		if f.Name != "" {
			text += "." + quote(f.Name)
		}
		if f.Alias != "" && f.Alias != f.Name && f.Alias != f.Dataset {
			text += " " + quote(f.Alias)
		}
		return text
	case *plan.Join:
		right := fromOf(f.Right)
		if _, nested := f.Right.(*plan.Join); nested {
			right = "(" + right + ")"
		}
		switch {
		case f.Outer:
			return fromOf(f.Left) + " LEFT JOIN " + right + " ON " + exprOf(f.On)
		case f.On != nil:
			return fromOf(f.Left) + " JOIN " + right + " ON " + exprOf(f.On)
		}
		return fromOf(f.Left) + " CROSS JOIN " + right
	case *plan.Subquery:
	}
	panic("not reduced")
}

func exprsOf(es []plan.Expr) []string {
	var out []string
	for _, e := range es {
		out = append(out, exprOf(e))
	}
	return out
}

func exprOf(e plan.Expr) string {
	switch e := e.(type) {
	case *plan.Column:
		if e.Qualifier != "" {
			return quote(e.Qualifier) + "." + quote(e.Name)
		}
		return quote(e.Name)
	case *plan.Literal:
		if e.Value.Type.Kind == plan.KindVarchar {
			return "'" + strings.ReplaceAll(e.Value.Str, "'", "''") + "'"
		}
		return e.Value.Text()
	case *plan.Call:
		args := exprsOf(e.Args)
		switch {
		case e.Func == "is null" || e.Func == "is not null":
			return "(" + args[0] + " " + strings.ToUpper(e.Func) + ")"
		case e.Func == "not":
			return "(NOT " + args[0] + ")"
		case len(args) >= 2 && strings.ContainsAny(e.Func[:1], "+-*/%=<>|") || e.Func == "and" || e.Func == "or":
			return "(" + strings.Join(args, " "+strings.ToUpper(e.Func)+" ") + ")"
		}
		return e.Func + "(" + strings.Join(args, ", ") + ")"
	case *plan.In:
		return "(" + exprOf(e.Arg) + []string{"", " NOT"}[btoi(e.Not)] + " IN (" + strings.Join(exprsOf(e.List), ", ") + "))"
	case *plan.Case:
		text := "CASE"
		for _, w := range e.Whens {
			text += " WHEN " + exprOf(w.If) + " THEN " + exprOf(w.Then)
		}
		if e.Else != nil {
			text += " ELSE " + exprOf(e.Else)
		}
		return text + " END"
	case *plan.Cast:
		return "TRY_CAST(" + exprOf(e.Arg) + " AS " + e.To.String() + ")"
	case *plan.Aggregate:
		args := strings.Join(exprsOf(e.Args), ", ")
		if e.Star {
			args = "*"
		}
		if e.Distinct {
			args = "DISTINCT " + args
		}
		text := e.Func + "(" + args + ")"
		if e.Filter != nil {
			text += " FILTER (WHERE " + exprOf(e.Filter) + ")"
		}
		return text
	case *plan.AggRef, *plan.KeyRef, *plan.OutputRef:
	}
	panic(fmt.Sprintf("%T in a Select", e))
}
