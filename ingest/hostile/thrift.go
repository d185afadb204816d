package hostile

import (
	"encoding/binary"
)

// What a Parquet footer is written in: Thrift's compact protocol, of which a field is
// its distance from the one before and its type, and a number is a varint.
const (
	tI32, tI64, tBinary, tList, tStruct = 5, 6, 8, 9, 12
)

// element is one of the schema: a group if it has children.
type element struct {
	name     string
	children int32
	group    bool
}

func group(name string, children int32) element { return element{name, children, true} }
func leaf(name string) element                  { return element{name: name} }

// schemaOf has so many columns, each so many groups deep.
func schemaOf(columns, depth int, name string) []element {
	out := []element{group("root", int32(columns))}
	for range columns {
		for range depth - 1 {
			out = append(out, group("g", 1))
		}
		out = append(out, leaf(name))
	}
	return out
}

// chunk is what a footer says of the rows.
type chunk struct {
	rows, values, size, at int64
	file                   string
	page                   []byte
	groups                 int
}

type thrift struct{ b []byte }

func (t *thrift) varint(v uint64)        { t.b = binary.AppendUvarint(t.b, v) }
func (t *thrift) number(v int64)         { t.varint(uint64(v<<1) ^ uint64(v>>63)) }
func (t *thrift) field(delta, kind byte) { t.b = append(t.b, delta<<4|kind) }
func (t *thrift) text(s string)          { t.varint(uint64(len(s))); t.b = append(t.b, s...) }
func (t *thrift) stop()                  { t.b = append(t.b, 0) }

func (t *thrift) list(kind byte, n int) {
	if n < 15 {
		t.b = append(t.b, byte(n)<<4|kind)
		return
	}
	t.b = append(t.b, 0xf0|kind)
	t.varint(uint64(n))
}

// metadataHead is the begin of a footer: its version.
func metadataHead() []byte {
	t := &thrift{}
	t.field(1, tI32)
	t.number(1)
	return t.b
}

// metadata is a footer.
func metadata(schema []element, rows int64, c *chunk) []byte {
	t := &thrift{b: metadataHead()}
	t.field(1, tList)
	t.list(tStruct, len(schema))
	for _, e := range schema {
		last := byte(0)
		if !e.group {
			t.field(1, tI32) // type: INT64
			t.number(2)
			last = 1
		}
		t.field(3-last, tI32) // optional
		t.number(1)
		t.field(1, tBinary)
		t.text(e.name)
		if e.group {
			t.field(1, tI32)
			t.number(int64(e.children))
		}
		t.stop()
	}
	t.field(1, tI64)
	t.number(rows)
	t.field(1, tList)
	if c == nil {
		t.list(tStruct, 0)
	} else {
		n := max(c.groups, 1)
		t.list(tStruct, n)
		for range n {
			t.rowGroup(schema[1:], *c)
		}
	}
	t.stop()
	return t.b
}

func (t *thrift) rowGroup(leaves []element, c chunk) {
	t.field(1, tList)
	t.list(tStruct, len(leaves))
	for _, e := range leaves {
		last := byte(0)
		if c.file != "" {
			t.field(1, tBinary)
			t.text(c.file)
			last = 1
		}
		t.field(2-last, tI64)
		t.number(c.at)
		t.field(1, tStruct)
		t.field(1, tI32) // INT64
		t.number(2)
		t.field(1, tList)
		t.list(tI32, 1)
		t.number(0)
		t.field(1, tList)
		t.list(tBinary, 1)
		t.text(e.name)
		t.field(1, tI32) // uncompressed
		t.number(0)
		for _, v := range []int64{c.values, c.size, c.size} {
			t.field(1, tI64)
			t.number(v)
		}
		t.field(2, tI64)
		t.number(c.at)
		t.stop()
		t.stop()
	}
	t.field(1, tI64)
	t.number(c.size)
	t.field(1, tI64)
	t.number(c.rows)
	t.stop()
}

// pageHeader is that of a page of a kind: 0 of data, 2 a dictionary.
func pageHeader(kind, plain, stored, values int64) []byte {
	t := &thrift{}
	for _, v := range []int64{kind, plain, stored} {
		t.field(1, tI32)
		t.number(v)
	}
	delta := byte(2) // to data_page_header
	if kind == 2 {
		delta = 4
	}
	t.field(delta, tStruct)
	t.field(1, tI32)
	t.number(values)
	t.field(1, tI32)
	t.number(0)
	if kind == 0 {
		for range 2 {
			t.field(1, tI32)
			t.number(3)
		}
	}
	t.stop()
	t.stop()
	return t.b
}

// footed is a file with pages and a footer.
func footed(pages, footer []byte) []byte {
	b := append([]byte("PAR1"), pages...)
	b = append(b, footer...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(footer)))
	return append(b, "PAR1"...)
}
