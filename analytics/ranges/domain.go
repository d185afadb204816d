package ranges

import (
	"math"
	"slices"

	"github.com/noised/noised/analytics/binding"
	"github.com/noised/noised/analytics/canon"
	"github.com/noised/noised/analytics/plan"
)

const (
	// maxImage is the largest number of values of an expression, and of
	// combinations of values of its operands that are tried to find them.
	maxImage = 100_000
	// maxEvaluated bounds combinations times nodes, over all keys of a query.
	maxEvaluated = 2_000_000
	// maxBareSteps is the largest number of values of a measure that is grouped by
	// as it stands.
	maxBareSteps = 1000
	// maxPrivateRange likewise for a function of a private dimension.
	maxPrivateRange = 100
)

// Image is what an expression can be, as far as the contract says: a set of
// values, and whether NULL is one of them. NULL is, where a declared value leads
// to it. What NULL alone leads to counts unless it is NULL: as for a bare
// dimension, rows without a value are in no declared group.
type Image struct {
	Values []plan.Value // sorted, none NULL
	Null   bool
	given  bool // it is never NULL for want of a value
}

// domains finds images. An image is public: it follows from the contract's
// domains, the bounds in force and the text of the query. Whether it covers all
// rows does not matter to the guarantee (rows of other values are left out,
// before anything is bounded), only to the usefulness of the answer.
type domains struct {
	r    *Ranges
	text int // bytes made so far

	// What has been found of a node, so that each is looked at once however
	// deeply they are nested.
	images  map[plan.Expr]found
	opaques map[plan.Expr]found
	divided map[plan.Expr]division
}

type found struct {
	image Image
	ok    bool
}

// Image returns what a bound expression can be; false when its values are not
// known to be finite and few.
func (r *Ranges) Image(e plan.Expr) (Image, bool) {
	d := &domains{
		r:      r,
		images: map[plan.Expr]found{}, opaques: map[plan.Expr]found{}, divided: map[plan.Expr]division{},
	}
	return d.of(e)
}

// of returns the image of a bound expression; false when its values are not
// known to be finite and few. These are:
//
//   - what is computed from declared dimensions, tenants, measures of few whole
//     steps and the parts below: its values over all combinations of theirs;
//   - CASE: the values of its arms, whatever its conditions read;
//   - a condition: true and false;
//   - a whole number between bounds: width buckets of a measure, parts of a date.
func (d *domains) of(e plan.Expr) (Image, bool) {
	f, known := d.images[e]
	if known {
		return f.image, f.ok
	}
	if in := d.divide(e); in.ok {
		f.image, f.ok = d.enumerate(e, in.parts)
	}
	if !f.ok {
		f.image, f.ok = d.opaque(e)
	}
	if c, ok := e.(*plan.Case); ok && c.Else == nil {
		f.image.Null = true
	}
	d.images[e] = f
	return f.image, f.ok
}

// part is an operand whose image is known.
type part struct {
	nodes []plan.Expr // where it stands
	image Image
}

// division is an expression's parts by their print. It is not ok when some
// operand has no image.
type division struct {
	parts map[string]*part
	ok    bool
}

func (d *domains) divide(e plan.Expr) division {
	in, known := d.divided[e]
	if known {
		return in
	}
	in = division{parts: map[string]*part{}}
	switch e := e.(type) {
	case *plan.Literal:
		in.ok = true
	case *plan.Column:
		in.add(d.column(e))(e)
	case *plan.Case:
		if literalCase(e) {
			in.add(d.opaque(e))(e)
		} else {
			d.divideOperands(e, &in)
		}
	default:
		d.divideOperands(e, &in)
	}
	d.divided[e] = in
	return in
}

// divideOperands unites the parts of the operands; where one has none, the
// whole may be a part.
func (d *domains) divideOperands(e plan.Expr, in *division) {
	for _, k := range plan.Children(e) {
		of := d.divide(k)
		if !of.ok {
			*in = division{parts: map[string]*part{}}
			in.add(d.opaque(e))(e)
			return
		}
		for text, q := range of.parts {
			in.put(text, q.image, q.nodes...)
		}
	}
	in.ok = true
}

// add makes a node a part of its own, if its image is known.
func (in *division) add(im Image, ok bool) func(plan.Expr) {
	in.ok = ok
	return func(e plan.Expr) {
		if ok {
			in.put(plan.Print(e), im, e)
		}
	}
}

func (in *division) put(text string, im Image, nodes ...plan.Expr) {
	q := in.parts[text]
	if q == nil {
		q = &part{image: im}
		in.parts[text] = q
	}
	q.nodes = append(q.nodes, nodes...)
}

func literalCase(e *plan.Case) bool {
	return !slices.ContainsFunc(binding.Results(e), func(r plan.Expr) bool { _, lit := r.(*plan.Literal); return !lit })
}

// column returns the declared values of a column, or those of a whole measure
// with few steps.
func (d *domains) column(c *plan.Column) (Image, bool) {
	col := d.r.columns.Column(c)
	if !col.Measure {
		return Image{Values: col.Domain, given: col.Given}, col.Domain != nil
	}
	lo, hi, ok := WholeBounds(col.Bounds, c.Type)
	if !ok || !c.Type.IsInteger() || hi-lo >= maxBareSteps {
		return Image{}, false
	}
	return Image{Values: integers(c.Type, lo, hi)}, true
}

func integers(t plan.Type, lo, hi int64) []plan.Value {
	out := make([]plan.Value, 0, hi-lo+1)
	for i := lo; i <= hi; i++ {
		if t.Kind == plan.KindDouble {
			out = append(out, plan.FloatValue(float64(i)))
		} else {
			out = append(out, plan.IntValue(t, i))
		}
	}
	return out
}

// opaque returns the image of an expression from its form alone.
func (d *domains) opaque(e plan.Expr) (Image, bool) {
	f, known := d.opaques[e]
	if known {
		return f.image, f.ok
	}
	t := binding.RowType(e)
	_, bare := e.(*plan.Column)
	switch c, isCase := e.(*plan.Case); {
	case isCase:
		f.image, f.ok = d.arms(c)
	case bare:
	case t.Kind == plan.KindBoolean:
		f.image.Values, f.image.Null, f.ok = []plan.Value{plan.BoolValue(false), plan.BoolValue(true)}, d.nullable(e), true
	case t.IsNumeric() && Whole(e):
		f.image, f.ok = d.between(e, t)
	}
	d.opaques[e] = f
	return f.image, f.ok
}

// between returns the whole numbers within an expression's bounds.
func (d *domains) between(e plan.Expr, t plan.Type) (Image, bool) {
	iv, err := d.r.interval(e, "GROUP BY")
	limit := float64(maxImage)
	if d.r.private(e) {
		limit = maxPrivateRange
	}
	lo, hi := math.Ceil(iv.lo), math.Floor(iv.hi)
	if err != nil || !(hi >= lo && hi-lo < limit && math.Abs(lo) < 1<<53 && math.Abs(hi) < 1<<53) {
		return Image{}, false
	}
	if d.r.evaluated += int(hi - lo); d.r.evaluated > maxEvaluated {
		return Image{}, false
	}
	return Image{Values: integers(t, int64(lo), int64(hi)), Null: d.nullable(e)}, true
}

// arms unites the images of what a CASE may return.
func (d *domains) arms(c *plan.Case) (Image, bool) {
	all, ok := Image{}, true
	for _, w := range c.Whens {
		if ok && !d.never(w) {
			ok = d.unite(&all, w.Then)
		}
	}
	if c.Else == nil {
		all.Null = true
		return all, ok
	}
	return all, ok && d.unite(&all, c.Else)
}

func (d *domains) unite(all *Image, e plan.Expr) bool {
	im, ok := d.of(e)
	if d.r.evaluated += len(all.Values) + len(im.Values); !ok || d.r.evaluated > maxEvaluated {
		return false
	}
	all.Values = distinct(slices.Concat(all.Values, im.Values))
	all.Null = all.Null || im.Null
	return true
}

func distinct(values []plan.Value) []plan.Value {
	slices.SortFunc(values, plan.Value.Compare)
	return slices.CompactFunc(values, func(a, b plan.Value) bool { return a.Compare(b) == 0 })
}

// never reports whether an arm is only taken for NULL, and then returns NULL, or
// not at all, because its condition is beyond the bounds that a measure is
// clamped to.
func (d *domains) never(w plan.When) bool {
	c, ok := w.If.(*plan.Call)
	if !ok {
		return false
	}
	if c.Func == "is null" {
		return canon.IsNull(w.Then) && !d.nullable(c.Args[0])
	}
	if len(c.Args) != 2 || !binding.RowType(c.Args[0]).IsNumeric() {
		return false
	}
	lit, ok := c.Args[1].(*plan.Literal)
	if !ok || lit.Value.Null || d.r.private(c.Args[0]) {
		return false
	}
	iv, err := d.r.interval(c.Args[0], "GROUP BY")
	at := lit.Value.AsFloat()
	if err != nil || !(iv.lo <= iv.hi) {
		return false
	}
	switch c.Func {
	case "<":
		return iv.lo >= at
	case "<=":
		return iv.lo > at
	case ">":
		return iv.hi <= at
	case ">=":
		return iv.hi < at
	default:
		return false
	}
}
