package columns

import (
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/document"
	"github.com/noised/noised/analytics/plan"
)

// domain reads the domain of a dimension. The second result is true for a
// private one.
func (r *Reader) domain(n *document.Node, field string, t plan.Type) ([]plan.Value, bool) {
	if n.Kind == document.Scalar {
		if n.Text != "private" {
			r.Problem(n.Line, field, "must be private, {values: […]}, {range: [lo, hi], step: n} or {from:, to:, every: day|week|month}")
		}
		return nil, true
	}
	o, ok := r.Object(n, field, "values", "range", "step", "from", "to", "every")
	if !ok {
		return nil, false
	}
	var values []plan.Value
	switch {
	case o.Has("values"):
		r.alone(o, "values")
		values, ok = r.listed(o, t)
	case o.Has("range"):
		r.alone(o, "range", "step")
		values, ok = r.ranged(o, t)
	case o.Has("from") || o.Has("to") || o.Has("every"):
		r.alone(o, "from", "to", "every")
		values, ok = r.calendar(o, t)
	default:
		r.Problem(n.Line, field, "must have values, range, or from, to and every")
		return nil, false
	}
	if ok && len(values) == 0 {
		r.Problem(n.Line, field, "is empty: a declared domain has at least one value")
	}
	return values, false
}

// alone reports fields of another form of domain beside the given ones.
func (r *Reader) alone(o document.Object, names ...string) {
	for name := range o.At {
		known := false
		for _, n := range names {
			known = known || n == name
		}
		if !known {
			r.Problem(o.LineOf(name), o.Path(name), "does not go together with %s", strings.Join(names, " and "))
		}
	}
}

// take reserves room for n more domain values.
func (r *Reader) take(n int64, line int, field string) bool {
	if n > int64(r.domainLeft) {
		r.Problem(line, field, "the contract declares more than %d domain values: make the domain private", contract.MaxDomainValues)
		return false
	}
	r.domainLeft -= int(n)
	return true
}

// listed reads {values: […]}.
func (r *Reader) listed(o document.Object, t plan.Type) ([]plan.Value, bool) {
	items, ok := r.List(o.At["values"], o.Path("values"))
	if !ok || !r.take(int64(len(items)), o.LineOf("values"), o.Path("values")) {
		return nil, false
	}
	values := make([]plan.Value, 0, len(items))
	lines := make(map[plan.Value]int, len(items))
	for i, item := range items {
		field := o.Path("values") + "[" + strconv.Itoa(i) + "]"
		v, valid := r.value(item, field, t)
		if !valid {
			ok = false
			continue
		}
		if first, twice := lines[v]; twice {
			r.Problem(item.Line, field, "%s is declared twice, first on line %d", document.Shorten(v.Text()), first)
			continue
		}
		lines[v] = item.Line
		values = append(values, v)
	}
	return values, ok
}

// value reads one domain value of a type.
func (r *Reader) value(n *document.Node, field string, t plan.Type) (plan.Value, bool) {
	switch {
	case n.IsNull():
		r.Problem(n.Line, field, "NULL is never part of a domain")
	case t.Kind == plan.KindBoolean:
		if n.IsBool() {
			return plan.BoolValue(strings.EqualFold(n.Text, "true")), true
		}
		r.Problem(n.Line, field, "must be true or false")
	case t.IsInteger():
		lo, hi := t.IntegerRange()
		v, ok := r.Integer(n, field, lo, hi)
		return plan.IntValue(t, v), ok
	case t.Kind == plan.KindVarchar:
		s, ok := r.Text(n, field)
		if ok && !utf8.ValidString(s) {
			r.Problem(n.Line, field, "must be valid Unicode")
			return plan.Value{}, false
		}
		return plan.StringValue(norm.NFC.String(s)), ok
	default:
		return r.moment(n, field, t)
	}
	return plan.Value{}, false
}

// ranged reads {range: [lo, hi], step: n}: lo, lo+n, … up to and including hi.
func (r *Reader) ranged(o document.Object, t plan.Type) ([]plan.Value, bool) {
	n := o.At["range"]
	if !t.IsInteger() {
		r.Problem(n.Line, o.Path("range"), "is for integers, not for a %s", t)
		return nil, false
	}
	step := int64(1)
	okStep := true
	min, max := t.IntegerRange()
	if o.Has("step") {
		step, okStep = o.Integer("step", 1, max)
	}
	if n.Kind != document.Sequence || len(n.Items) != 2 {
		r.Problem(n.Line, o.Path("range"), "must be a list of two whole numbers: [first, last]")
		return nil, false
	}
	lo, okLo := r.Integer(n.Items[0], o.Path("range"), min, max)
	hi, okHi := r.Integer(n.Items[1], o.Path("range"), min, max)
	if !okLo || !okHi || !okStep {
		return nil, false
	}
	if lo > hi {
		r.Problem(n.Line, o.Path("range"), "the first value must not be above the last")
		return nil, false
	}
	count := new(big.Int).Sub(big.NewInt(hi), big.NewInt(lo)) // may exceed 63 bits
	count.Div(count, big.NewInt(step)).Add(count, big.NewInt(1))
	if !count.IsInt64() {
		count.SetInt64(contract.MaxDomainValues + 1)
	}
	if !r.take(count.Int64(), n.Line, o.Path("range")) {
		return nil, false
	}
	values := make([]plan.Value, count.Int64())
	for i := range values {
		values[i] = plan.IntValue(t, lo+int64(i)*step)
	}
	return values, true
}
