package packed

import (
	"encoding/binary"
	"math"
	"testing"
)

func TestReader(t *testing.T) {
	data := AppendText(binary.AppendVarint(binary.AppendVarint([]byte{7}, math.MinInt64), -3), "text")
	data = append(binary.AppendUvarint(data, 2), 'a', 'b')
	for n := range len(data) + 1 {
		r := NewReader(data[:n])
		b, low, small, text, count := r.Byte(), r.Varint(), r.Varint(), r.Text(), r.Count(1)
		rest := string(r.Take(count))
		if err := r.Done(); (err == nil) != (n == len(data)) {
			t.Errorf("of %d bytes: %v", n, err)
		} else if err == nil && (b != 7 || low != math.MinInt64 || small != -3 || text != "text" || rest != "ab") {
			t.Errorf("read %d %d %d %q %q", b, low, small, text, rest)
		}
	}
	if r := NewReader(data); r.Byte() != 7 || r.Done() == nil {
		t.Error("what is left is not seen")
	}
}

// TestCountsAreHeldAgainstTheData: no number makes a reader ask for more room than
// the data fills.
func TestCountsAreHeldAgainstTheData(t *testing.T) {
	for _, v := range []uint64{4, 1 << 31, math.MaxInt64, math.MaxUint64} {
		data := append(binary.AppendUvarint(nil, v), 1, 2, 3)
		if r := NewReader(data); r.Count(1) != 0 || r.Done() == nil {
			t.Errorf("%d things in 3 bytes", v)
		}
	}
	data := []byte{3, 1, 2, 3}
	if r := NewReader(data); r.Count(2) != 0 || r.Done() == nil {
		t.Error("three things of two bytes in 3 bytes")
	}
	if r := NewReader(data); r.Count(0) != 3 {
		t.Error("three things of no bytes are not there")
	}
	if r := NewReader(nil); r.Done() != nil {
		t.Error("nothing is not whole")
	} else if r.Fail(); r.Done() == nil {
		t.Error("a failure is forgotten")
	}
	if r := NewReader(data); r.Take(-1) != nil || r.Done() == nil {
		t.Error("fewer than no bytes were taken")
	}
}
