package code

import (
	"hash/maphash"
	"math/bits"

	"github.com/noised/noised/ingest/duck"
)

// table finds the places of declared texts. Slots are probed in turn; at least
// half of them are free, and have the code of texts that are not declared.
type table struct {
	values []string
	slots  []slot
	shift  int // keeps the upper bits of a hash, as many as slots need
	seed   maphash.Seed
}

// slot is a text by two words: as DuckDB has it, but for a long text the second is
// a hash.
type slot struct {
	words duck.Text
	code  uint16
}

// newTable returns the table of declared texts. A text that is declared twice has
// its first place.
func newTable(values []string) *table {
	width := bits.Len(uint(2*len(values) + 1))
	t := &table{values: values, slots: make([]slot, 1<<width), shift: 64 - width, seed: maphash.MakeSeed()}
	for i := range t.slots {
		t.slots[i].code = t.outside()
	}
	for i, v := range values {
		words, ok := duck.InPlaceOf(v)
		var long []byte
		if !ok {
			long = []byte(v)
			words[1] = maphash.Bytes(t.seed, long)
		}
		if s := t.find(words, long); s.code == t.outside() {
			*s = slot{words, uint16(i)}
		}
	}
	return t
}

// outside is the code of whatever is not declared.
func (t *table) outside() uint16 { return uint16(len(t.values)) }

// fill writes the codes of a column.
func (t *table) fill(codes []uint16, column duck.Vector) {
	texts := duck.View[duck.Text](column, len(codes))
	nulls := column.HasNulls()
	for i := range texts {
		if nulls && column.Null(i) {
			codes[i] = t.outside()
			continue
		}
		words, long := texts[i], []byte(nil)
		if !words.InPlace() {
			long = texts[i].Bytes()
			words[1] = maphash.Bytes(t.seed, long)
		}
		codes[i] = t.find(words, long).code
	}
}

// find returns the slot of a text, or the free one where it would be; long are
// the bytes of a text that is longer than its words.
func (t *table) find(words duck.Text, long []byte) *slot {
	for at := mix(words) >> t.shift; ; at = (at + 1) % uint64(len(t.slots)) {
		s := &t.slots[at]
		if s.code == t.outside() || s.words == words && (long == nil || string(long) == t.values[s.code]) {
			return s
		}
	}
}

// mix spreads two words over the upper bits of one.
func mix(words duck.Text) uint64 {
	hi, lo := bits.Mul64(words[0]^0x9e3779b97f4a7c15, words[1]^0xd1b54a32d192ed03)
	return (hi ^ lo) * 0x9e3779b97f4a7c15
}
