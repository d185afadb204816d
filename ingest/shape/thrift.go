package shape

import (
	"encoding/binary"
	"errors"
)

// errThrift is what is wrong with bytes that are not Thrift's compact protocol.
var errThrift = errors.New("not a structure of Thrift")

// The types of the compact protocol.
const (
	thriftStop   = 0
	thriftTrue   = 1
	thriftFalse  = 2
	thriftByte   = 3
	thriftI16    = 4
	thriftI32    = 5
	thriftI64    = 6
	thriftDouble = 7
	thriftBinary = 8
	thriftList   = 9
	thriftSet    = 10
	thriftMap    = 11
	thriftStruct = 12
)

// maxThriftDepth is deeper than any footer of Parquet goes.
const maxThriftDepth = 16

// thrift reads the compact protocol from memory. It allocates nothing, follows no
// length beyond what is there, and remembers the first fault, after which every read
// is zero.
type thrift struct {
	b     []byte
	depth int
	err   error
}

func (t *thrift) fail() { t.b, t.err = nil, errThrift }

func (t *thrift) uvarint() uint64 {
	v, n := binary.Uvarint(t.b)
	if n <= 0 {
		t.fail()
		return 0
	}
	t.b = t.b[n:]
	return v
}

// number is a whole number of any width.
func (t *thrift) number() int64 {
	v := t.uvarint()
	return int64(v>>1) ^ -int64(v&1)
}

func (t *thrift) take(n uint64) []byte {
	if n > uint64(len(t.b)) {
		t.fail()
		return nil
	}
	taken := t.b[:n]
	t.b = t.b[n:]
	return taken
}

func (t *thrift) bytes() []byte { return t.take(t.uvarint()) }

func (t *thrift) byte() byte {
	if b := t.take(1); b != nil {
		return b[0]
	}
	return 0
}

// structure calls field for each field of a structure; field reads the value, or
// returns false to have it passed over.
func (t *thrift) structure(field func(id int, kind byte) bool) {
	if t.depth++; t.depth > maxThriftDepth {
		t.fail()
	}
	defer func() { t.depth-- }()
	for id := 0; t.err == nil; {
		head := t.byte()
		kind := head & 0x0f
		if kind == thriftStop {
			return
		}
		if delta := int(head >> 4); delta != 0 {
			id += delta
		} else {
			id = int(t.number())
		}
		if !field(id, kind) {
			t.skip(kind)
		}
	}
}

// list calls element for each element of a list of a kind. No more elements are
// believed in than there are bytes.
func (t *thrift) list(kind byte, element func()) {
	of, n := t.listHead()
	if of != kind {
		t.fail()
	}
	for ; n > 0 && t.err == nil; n-- {
		element()
	}
}

func (t *thrift) listHead() (kind byte, n uint64) {
	head := t.byte()
	if kind, n = head&0x0f, uint64(head>>4); n == 15 {
		n = t.uvarint()
	}
	if n > uint64(len(t.b)) {
		t.fail()
	}
	return kind, n
}

// skip passes over a value.
func (t *thrift) skip(kind byte) {
	if t.depth++; t.depth > maxThriftDepth {
		t.fail()
	}
	defer func() { t.depth-- }()
	switch kind {
	case thriftTrue, thriftFalse:
	case thriftByte:
		t.byte()
	case thriftI16, thriftI32, thriftI64:
		t.uvarint()
	case thriftDouble:
		t.take(8)
	case thriftBinary:
		t.bytes()
	case thriftList, thriftSet:
		of, n := t.listHead()
		for ; n > 0 && t.err == nil; n-- {
			t.skipElement(of)
		}
	case thriftMap:
		n := t.uvarint()
		if n == 0 {
			return
		}
		kinds := t.byte()
		for ; n > 0 && t.err == nil; n-- {
			t.skipElement(kinds >> 4)
			t.skipElement(kinds & 0x0f)
		}
	case thriftStruct:
		t.structure(func(int, byte) bool { return false })
	default:
		t.fail()
	}
}

// skipElement passes over an element, of which also a truth has a byte.
func (t *thrift) skipElement(kind byte) {
	if kind == thriftTrue || kind == thriftFalse {
		kind = thriftByte
	}
	t.skip(kind)
}
