// Package boundingtest is a second implementation of what package bounding
// defines, for tests of it and of engines: slow, in big integers and maps, over
// rows that are all in memory, and written from the definition alone. It shares
// no code with the first.
package boundingtest

import (
	"cmp"
	"encoding/binary"
	"maps"
	"math"
	"math/big"
	"slices"

	"github.com/dchest/siphash"

	"github.com/noised/noised/analytics/plan"
)

// Absent marks a row that a draw does not count.
const Absent = int64(math.MinInt64)

// Row is one row that passed the filter and whose key is declared or secret.
type Row struct {
	Tenant string
	Unit   uint64
	Key    string // canonical text of the key, as in bounding
	// Values has, per draw, what the row adds, as in bounding.Batch, or Absent.
	Values []int64
}

// Draws maps each key to all integers of its group, draw by draw. Groups that
// no unit reaches are missing.
type Draws map[string][]string

// owner is a privacy unit.
type owner struct {
	tenant string // empty under scope person
	unit   uint64
}

// reference is the state of one computation.
type reference struct {
	plan   *plan.Bound
	salt   [16]byte
	totals map[string][][]*big.Int
	sets   map[string][]map[int64]bool // of distinct draws
}

// Bound bounds rows, which are in stream order.
func Bound(p *plan.Bound, salt [16]byte, rows []Row) Draws {
	r := &reference{p, salt, map[string][][]*big.Int{}, map[string][]map[int64]bool{}}
	units := map[owner][]Row{}
	for _, row := range rows {
		o := owner{unit: row.Unit}
		if p.Scope == plan.ScopeTenant {
			o.tenant = row.Tenant
		}
		if m := p.Limits.MaxRows; m == 0 || int64(len(units[o])) < m {
			units[o] = append(units[o], row)
		}
	}
	for o, rows := range units {
		r.unit(o.unit, rows)
	}
	out := Draws{}
	for key, draws := range r.totals {
		for d, integers := range draws {
			for _, n := range integers {
				if p.Draws[d].Kind == plan.DrawDistinct {
					n = big.NewInt(int64(len(r.sets[key][d])))
				}
				out[key] = append(out[key], n.String())
			}
		}
	}
	return out
}

// unit adds what one unit contributes.
func (r *reference) unit(unit uint64, rows []Row) {
	byKey := map[string][]Row{}
	for _, row := range rows {
		byKey[row.Key] = append(byKey[row.Key], row)
	}
	keys := slices.SortedFunc(maps.Keys(byKey), func(a, b string) int {
		return cmp.Or(cmp.Compare(r.hash(unit, a), r.hash(unit, b)), cmp.Compare(a, b))
	})
	keys = keys[:min(int64(len(keys)), r.plan.Limits.MaxPartitions)]
	c, squares := r.plan.Limits.MaxRowsPerPartition, new(big.Int)
	for _, key := range keys {
		n := big.NewInt(min(int64(len(byKey[key])), c))
		squares.Add(squares, n.Mul(n, n))
	}
	num, den := scale(r.plan.Limits.MaxL2, squares)
	for _, key := range keys {
		if r.totals[key] == nil {
			r.totals[key], r.sets[key] = r.empty(), make([]map[int64]bool, len(r.plan.Draws))
		}
		for d := range r.plan.Draws {
			r.draw(unit, key, d, byKey[key], num, den)
		}
	}
}

func (r *reference) empty() [][]*big.Int {
	var out [][]*big.Int
	for _, d := range r.plan.Draws {
		integers := make([]*big.Int, d.Width())
		for i := range integers {
			integers[i] = new(big.Int)
		}
		out = append(out, integers)
	}
	return out
}

// draw adds what a unit's rows of one key contribute to one draw.
func (r *reference) draw(unit uint64, key string, d int, rows []Row, num, den *big.Int) {
	var values []int64
	for _, row := range rows {
		if v := row.Values[d]; v != Absent {
			values = append(values, v)
		}
	}
	n, c := int64(len(values)), r.plan.Limits.MaxRowsPerPartition
	into := r.totals[key][d]
	scaled := func(x *big.Int) {
		into[0].Add(into[0], x.Quo(x.Mul(x, num), den))
	}
	switch draw := r.plan.Draws[d]; draw.Kind {
	case plan.DrawRows:
		scaled(big.NewInt(min(n, c)))
	case plan.DrawUnits:
		into[0].Add(into[0], big.NewInt(min(n, 1)))
	case plan.DrawSum, plan.DrawSquares:
		sum := new(big.Int)
		for _, v := range values {
			sum.Add(sum, big.NewInt(v))
		}
		if n > c {
			sum.Quo(sum.Mul(sum, big.NewInt(c)), big.NewInt(n))
		}
		scaled(sum)
	case plan.DrawDistinct:
		if r.sets[key][d] == nil {
			r.sets[key][d] = map[int64]bool{}
		}
		slices.Sort(values)
		for _, v := range r.lowest(unit, key, d, slices.Compact(values)) {
			r.sets[key][d][v] = true
		}
	case plan.DrawTree:
		for _, leaf := range r.lowest(unit, key, d, values) {
			count(into, draw.Tree, leaf)
		}
	}
}

// count adds one to a leaf and to the nodes above it.
func count(nodes []*big.Int, t plan.Tree, leaf int64) {
	first := 0
	for level := 1; level <= t.Levels; level++ {
		leaves := int64(math.Pow(float64(t.Branching), float64(t.Levels-level)))
		node := nodes[first+int(leaf/leaves)]
		node.Add(node, big.NewInt(1))
		first += int(math.Ceil(float64(t.Leaves) / float64(leaves)))
	}
}

// lowest returns c of the values, those with the smallest hashes of unit, key,
// draw, value and ordinal among equal values.
func (r *reference) lowest(unit uint64, key string, d int, values []int64) []int64 {
	type ranked struct {
		hash           uint64
		value, ordinal int64
	}
	message := binary.LittleEndian.AppendUint64(nil, unit)
	message = binary.LittleEndian.AppendUint64(message, r.sip(r.salt[:], []byte(r.plan.Draws[d].String())))
	h := siphash.New128(r.salt[:])
	_, _ = h.Write(append(message, key...))
	keyed := h.Sum(nil)
	seen, all := map[int64]int64{}, make([]ranked, 0, len(values))
	for _, v := range values {
		o := seen[v]
		seen[v]++
		m := binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint64(nil, uint64(v)), uint32(o))
		all = append(all, ranked{r.sip(keyed, m), v, o})
	}
	slices.SortFunc(all, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.value, b.value), cmp.Compare(a.ordinal, b.ordinal))
	})
	var out []int64
	for _, v := range all[:min(int64(len(all)), r.plan.Limits.MaxRowsPerPartition)] {
		out = append(out, v.value)
	}
	return out
}

func (r *reference) hash(unit uint64, key string) uint64 {
	h := siphash.New128(r.salt[:])
	_, _ = h.Write([]byte("keys of groups"))
	message := binary.LittleEndian.AppendUint64(nil, unit)
	message = binary.LittleEndian.AppendUint64(message, r.sip(h.Sum(nil), []byte(key)))
	return r.sip(r.salt[:], message)
}

func (r *reference) sip(key, message []byte) uint64 {
	h := siphash.New(key)
	_, _ = h.Write(message)
	return h.Sum64()
}

// scale returns C·2^k and ⌈2^k·‖N‖⌉ for the largest k with 4^k·‖N‖² < 2^62, or
// ones where the norm is within C or not bounded.
func scale(limit int64, squares *big.Int) (num, den *big.Int) {
	c := big.NewInt(limit)
	if limit == 0 || squares.Cmp(new(big.Int).Mul(c, c)) <= 0 {
		return big.NewInt(1), big.NewInt(1)
	}
	s, end, four := new(big.Int).Set(squares), new(big.Int).Lsh(big.NewInt(1), 62), big.NewInt(4)
	num = c
	for next := new(big.Int).Mul(s, four); next.Cmp(end) < 0; next = new(big.Int).Mul(s, four) {
		s = next
		num.Lsh(num, 1)
	}
	den = new(big.Int).Sqrt(s)
	if new(big.Int).Mul(den, den).Cmp(s) < 0 {
		den.Add(den, big.NewInt(1))
	}
	return num, den
}

// ValueHash returns the hash of a value of a distinct draw: an int64, a bool, a
// float64 or a string.
func ValueHash(salt [16]byte, value any) int64 {
	h := siphash.New128(salt[:])
	_, _ = h.Write([]byte("values of distinct draws"))
	key, message := h.Sum(nil), []byte(nil)
	switch v := value.(type) {
	case int64:
		message = binary.LittleEndian.AppendUint64(nil, uint64(v))
	case bool:
		message = make([]byte, 8)
		if v {
			message[0] = 1
		}
	case float64:
		bits := math.Float64bits(v)
		if math.IsNaN(v) {
			bits = 0x7ff8000000000001
		} else if v == 0 {
			bits = 0
		}
		message = binary.LittleEndian.AppendUint64(nil, bits)
	case string:
		message = []byte(v)
	}
	s := siphash.New(key)
	_, _ = s.Write(message)
	if out := int64(s.Sum64()); out != Absent {
		return out
	}
	return Absent + 1
}
