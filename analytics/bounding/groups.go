package bounding

import (
	"slices"
	"strconv"
	"strings"

	"github.com/noised/noised/analytics/plan"
)

// groups numbers the keys of a query. With declared keys the number is the
// ordinal of the combination; secret keys are numbered as streams learn them,
// which affects no result: groups are sorted at the end and chosen by hash.
type groups struct {
	columns   []string // quoted names of the plan's keys
	keys      [][]plan.Value
	canonical []string // of keys[i]; empty until asked for
	hashes    []uint64 // of canonical[i]; 0 until asked for
	numbers   map[string]int32
	ranking   ranking
}

func newGroups(p *plan.Bound, r ranking) *groups {
	g := &groups{ranking: r}
	for _, k := range p.Keys {
		g.columns = append(g.columns, strconv.Quote(k.Column))
	}
	if p.Secret() {
		g.numbers = make(map[string]int32)
		return g
	}
	g.keys = p.DeclaredKeys()
	g.canonical = make([]string, len(g.keys))
	g.hashes = make([]uint64, len(g.keys))
	return g
}

// learn returns the number of a secret key, a new one if it is not yet known.
func (g *groups) learn(key []plan.Value) int32 { return g.number(g.print(key), key) }

// number returns the number of a secret key that has the given text.
func (g *groups) number(text string, key []plan.Value) int32 {
	if n, ok := g.numbers[text]; ok {
		return n
	}
	n := int32(len(g.keys))
	g.numbers[text] = n
	g.keys = append(g.keys, key)
	g.canonical = append(g.canonical, text)
	g.hashes = append(g.hashes, 0)
	return n
}

// text returns the canonical text of a group's key.
func (g *groups) text(group int32) string {
	if g.canonical[group] == "" {
		g.canonical[group] = g.print(g.keys[group])
	}
	return g.canonical[group]
}

// hash returns the hash of a group's key.
func (g *groups) hash(group int32) uint64 {
	if h := g.hashes[group]; h != 0 {
		return h
	}
	g.hashes[group] = g.ranking.text(g.text(group))
	return g.hashes[group]
}

// print names the columns too, so that the same values under another grouping
// are another key. Quoting makes it injective.
func (g *groups) print(key []plan.Value) string {
	var b strings.Builder
	for i, v := range key {
		b.WriteString(g.columns[i])
		b.WriteByte('=')
		b.WriteString(v.Canonical())
		b.WriteByte(',')
	}
	return b.String()
}

// sorted returns all declared groups in their order, or the numbers of those
// secret groups for which keep holds, in the order of their values.
func (g *groups) sorted(keep func(group int) bool) []int {
	order := make([]int, 0, len(g.keys))
	for i := range g.keys {
		if g.numbers == nil || keep(i) {
			order = append(order, i)
		}
	}
	if g.numbers == nil {
		return order
	}
	slices.SortFunc(order, func(a, b int) int {
		for i, v := range g.keys[a] {
			if c := v.Compare(g.keys[b][i]); c != 0 {
				return c
			}
		}
		return 0
	})
	return order
}
