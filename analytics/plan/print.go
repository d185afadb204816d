package plan

import (
	"fmt"
	"slices"
	"strings"
)

// Print returns the canonical text of an expression: fully parenthesised,
// names quoted, AND and OR operands sorted and without repeats. It is for
// identity and for logs of plan shapes, not for running.
func Print(e Expr) string {
	switch e := e.(type) {
	case nil:
		return ""
	case *Column:
		if e.Qualifier != "" {
			return fmt.Sprintf("%q.%q", e.Qualifier, e.Name)
		}
		return fmt.Sprintf("%q", e.Name)
	case *Literal:
		if !e.Value.Null && e.Value.Type.Kind == KindVarchar {
			return "va" + e.Value.Canonical() // a quoted name alone is a column
		}
		return e.Value.Canonical()
	case *Call:
		args := printAll(e.Args)
		if e.Func == "and" || e.Func == "or" {
			slices.Sort(args)
			args = slices.Compact(args)
		}
		return "(" + e.Func + " " + strings.Join(args, " ") + ")"
	case *In:
		list := printAll(e.List)
		slices.Sort(list)
		op := "in"
		if e.Not {
			op = "not in"
		}
		return "(" + op + " " + Print(e.Arg) + " [" + strings.Join(slices.Compact(list), " ") + "])"
	case *Case:
		var b strings.Builder
		b.WriteString("(case")
		for _, w := range e.Whens {
			fmt.Fprintf(&b, " (%s %s)", Print(w.If), Print(w.Then))
		}
		return b.String() + " else " + Print(e.Else) + ")"
	case *Cast:
		return "(cast " + Print(e.Arg) + " " + e.To.String() + ")"
	case *Aggregate:
		return fmt.Sprintf("(aggregate %s %t %t [%s] filter %s)", e.Func, e.Star, e.Distinct, strings.Join(printAll(e.Args), " "), Print(e.Filter))
	case *AggRef:
		return fmt.Sprintf("agg#%d", e.Index)
	case *KeyRef:
		return fmt.Sprintf("key#%d", e.Index)
	case *OutputRef:
		return fmt.Sprintf("out#%d", e.Index)
	}
	panic(fmt.Sprintf("plan: unknown expression %T", e))
}

func printAll(es []Expr) []string {
	out := make([]string, len(es))
	for i, e := range es {
		out[i] = Print(e)
	}
	return out
}

// String returns the canonical text of a draw.
func (d Draw) String() string {
	switch d.Kind {
	case DrawRows:
		return "rows{" + Print(d.Mask) + "}"
	case DrawUnits:
		return "units{" + Print(d.Mask) + "}"
	case DrawSum:
		return "sum" + d.quantised()
	case DrawSquares:
		return fmt.Sprintf("squares%s>>%d-%d", d.quantised(), d.Square.Shift, d.Square.Centre)
	case DrawDistinct:
		return "distinct{" + Print(d.Value) + "|" + Print(d.Mask) + "}"
	case DrawTree:
		t := d.Tree
		return fmt.Sprintf("tree%s/%d^%d of %d by %d", d.quantised(), t.Branching, t.Levels, t.Leaves, t.StepsPerLeaf)
	}
	panic("plan: unknown draw")
}

func (d Draw) quantised() string {
	q := d.Quantum
	return fmt.Sprintf("{%s|%s|%de-%d[%d,%d]-%d}", Print(d.Value), Print(d.Mask), q.Mantissa, q.Scale, q.Lo, q.Hi, q.Centre)
}

// CoreKey returns the canonical text of the core: two queries with the same
// CoreKey, privacy parameters, generations and principal scope share one
// release. The view is not part of it.
func (b *Bound) CoreKey() string {
	var s strings.Builder
	fmt.Fprintf(&s, "dataset %s version %d scope %s tenants %s\n", b.Dataset, b.Version, b.Scope, strings.Join(b.Tenants, ","))
	for _, src := range b.Sources {
		fmt.Fprintf(&s, "source %q %q public=%t outer=%t", src.Table, src.Alias, src.Public, src.Outer)
		if src.Once {
			fmt.Fprintf(&s, " once %q", src.Key)
		}
		for _, on := range src.On {
			fmt.Fprintf(&s, " %s=%s", Print(on.Left), Print(on.Right))
		}
		s.WriteByte('\n')
	}
	l := b.Limits
	fmt.Fprintf(&s, "limits %d %d %d %d\nfilter %s\n", l.MaxPartitions, l.MaxRowsPerPartition, l.MaxRows, l.MaxL2, Print(b.Filter))
	for _, k := range b.Keys {
		fmt.Fprintf(&s, "key %q %s secret=%t", k.Column, k.Type, k.Secret())
		if _, bare := k.Expr.(*Column); k.Expr != nil && !bare && !k.Secret() { // the contract does not fix this domain
			for _, v := range k.Domain {
				s.WriteString(" " + v.Canonical())
			}
		}
		s.WriteByte('\n')
	}
	for _, d := range b.Draws {
		fmt.Fprintf(&s, "draw %s\n", d)
	}
	return s.String()
}
