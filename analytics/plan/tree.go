package plan

// Tree divides a quantum's steps into leaves and counts rows at the leaves and
// at every inner node but the root. Leaves are runs of StepsPerLeaf steps from
// Quantum.Lo on. The nodes of one level stand together, those below the root
// first and the leaves last, each level from left to right.
type Tree struct {
	Leaves       int   // ≥ 1
	Branching    int   // ≥ 2
	Levels       int   // ≥ 1: 1 is a flat histogram
	StepsPerLeaf int64 // ≥ 1
}

// MaxLeaves is the largest number of leaves of a tree. Beyond it steps share
// leaves, which moves a quantile by at most 1/MaxLeaves of the bounds.
const MaxLeaves = 4096

// TreeOf returns the tree over the steps of a quantum. Up to 32 leaves it is
// flat; otherwise it branches by 8. A rank is a sum of at most 7 nodes on each
// of h levels of variance h each, 7h²/2 on average, against half of the leaves
// of a flat histogram: 56 against 2048 for 4096 leaves.
func TreeOf(q Quantum) Tree {
	steps := q.Hi - q.Lo + 1
	per := (steps + MaxLeaves - 1) / MaxLeaves
	t := Tree{Leaves: int((steps + per - 1) / per), Branching: 8, Levels: 1, StepsPerLeaf: per}
	if t.Leaves <= 32 {
		t.Branching = max(t.Leaves, 2)
		return t
	}
	for n := t.Branching; n < t.Leaves; n *= t.Branching {
		t.Levels++
	}
	return t
}

// LevelWidth returns the number of nodes on a level, 1 below the root to Levels
// at the leaves.
func (t Tree) LevelWidth(level int) int {
	below := 1
	for range t.Levels - level {
		below *= t.Branching
	}
	return (t.Leaves + below - 1) / below
}

// Offset returns the index of the first node of a level.
func (t Tree) Offset(level int) int {
	n := 0
	for l := 1; l < level; l++ {
		n += t.LevelWidth(l)
	}
	return n
}

// Width returns the number of nodes.
func (t Tree) Width() int { return t.Offset(t.Levels + 1) }

// Leaf returns the leaf of a step, from 0, for a step within the quantum's
// bounds counted from Quantum.Lo.
func (t Tree) Leaf(fromLo int64) int { return int(fromLo / t.StepsPerLeaf) }
