package treefit

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/noised/noised/analytics/plan"
)

// anyTree draws the shape of a small tree, ragged at its right end.
func anyTree(t *rapid.T) plan.Tree {
	tree := plan.Tree{
		Branching:    rapid.IntRange(2, 5).Draw(t, "branching"),
		Levels:       rapid.IntRange(1, 3).Draw(t, "levels"),
		StepsPerLeaf: rapid.Int64Range(1, 4).Draw(t, "steps per leaf"),
	}
	most := 1
	for range tree.Levels {
		most *= tree.Branching
	}
	tree.Leaves = rapid.IntRange(1, min(most, 40)).Draw(t, "leaves")
	return tree
}

// leavesOf returns the leaves below a node.
func leavesOf(tree plan.Tree, level, i int) (from, to int) {
	below := 1
	for range tree.Levels - level {
		below *= tree.Branching
	}
	return i * below, min((i+1)*below, tree.Leaves)
}

// incidence returns the matrix that makes counts per node of counts per leaf.
func incidence(tree plan.Tree) [][]float64 {
	var rows [][]float64
	for level := 1; level <= tree.Levels; level++ {
		for i := range tree.LevelWidth(level) {
			row := make([]float64, tree.Leaves)
			from, to := leavesOf(tree, level, i)
			for l := from; l < to; l++ {
				row[l] = 1
			}
			rows = append(rows, row)
		}
	}
	return rows
}

func nodesOf(tree plan.Tree, leaves []float64) []float64 {
	var nodes []float64
	for _, row := range incidence(tree) {
		nodes = append(nodes, dot(row, leaves))
	}
	return nodes
}

func dot(a, b []float64) (sum float64) {
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

// solve returns x with (AᵀA)·x = b, by elimination.
func solve(a [][]float64, b []float64) []float64 {
	n := len(b)
	m := make([][]float64, n)
	for i := range m {
		m[i] = make([]float64, n+1)
		for j := range n {
			for _, row := range a {
				m[i][j] += row[i] * row[j]
			}
		}
		m[i][n] = b[i]
	}
	for i := range m { // symmetric and positive definite: no pivoting
		for j := range m {
			if j == i {
				continue
			}
			f := m[j][i] / m[i][i]
			for k := i; k <= n; k++ {
				m[j][k] -= f * m[i][k]
			}
		}
	}
	x := make([]float64, n)
	for i := range x {
		x[i] = m[i][n] / m[i][i]
	}
	return x
}

func TestExactCountsAreAFixedPoint(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tree := anyTree(t)
		leaves := make([]float64, tree.Leaves)
		want := make([]float64, tree.Leaves+1)
		for i := range leaves {
			leaves[i] = float64(rapid.Int64Range(0, 1e12).Draw(t, "count"))
			want[i+1] = want[i] + leaves[i]
		}
		unbiased, ranks := New(tree).Cumulative(nodesOf(tree, leaves))
		if !slices.Equal(unbiased, want) || !slices.Equal(ranks, want) {
			t.Fatalf("%+v: exact counts %v became %v and %v", tree, want, unbiased, ranks)
		}
	})
}

// TestEstimatesAreLeastSquares compares the two passes over the tree with the
// normal equations, the variances with their inverse, and holds that no node
// weighs more than 1 in a rank (package estimate relies on it).
func TestEstimatesAreLeastSquares(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tree := anyTree(t)
		a := incidence(tree)
		y := make([]float64, len(a))
		for i := range y {
			y[i] = rapid.Float64Range(-100, 100).Draw(t, "noised")
		}
		model := New(tree)
		aty := make([]float64, tree.Leaves)
		for i, row := range a {
			for l := range aty {
				aty[l] += row[l] * y[i]
			}
		}
		leaves := solve(a, aty)
		got, _ := model.Cumulative(slices.Clone(y))
		sum := 0.0
		q := rapid.SampledFrom([]float64{0, 0.25, 0.5, 1}).Draw(t, "q")
		variances := model.RankVariances(q)
		for boundary := range tree.Leaves + 1 {
			if math.Abs(got[boundary]-sum) > 1e-6 {
				t.Fatalf("%+v: %g rows before leaf %d, least squares say %g", tree, got[boundary], boundary, sum)
			}
			c := make([]float64, tree.Leaves)
			for l := range c {
				c[l] = -q
				if l < boundary {
					c[l] = 1 - q
				}
			}
			x := solve(a, c)
			if want := dot(c, x); math.Abs(variances[boundary]-want) > 1e-9*(1+want) {
				t.Fatalf("%+v: the rank at boundary %d has variance %g, want %g", tree, boundary, variances[boundary], want)
			}
			for i, row := range a {
				if w := dot(row, x); math.Abs(w) > 1+1e-9 {
					t.Fatalf("%+v: node %d weighs %g in the rank at boundary %d", tree, i, w, boundary)
				}
			}
			if boundary < tree.Leaves {
				sum += leaves[boundary]
			}
		}
	})
}

// TestSharesArePositive: siblings without negative counts add up to their
// parent, and are the nearest that do: where one is not 0 it moved in proportion
// to its variance, where one is 0 it would have had to move further.
func TestSharesArePositive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		was := rapid.SliceOfN(rapid.Float64Range(-100, 100), 1, 9).Draw(t, "siblings")
		variances := rapid.SliceOfN(rapid.Float64Range(0.1, 1), len(was), len(was)).Draw(t, "variances")
		total := rapid.OneOf(rapid.Just(0.0), rapid.Float64Range(0, 300)).Draw(t, "total")
		got := slices.Clone(was)
		sharePositive(got, variances, total)
		sum, move := 0.0, math.Inf(-1)
		for i, x := range got {
			sum += x
			if x < -1e-9 {
				t.Fatalf("%v became %v", was, got)
			}
			if x > 0 {
				move = (x - was[i]) / variances[i]
			}
		}
		if math.Abs(sum-total) > 1e-9 {
			t.Fatalf("%v became %v, which add up to %g and not %g", was, got, sum, total)
		}
		for i, x := range got {
			if by := (x - was[i]) / variances[i]; x > 0 && math.Abs(by-move) > 1e-6 || x == 0 && total > 0 && by < move-1e-6 {
				t.Fatalf("%v became %v: %d moved by %g variances, others by %g", was, got, i, by, move)
			}
		}
	})
}

// TestLargestTreeIsPrecise states what the median's rank in the largest tree
// costs: five nodes' variance, where adding up nodes would cost eight.
func TestLargestTreeIsPrecise(t *testing.T) {
	tree := plan.TreeOf(plan.Quantum{Mantissa: 1, Lo: 0, Hi: plan.MaxLeaves - 1})
	var mean float64
	variances := New(tree).RankVariances(0.5)
	for _, v := range variances {
		mean += v / float64(len(variances))
	}
	if mean > 5 {
		t.Errorf("the median's rank in a tree of %d leaves has variance %.2f of a node's on average", tree.Leaves, mean)
	}
}
