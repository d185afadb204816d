// Package packed reads what was written as varints, with encoding/binary. It
// fails closed: whatever is not there reads as zero and is remembered, and no
// more room is asked for than the data could fill.
package packed

import (
	"encoding/binary"
	"errors"
)

// Reader reads from the beginning of some data.
type Reader struct {
	left []byte
	bad  bool
}

// NewReader returns a Reader of data.
func NewReader(data []byte) *Reader { return &Reader{left: data} }

// Done returns an error unless everything that was read was there, and nothing is
// left.
func (r *Reader) Done() error {
	if r.bad || len(r.left) > 0 {
		return errors.New("the stored data is not whole")
	}
	return nil
}

// Fail says that what was read makes no sense.
func (r *Reader) Fail() { r.bad = true }

// Bad reports whether something that was read was not there.
func (r *Reader) Bad() bool { return r.bad }

// Take returns the next n bytes, nil where there are fewer.
func (r *Reader) Take(n int) []byte {
	if n < 0 || n > len(r.left) {
		r.bad = true
		return nil
	}
	taken := r.left[:n]
	r.left = r.left[n:]
	return taken
}

// Byte reads one byte.
func (r *Reader) Byte() byte {
	if b := r.Take(1); b != nil {
		return b[0]
	}
	return 0
}

// Varint reads what binary.AppendVarint wrote.
func (r *Reader) Varint() int64 {
	v, n := binary.Varint(r.left)
	if n <= 0 {
		r.bad = true
		return 0
	}
	r.left = r.left[n:]
	return v
}

// Count reads what binary.AppendUvarint wrote: a number of things that follow,
// of which each takes a number of bytes or more.
func (r *Reader) Count(each int) int {
	v, n := binary.Uvarint(r.left)
	if n <= 0 || v > uint64((len(r.left)-n)/max(each, 1)) {
		r.bad = true
		return 0
	}
	r.left = r.left[n:]
	return int(v)
}

// Text reads a string that stands behind its length.
func (r *Reader) Text() string { return string(r.Take(r.Count(1))) }

// AppendText writes a string behind its length.
func AppendText(data []byte, s string) []byte {
	return append(binary.AppendUvarint(data, uint64(len(s))), s...)
}
