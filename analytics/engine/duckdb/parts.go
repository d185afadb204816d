package duckdb

import (
	"fmt"
	"math/bits"
	"slices"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/sqlgen"
)

// part is a piece of a run's work that has all rows of some units: those of one
// of equal ranges of pseudonyms and, under scope tenant, of one tenant. No other
// part has rows of theirs, so that what each adds can be merged: see
// bounding.Merge.
type part struct {
	relations []sqlgen.Relation
	place     string // tells parts with other statements of one relation apart
	// ahead says that streams are read to their ends one after another, before
	// they are merged, as there are too many to have them all open.
	ahead bool
}

// Sizes of parts. They follow from numbers of rows, and nothing but time and
// memory follows from them.
const (
	// partRows is a number of rows that is worth a thread of its own.
	partRows = 1 << 17
	// streamRows times as many are worth a statement for their own sake: of a
	// segment's row groups, of 122,880 rows, each range scans two in part.
	streamRows = 4
	// partsPerThread evens out what threads have to do.
	partsPerThread = 4
	// maxStreams is the number of streams of a part that are open at once: each
	// holds a few blocks of its file, of 256 KiB each, and a buffer.
	maxStreams = 64
	// aheadBytes is about what is held of a part whose streams are read ahead.
	aheadBytes = 64 << 20
)

// parts cuts a run into parts, given the number of rows of each catalog.
func (o Options) parts(p *plan.Bound, relations []sqlgen.Relation, rows map[string]int64) []part {
	together := [][]sqlgen.Relation{relations}
	if p.Scope == plan.ScopeTenant {
		together = byTenant(relations)
	}
	var out []part
	for _, some := range together {
		n := int64(0)
		for _, of := range some {
			n += rowsOf(of, rows)
		}
		out = append(out, cut(some, o.ranges(p, int64(len(some)), n), len(some) > o.maxStreams)...)
	}
	return out
}

// ranges returns into how many ranges of units the rows of some streams are cut:
// as many as threads where there are rows enough for them, and more where each
// stream has enough. A range of a join reads the public tables.
func (o Options) ranges(p *plan.Bound, streams, rows int64) uint64 {
	threads := int64(o.Threads)
	n := min(threads, rows/o.partRows)
	if len(p.Sources) < 2 {
		n = max(n, min(threads*partsPerThread, rows/(o.partRows*streamRows*max(streams, 1))))
	}
	if streams > int64(o.maxStreams) {
		n = max(n, rows*int64(12+8*len(p.Draws))/aheadBytes)
	}
	return uint64(max(n, 1))
}

// cut makes parts of n equal ranges of units.
func cut(relations []sqlgen.Relation, n uint64, ahead bool) []part {
	out := make([]part, n)
	for i := range out {
		var units sqlgen.Range
		if i > 0 {
			units.From = out[i-1].relations[0].Units.Below
		}
		if uint64(i)+1 < n {
			units.Below, _ = bits.Div64(uint64(i)+1, 0, n)
		}
		out[i] = part{relations: slices.Clone(relations), place: fmt.Sprintf("/%d/%d", i, n), ahead: ahead}
		for j := range relations {
			out[i].relations[j].Units = units
		}
	}
	return out
}

// byTenant puts the relations of each tenant together, in their order.
func byTenant(relations []sqlgen.Relation) [][]sqlgen.Relation {
	var out [][]sqlgen.Relation
	at := make(map[string]int)
	for _, of := range relations {
		i, known := at[of.Tenant]
		if !known {
			i = len(out)
			at[of.Tenant], out = i, append(out, nil)
		}
		out[i] = append(out[i], of)
	}
	return out
}

// rowsOf returns about how many rows a relation reads.
func rowsOf(of sqlgen.Relation, rows map[string]int64) int64 {
	if of.Tables == nil {
		return rows[of.Catalog]
	}
	n := int64(0)
	for _, catalogs := range of.Tables {
		for _, c := range catalogs {
			n += rows[c]
		}
	}
	return n
}
