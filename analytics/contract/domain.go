package contract

import (
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/noised/noised/analytics/plan"
)

// domain reads the domain of a dimension. The second result is true for a
// private one.
func (r *reader) domain(n *node, field string, t plan.Type) ([]plan.Value, bool) {
	if n.kind == kindScalar {
		if n.text != "private" {
			r.problem(n.line, field, "must be private, {values: […]}, {range: [lo, hi], step: n} or {from:, to:, every: day|week|month}")
		}
		return nil, true
	}
	o, ok := r.object(n, field, "values", "range", "step", "from", "to", "every")
	if !ok {
		return nil, false
	}
	var values []plan.Value
	switch {
	case o.has("values"):
		o.alone("values")
		values, ok = r.listed(o, t)
	case o.has("range"):
		o.alone("range", "step")
		values, ok = r.ranged(o, t)
	case o.has("from") || o.has("to") || o.has("every"):
		o.alone("from", "to", "every")
		values, ok = r.calendar(o, t)
	default:
		r.problem(n.line, field, "must have values, range, or from, to and every")
		return nil, false
	}
	if ok && len(values) == 0 {
		r.problem(n.line, field, "is empty: a declared domain has at least one value")
	}
	return values, false
}

// alone reports fields of another form of domain beside the given ones.
func (o object) alone(names ...string) {
	for name := range o.at {
		known := false
		for _, n := range names {
			known = known || n == name
		}
		if !known {
			o.r.problem(o.lineOf(name), o.path(name), "does not go together with %s", strings.Join(names, " and "))
		}
	}
}

// take reserves room for n more domain values.
func (r *reader) take(n int64, line int, field string) bool {
	if n > int64(r.domainLeft) {
		r.problem(line, field, "the contract declares more than %d domain values: make the domain private", MaxDomainValues)
		return false
	}
	r.domainLeft -= int(n)
	return true
}

// listed reads {values: […]}.
func (r *reader) listed(o object, t plan.Type) ([]plan.Value, bool) {
	items, ok := r.sequence(o.at["values"], o.path("values"))
	if !ok || !r.take(int64(len(items)), o.lineOf("values"), o.path("values")) {
		return nil, false
	}
	values := make([]plan.Value, 0, len(items))
	lines := make(map[plan.Value]int, len(items))
	for i, item := range items {
		field := o.path("values") + "[" + strconv.Itoa(i) + "]"
		v, valid := r.value(item, field, t)
		if !valid {
			ok = false
			continue
		}
		if first, twice := lines[v]; twice {
			r.problem(item.line, field, "%s is declared twice, first on line %d", shorten(v.Text()), first)
			continue
		}
		lines[v] = item.line
		values = append(values, v)
	}
	return values, ok
}

// value reads one domain value of a type.
func (r *reader) value(n *node, field string, t plan.Type) (plan.Value, bool) {
	switch {
	case n.isNull():
		r.problem(n.line, field, "NULL is never part of a domain")
	case t.Kind == plan.KindBoolean:
		if n.isBool() {
			return plan.BoolValue(strings.EqualFold(n.text, "true")), true
		}
		r.problem(n.line, field, "must be true or false")
	case t.IsInteger():
		lo, hi := t.IntegerRange()
		v, ok := r.integer(n, field, lo, hi)
		return plan.IntValue(t, v), ok
	case t.Kind == plan.KindVarchar:
		s, ok := r.text(n, field)
		if ok && !utf8.ValidString(s) {
			r.problem(n.line, field, "must be valid Unicode")
			return plan.Value{}, false
		}
		return plan.StringValue(norm.NFC.String(s)), ok
	default:
		return r.moment(n, field, t)
	}
	return plan.Value{}, false
}

// ranged reads {range: [lo, hi], step: n}: lo, lo+n, … up to and including hi.
func (r *reader) ranged(o object, t plan.Type) ([]plan.Value, bool) {
	n := o.at["range"]
	if !t.IsInteger() {
		r.problem(n.line, o.path("range"), "is for integers, not for a %s", t)
		return nil, false
	}
	step := int64(1)
	okStep := true
	min, max := t.IntegerRange()
	if o.has("step") {
		step, okStep = o.integer("step", 1, max)
	}
	if n.kind != kindSequence || len(n.items) != 2 {
		r.problem(n.line, o.path("range"), "must be a list of two whole numbers: [first, last]")
		return nil, false
	}
	lo, okLo := r.integer(n.items[0], o.path("range"), min, max)
	hi, okHi := r.integer(n.items[1], o.path("range"), min, max)
	if !okLo || !okHi || !okStep {
		return nil, false
	}
	if lo > hi {
		r.problem(n.line, o.path("range"), "the first value must not be above the last")
		return nil, false
	}
	count := new(big.Int).Sub(big.NewInt(hi), big.NewInt(lo)) // may exceed 63 bits
	count.Div(count, big.NewInt(step)).Add(count, big.NewInt(1))
	if !count.IsInt64() {
		count.SetInt64(MaxDomainValues + 1)
	}
	if !r.take(count.Int64(), n.line, o.path("range")) {
		return nil, false
	}
	values := make([]plan.Value, count.Int64())
	for i := range values {
		values[i] = plan.IntValue(t, lo+int64(i)*step)
	}
	return values, true
}
