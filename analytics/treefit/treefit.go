package treefit

import (
	"slices"

	"github.com/noised/noised/analytics/plan"
)

// Model knows, for the shape of a tree whose nodes all have independent
// noise of one variance, the best linear unbiased estimate of every leaf, and
// how precise sums of leaves are. Variances are in units of one node's.
//
// The estimate is the least-squares solution of "every inner node is the sum of
// its children" (Hay, Rastogi, Miklau, Suciu 2010, Section 4.2), computed for a
// tree of any shape: up the tree a node's count is averaged with the sum of its
// children by inverse variances; down the tree what a parent has more than its
// children is given to them in proportion to their variances. The root has no
// count of its own. Exact counts are a fixed point, since then nothing differs.
type Model struct {
	plan.Tree
	first    []int     // by level, from 1: the index of its first node
	width    []int     // by level, from 1: its number of nodes
	variance []float64 // by node: of its estimate from its own subtree
	below    []float64 // by node: the sum of its children's variances; 0 for leaves
	total    float64   // variance of the estimate of all rows
}

// New returns the model of trees of a shape.
func New(t plan.Tree) *Model {
	m := &Model{
		Tree: t, first: make([]int, t.Levels+1), width: make([]int, t.Levels+1),
		variance: make([]float64, t.Width()), below: make([]float64, t.Width()),
	}
	for level := 1; level <= t.Levels; level++ {
		m.first[level], m.width[level] = t.Offset(level), t.LevelWidth(level)
	}
	for level := t.Levels; level >= 1; level-- {
		for i := range m.width[level] {
			v, own := 1.0, m.first[level]+i
			if level < t.Levels {
				for c := range m.children(level, i) {
					m.below[own] += m.variance[c]
				}
				v = m.below[own] / (m.below[own] + 1)
			}
			m.variance[own] = v
		}
	}
	for i := range m.width[1] {
		m.total += m.variance[i]
	}
	return m
}

// children yields the indexes of the children of node i of a level.
func (m *Model) children(level, i int) func(yield func(int) bool) {
	return func(yield func(int) bool) {
		end := min((i+1)*m.Branching, m.width[level+1])
		for c := i * m.Branching; c < end; c++ {
			if !yield(m.first[level+1] + c) {
				return
			}
		}
	}
}

// combine averages every inner node with what its children say, in place: the
// pass up the tree.
func (m *Model) combine(nodes []float64) {
	for level := m.Levels - 1; level >= 1; level-- {
		for i := range m.width[level] {
			own, sum := m.first[level]+i, 0.0
			for c := range m.children(level, i) {
				sum += nodes[c]
			}
			nodes[own] += (sum - nodes[own]) / (m.below[own] + 1)
		}
	}
}

// descend is the pass down the tree, on combined nodes, in place. divide makes
// siblings with the given variances add up to a total. It returns the number of
// rows before each boundary between leaves, from 0 before the first to that of
// all rows behind the last.
func (m *Model) descend(nodes []float64, total float64, divide func(siblings, variances []float64, total float64)) []float64 {
	divide(nodes[:m.width[1]], m.variance[:m.width[1]], total)
	for level := 1; level < m.Levels; level++ {
		for i := range m.width[level] {
			from := m.first[level+1] + i*m.Branching
			to := min(from+m.Branching, m.first[level+1]+m.width[level+1])
			divide(nodes[from:to], m.variance[from:to], nodes[m.first[level]+i])
		}
	}
	out := make([]float64, m.Leaves+1)
	for i, n := range nodes[m.first[m.Levels]:] {
		out[i+1] = out[i] + n
	}
	return out
}

// Cumulative returns the unbiased estimate of the rows before each boundary, and
// the one without negative counts, which never decreases. It overwrites nodes.
func (m *Model) Cumulative(nodes []float64) (unbiased, ranks []float64) {
	m.combine(nodes)
	total := 0.0
	for _, n := range nodes[:m.width[1]] {
		total += n
	}
	unbiased = m.descend(slices.Clone(nodes), total, share)
	return unbiased, m.descend(nodes, max(0, total), sharePositive)
}

// share moves siblings by least squares until they add up to a total.
func share(siblings, variances []float64, total float64) {
	var sum, weights float64
	for i, x := range siblings {
		sum += x
		weights += variances[i]
	}
	for i := range siblings {
		siblings[i] += variances[i] / weights * (total - sum)
	}
}

// sharePositive is share with the condition that no sibling is negative: those
// that would be are 0, and the others share again. Where rows are sparse this
// keeps the noise of empty leaves from adding up.
func sharePositive(siblings, variances []float64, total float64) {
	empty := make([]bool, len(siblings))
	for again := true; again; {
		again = false
		var sum, weights float64
		for i, x := range siblings {
			if !empty[i] {
				sum += x
				weights += variances[i]
			}
		}
		for i, x := range siblings {
			if !empty[i] && x+variances[i]/weights*(total-sum) < 0 {
				empty[i], again = true, true
			}
		}
		for i := range siblings {
			switch {
			case empty[i]:
				siblings[i] = 0
			case !again:
				siblings[i] += variances[i] / weights * (total - sum)
			}
		}
	}
}

// RankVariances returns, for each boundary, the variance of the estimate of
// P − q·T: the rows before the boundary less a share of all.
//
// The errors of the estimate are those of a Gaussian posterior under a flat
// prior, in which subtrees are independent until a common parent is known. So
// the path from the boundary's leaf to the root carries the variance a of the
// path node's rows before the boundary, and its covariance b with the path
// node's total of variance s: siblings to the left add their variances to both,
// and learning a node's own count, of variance 1, takes b²/(s+1) from a and
// leaves b/(s+1).
func (m *Model) RankVariances(q float64) []float64 {
	out := make([]float64, m.Leaves+1)
	out[m.Leaves] = m.total * (1 - q) * (1 - q)
	for boundary := range m.Leaves {
		a, b := 0.0, 0.0
		for level, i := m.Levels, boundary; level >= 1; level, i = level-1, i/m.Branching {
			for c := i / m.Branching * m.Branching; c < i; c++ {
				a += m.variance[m.first[level]+c]
				b += m.variance[m.first[level]+c]
			}
			if level > 1 {
				s := m.below[m.first[level-1]+i/m.Branching]
				a -= b * b / (s + 1)
				b /= s + 1
			}
		}
		out[boundary] = max(0, a-2*q*b+q*q*m.total)
	}
	return out
}
