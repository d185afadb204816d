package bounding

import (
	"context"
	"math"

	"github.com/noised/noised/analytics/plan"
)

// Absent marks a row that a draw does not count. It is no step, square, leaf or
// hash of a value.
const Absent = math.MinInt64

// Batch is some consecutive rows of a stream, column by column. Whoever
// receives one must not keep it beyond the following call of Next.
type Batch struct {
	Units []uint64
	// Keys holds, per row, the ordinal of its declared combination (in
	// plan.DeclaredKeys order), or −1 for a row outside the declared domains.
	// In a plan with a secret key it holds the stream's own number of the
	// key instead: an index into all Learned of the stream so far. It is nil
	// when the plan has no key.
	Keys []int32
	// Learned are the keys that the stream, or another that shares its Numbers,
	// meets in this batch for the first time, numbered on from those before. Only
	// for plans with a secret key.
	Learned [][]plan.Value
	// Values holds, per draw, what each row adds, or Absent: for sums what
	// Steps returns, for squares what Square returns, for trees what Leaf
	// returns, for distinct draws what ValueHash returns. For other draws
	// anything but Absent counts the row, and a nil entry counts every row.
	Values [][]int64
}

// Stream delivers the rows of one segment, by ascending unit.
type Stream interface {
	// Next returns the next batch, which may be empty, or nil after the last.
	// It returns the error of ctx when that ends.
	Next(ctx context.Context) (*Batch, error)
}

// Source is a stream and the tenant that its rows belong to.
type Source struct {
	Tenant string
	Stream Stream
	// Numbers are how the stream numbers secret keys; nil: as no other does.
	Numbers *Numbers
}

// Numbers are the secret keys that streams which number them alike have taught
// one Bounder, in that order, whichever of them came first. Such streams are
// read by that Bounder only, and number a key when they deliver it, not before,
// unless Bounder.Learn is told.
type Numbers struct{ groups []int32 }

// Steps limits a row's value, in steps, to the bounds of its quantum and
// subtracts the centre. Every value of a sum passes through here, so that the
// magnitude of a row does not rest on generated SQL.
func Steps(q plan.Quantum, v int64) int64 {
	return max(q.Lo, min(q.Hi, v)) - q.Centre
}

// Square returns the square of a row's distance from the centre, for a value in
// steps, as an integer around the squares' own centre: at most Draw.Magnitude
// in size, provided that the quantum's reach is at most plan.MaxSteps.
func Square(q plan.Quantum, s plan.Square, v int64) int64 {
	y := Steps(q, v)
	return min(y*y>>s.Shift, s.Max) - s.Centre
}

// Leaf returns the leaf of a row's value, in steps, in a tree over a quantum.
func Leaf(q plan.Quantum, t plan.Tree, v int64) int64 {
	return int64(t.Leaf(max(q.Lo, min(q.Hi, v)) - q.Lo))
}
