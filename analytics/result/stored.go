package result

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"

	"github.com/noised/noised/analytics/packed"
	"github.com/noised/noised/analytics/plan"
)

// formatPacked is the first byte of the stored form of a table. An older one is
// an Arrow stream, which begins with another.
//
// After it stands the head as JSON, behind its length, then each column: its
// values and the ends of its interval. A whole number is stored as what it is
// more than the one before, an end as what it is more than its value, and so a
// million counts with their intervals take a few megabytes.
const formatPacked = 1

// storedHead is all but the values.
type storedHead struct {
	Rows    int            `json:"rows"`
	Meta    []Pair         `json:"meta"`
	Columns []storedColumn `json:"columns"`
}

type storedColumn struct {
	Name       string    `json:"name"`
	Type       string    `json:"type"`
	Mechanism  Mechanism `json:"mechanism"`
	Stddev     string    `json:"stddev,omitempty"`
	Bounds     string    `json:"bounds,omitempty"`
	Quantum    string    `json:"quantum,omitempty"`
	Confidence string    `json:"confidence,omitempty"`
	Interval   bool      `json:"interval,omitempty"`
}

// Encode returns the stored form of the table, intervals included.
func (t *Table) Encode() ([]byte, error) {
	head := storedHead{Rows: t.Rows(), Meta: t.Meta}
	for _, c := range t.Columns {
		head.Columns = append(head.Columns, storedColumn{
			c.Name, c.Type.String(), c.Mechanism, c.Stddev, c.Bounds, c.Quantum, c.Confidence, c.HasInterval(),
		})
	}
	text, err := json.Marshal(head)
	if err != nil {
		return nil, fmt.Errorf("encode table: %w", err)
	}
	size := len(text) + 16
	for _, f := range t.flatten(true) {
		size += 4 * f.values.Len()
	}
	data := packed.AppendText(append(make([]byte, 0, size), formatPacked), string(text))
	for _, c := range t.Columns {
		data = c.Values.pack(data, nil)
		if c.HasInterval() {
			data = c.High.pack(c.Low.pack(data, c.Values), c.Values)
		}
	}
	return data, nil
}

// Decode reads a stored table, of older versions too.
func Decode(data []byte) (*Table, error) {
	if len(data) == 0 || data[0] != formatPacked {
		return ReadArrow(bytes.NewReader(data))
	}
	r := packed.NewReader(data[1:])
	var head storedHead
	if err := json.Unmarshal([]byte(r.Text()), &head); err != nil {
		return nil, fmt.Errorf("decode table: %w", err)
	}
	if head.Rows < 0 || head.Rows > len(data) { // a row takes a byte or more
		return nil, fmt.Errorf("decode table: %d rows in %d bytes", head.Rows, len(data))
	}
	t := &Table{Meta: head.Meta}
	for _, s := range head.Columns {
		typ, err := plan.ParseType(s.Type)
		if err != nil {
			return nil, fmt.Errorf("decode table: %w", err)
		}
		c := Column{
			Name: s.Name, Type: typ, Mechanism: s.Mechanism, Stddev: s.Stddev, Bounds: s.Bounds, Quantum: s.Quantum, Confidence: s.Confidence,
			Values: unpack(r, typ, head.Rows, nil),
		}
		if s.Interval {
			c.Low = unpack(r, typ, head.Rows, c.Values)
			c.High = unpack(r, typ, head.Rows, c.Values)
		}
		t.Columns = append(t.Columns, c)
		if r.Bad() { // no room for more of what is not there
			break
		}
	}
	if err := r.Done(); err != nil {
		return nil, fmt.Errorf("decode table: %w", err)
	}
	return t, nil
}

// pack appends the values: how many are NULL and which, by their distances, then
// all of them. Whole numbers are stored less those of near, or less the one
// before where near is nil; they wrap, and wrap back.
func (v *Vector) pack(data []byte, near *Vector) []byte {
	var nulls []int
	for i, valid := range v.valid {
		if !valid {
			nulls = append(nulls, i)
		}
	}
	data, last := binary.AppendUvarint(data, uint64(len(nulls))), 0
	for _, i := range nulls {
		data, last = binary.AppendVarint(data, int64(i-last)), i
	}
	for _, f := range v.floats {
		data = binary.LittleEndian.AppendUint64(data, math.Float64bits(f))
	}
	for _, s := range v.texts {
		data = packed.AppendText(data, s)
	}
	var before int64
	for i, x := range v.ints {
		if near != nil {
			before = near.ints[i]
		}
		data, before = binary.AppendVarint(data, x-before), x
	}
	return data
}

// unpack reads n values that pack wrote.
func unpack(r *packed.Reader, t plan.Type, n int, near *Vector) *Vector {
	v := NewVector(t, n)
	for i := range v.valid {
		v.valid[i] = true
	}
	at := 0
	for range r.Count(1) {
		if at += int(r.Varint()); at < 0 || at >= n {
			r.Fail()
			return v
		}
		v.valid[at] = false
	}
	for i := range v.floats {
		if bits := r.Take(8); bits != nil {
			v.floats[i] = math.Float64frombits(binary.LittleEndian.Uint64(bits))
		}
	}
	for i := range v.texts {
		v.texts[i] = r.Text()
	}
	var before int64
	for i := range v.ints {
		if near != nil {
			before = near.ints[i]
		}
		before += r.Varint()
		v.ints[i] = before
	}
	return v
}
