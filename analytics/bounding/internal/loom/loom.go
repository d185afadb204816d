// Package loom puts the rows of several streams, each of which is ordered by unit,
// into the order of all of them. It takes a window of rows at a time, and costs a
// row about as much whatever the number of streams.
package loom

import (
	"math/bits"
	"slices"
	"sort"
)

// Rows are those of a batch between From and To, column by column.
type Rows struct {
	Units    []uint64
	Keys     []int32 // nil: there are none
	Groups   []int32 // what keys that are not negative are translated to; nil: themselves
	Values   [][]int64
	From, To int
}

// Loom is the memory of many windows. The zero value works.
// Pseudonyms spread evenly, so that a row's place is
// nearly that of its unit in the range of units: rows are counted and put into about
// as many buckets as there are rows, and the few buckets that hold several units
// are sorted. However units spread, the order is the same.
type Loom struct {
	starts []int32 // by bucket, then where its next row goes
	places []int32 // of the rows, stream by stream
	woven  Rows
	values [][]int64 // by column

	from, to int // what is sorted
}

// Weave returns the given number of rows, at least one, which all streams have
// together and whose units lie from first up to, and without, another: ordered by
// unit, and where units are equal by stream and as they came. Keys are translated,
// and a column that only some streams have is 0 for the others. The result is good
// until the next call.
func (l *Loom) Weave(streams []Rows, first, below uint64, rows int) *Rows {
	shift := max(0, bits.Len64(below-first-1)-bits.Len(uint(rows))-1)
	l.count(streams, first, shift, int((below-first-1)>>shift)+1)
	l.woven.Units = sized(l.woven.Units, rows)
	l.places = sized(l.places, rows)
	units, places, starts := l.woven.Units, l.places, l.starts
	row := 0
	for i := range streams {
		c := &streams[i]
		for _, unit := range c.Units[c.From:c.To] {
			next := &starts[(unit-first)>>shift]
			place := *next
			*next = place + 1
			units[place], places[row] = unit, place
			row++
		}
	}
	l.keys(streams, rows)
	l.columns(streams, rows)
	l.sort(first, shift)
	l.woven.To = rows
	return &l.woven
}

// sized returns a slice of n elements, with the old array if that is long enough.
func sized[T any](s []T, n int) []T { return slices.Grow(s[:0], n)[:n] }

// count finds where each bucket starts.
func (l *Loom) count(streams []Rows, first uint64, shift, buckets int) {
	l.starts = sized(l.starts, buckets)
	clear(l.starts)
	starts := l.starts
	for i := range streams {
		c := &streams[i]
		for _, unit := range c.Units[c.From:c.To] {
			starts[(unit-first)>>shift]++
		}
	}
	sum := int32(0)
	for i, n := range starts {
		starts[i] = sum
		sum += n
	}
}

// keys puts the keys in their places.
func (l *Loom) keys(streams []Rows, rows int) {
	if streams[0].Keys == nil {
		l.woven.Keys = nil
		return
	}
	l.woven.Keys = sized(l.woven.Keys, rows)
	keys, places := l.woven.Keys, l.places
	for i := range streams {
		c := &streams[i]
		from := c.Keys[c.From:c.To]
		if groups := c.Groups; groups != nil {
			for row, key := range from {
				if key >= 0 {
					key = groups[key]
				}
				keys[places[row]] = key
			}
		} else {
			for row, key := range from {
				keys[places[row]] = key
			}
		}
		places = places[len(from):]
	}
}

// columns puts the draws' values in their places. A stream without those of a draw
// counts all of its rows.
func (l *Loom) columns(streams []Rows, rows int) {
	draws := len(streams[0].Values)
	l.woven.Values, l.values = sized(l.woven.Values, draws), sized(l.values, draws)
	for d := range draws {
		l.woven.Values[d] = nil
		if !slices.ContainsFunc(streams, func(c Rows) bool { return c.To > c.From && c.Values[d] != nil }) {
			continue
		}
		l.values[d] = sized(l.values[d], rows)
		values, places := l.values[d], l.places
		l.woven.Values[d] = values
		for i := range streams {
			c := &streams[i]
			if from := c.Values[d]; from == nil {
				for _, place := range places[:c.To-c.From] {
					values[place] = 0
				}
			} else {
				for row, v := range from[c.From:c.To] {
					values[places[row]] = v
				}
			}
			places = places[c.To-c.From:]
		}
	}
}

// sort sorts the buckets that hold several units out of order.
func (l *Loom) sort(first uint64, shift int) {
	units := l.woven.Units
	for row := 1; row < len(units); row++ {
		if units[row] >= units[row-1] {
			continue
		}
		bucket := (units[row] - first) >> shift
		if l.from = 0; bucket > 0 {
			l.from = int(l.starts[bucket-1])
		}
		l.to = int(l.starts[bucket])
		sort.Stable(l)
		row = l.to
	}
}

// Len implements sort.Interface for the rows of a bucket, as do the others.
func (l *Loom) Len() int { return l.to - l.from }

// Less implements sort.Interface.
func (l *Loom) Less(i, j int) bool { return l.woven.Units[l.from+i] < l.woven.Units[l.from+j] }

// Swap implements sort.Interface.
func (l *Loom) Swap(i, j int) {
	i, j = l.from+i, l.from+j
	b := &l.woven
	b.Units[i], b.Units[j] = b.Units[j], b.Units[i]
	if b.Keys != nil {
		b.Keys[i], b.Keys[j] = b.Keys[j], b.Keys[i]
	}
	for _, values := range b.Values {
		if values != nil {
			values[i], values[j] = values[j], values[i]
		}
	}
}
