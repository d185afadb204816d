package ranges

import (
	"maps"
	"slices"

	"github.com/noised/noised/analytics/binding"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/roweval"
)

// enumerate evaluates an expression over all combinations of its parts' values,
// and of NULL for each; false when these are too many, or some value is not
// certain.
func (d *domains) enumerate(e plan.Expr, parts map[string]*part) (Image, bool) {
	ev := &roweval.Evaluator{Kind: binding.RowType, Atoms: map[plan.Expr]int{}, Bytes: d.text}
	defer func() { d.text = ev.Bytes }()
	combinations := 1
	run := enumeration{ev: ev, e: e, seen: map[plan.Value]bool{}}
	for i, text := range slices.Sorted(maps.Keys(parts)) {
		q := parts[text]
		for _, n := range q.nodes {
			ev.Atoms[n] = i
		}
		combinations *= len(q.image.Values) + 1
		if combinations > maxImage {
			return Image{}, false
		}
		run.parts = append(run.parts, q.image)
	}
	d.r.evaluated += combinations * nodes(e)
	if d.r.evaluated > maxEvaluated {
		return Image{}, false
	}
	ev.Given = make([]plan.Value, len(parts))
	if !run.from(0, true) {
		return Image{}, false
	}
	found := slices.Collect(maps.Keys(run.seen))
	return Image{Values: distinct(found), Null: run.null}, true
}

// enumeration goes through the combinations.
type enumeration struct {
	ev    *roweval.Evaluator
	e     plan.Expr
	parts []Image
	seen  map[plan.Value]bool
	null  bool
}

// from tries the values of the parts from index i on. declared says that no part
// before is NULL for want of a value.
func (r *enumeration) from(i int, declared bool) bool {
	if i == len(r.parts) {
		v, ok := r.ev.Of(r.e)
		if ok && v.Null {
			r.null = r.null || declared
		} else if ok {
			v.Float += 0 // no −0
			r.seen[v] = true
		}
		return ok
	}
	in := r.parts[i]
	for _, v := range in.Values {
		r.ev.Given[i] = v
		if !r.from(i+1, declared) {
			return false
		}
	}
	if in.given {
		return true
	}
	r.ev.Given[i] = plan.Value{Null: true}
	if len(in.Values) > 0 {
		r.ev.Given[i].Type = in.Values[0].Type
	}
	return r.from(i+1, declared && in.Null)
}

func nodes(e plan.Expr) int {
	n := 0
	plan.Walk(e, func(plan.Expr) bool { n++; return true })
	return n
}
