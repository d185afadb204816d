package binding

import (
	"slices"
	"strings"

	"github.com/noised/noised/analytics/canon"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/refusal"
	"github.com/noised/noised/analytics/roweval"
)

// unknownFunction refuses a function that is not on the list of its place.
func (b *Binder) unknownFunction(c *plan.Call) error {
	if _, elsewhere := Function(plan.RowFunctions, c.Func); elsewhere && b.View {
		return refusal.New(c.Pos, "%s is not permitted in %s, which is computed on noised values", quote(c.Func), b.Place).
			Suggest("there, use arithmetic, comparisons, CASE, COALESCE, NULLIF, LEAST, GREATEST, ABS, ROUND, FLOOR and CEIL")
	}
	names := make([]string, len(b.functions()))
	for i, f := range b.functions() {
		names[i] = f.Name
	}
	err := refusal.New(c.Pos, "%s is not permitted", quote(c.Func))
	if best, ok := refusal.Nearest(c.Func, names); ok && isWord(best) {
		return err.Suggest("did you mean %s?", best)
	}
	return err.Suggest("permitted functions: %s", strings.Join(slices.DeleteFunc(names, func(n string) bool { return !isWord(n) }), ", "))
}

// isWord tells names from operators.
func isWord(name string) bool {
	return name[0] >= 'a' && name[0] <= 'z' && !slices.Contains([]string{"and", "or", "not", "is null", "is not null", "like"}, name)
}

func quote(name string) string {
	if name == "" || !isWord(name) {
		return "the operator " + strings.ToUpper(refusal.Shorten(name))
	}
	return "the function " + refusal.Shorten(name)
}

func (b *Binder) call(c *plan.Call) (plan.Expr, error) {
	f, ok := Function(b.functions(), c.Func)
	if !ok {
		return nil, b.unknownFunction(c)
	}
	if len(c.Args) < len(f.Args)-f.Optional || (len(c.Args) > len(f.Args) && !f.Variadic) {
		return nil, refusal.New(c.Pos, "%s with %d arguments is not permitted", quote(c.Func), len(c.Args))
	}
	args, err := b.all(c.Args)
	if err != nil {
		return nil, err
	}
	classOf := func(i int) plan.Class { return f.Args[min(i, len(f.Args)-1)] }
	var same []int
	for i := range args {
		if classOf(i) == plan.ClassSame {
			same = append(same, i)
			continue
		}
		if args[i], err = b.argument(c.Func, args[i], classOf(i)); err != nil {
			return nil, err
		}
	}
	if len(same) > 0 { // then all are
		if err := b.unify(args, quote(c.Func)); err != nil {
			return nil, err
		}
	}
	if err := checkBuckets(c, args); err != nil {
		return nil, err
	}
	return canon.Simplify(&plan.Call{Func: c.Func, Args: args, Pos: c.Pos}), nil
}

// maxBuckets is the largest number of buckets of width_bucket.
const maxBuckets = 10_000

// checkBuckets refuses a width_bucket that would be NULL for every row.
func checkBuckets(c *plan.Call, args []plan.Expr) error {
	if c.Func != "width_bucket" {
		return nil
	}
	lo, hi, n := args[1].(*plan.Literal).Value, args[2].(*plan.Literal).Value, args[3].(*plan.Literal).Value
	switch {
	case !(lo.Float < hi.Float) || !roweval.Finite(hi.Float-lo.Float):
		return refusal.New(plan.PosOf(args[1]), "width_bucket with bounds that do not ascend is not permitted").Suggest("use width_bucket(x, lo, hi, n) with lo < hi")
	case n.Int > maxBuckets:
		return refusal.New(plan.PosOf(args[3]), "width_bucket with this number of buckets is not permitted").Suggest("use at most %d", maxBuckets)
	}
	return nil
}
