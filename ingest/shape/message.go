package shape

import (
	"encoding/binary"
	"io"
	"os"
)

// MaxArrowMetadata is the most bytes of a message of an Arrow stream beyond its rows.
const MaxArrowMetadata = 16 << 20

// ArrowStream looks at the schema of an Arrow stream before its reader does. The reader
// follows places in the schema's bytes as often as they are named, so that a few
// bytes may become more columns than there is memory for.
func ArrowStream(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	var head [8]byte
	n, err := io.ReadFull(f, head[:])
	if n < len(head) {
		return tooShort(err)
	}
	length := int64(binary.LittleEndian.Uint32(head[:4]))
	rest := head[4:]
	if length == 0xffffffff {
		length, rest = int64(binary.LittleEndian.Uint32(head[4:])), nil
	}
	if length > MaxArrowMetadata {
		return ErrNotStream
	}
	b := make([]byte, max(length, int64(len(rest))))
	copied := copy(b, rest)
	if _, err := io.ReadFull(f, b[copied:]); err != nil {
		return tooShort(err)
	}
	s := &flat{b: b}
	s.message()
	if s.fault == nil && s.broken {
		return rejected("the file is a damaged Arrow stream")
	}
	return s.fault
}

// tooShort is what is wrong with a stream that ends in its first message.
func tooShort(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF { //nolint:errorlint // of io.ReadFull itself
		return ErrNotStream
	}
	return err
}

// ErrNotStream refuses what is no Arrow stream.
var ErrNotStream = rejected("the file is not an Arrow IPC stream, or is damaged (a file with a footer is not a stream)")

// flat reads the few parts of a flatbuffer that bound the rest. No place outside of
// the bytes is read.
type flat struct {
	b       []byte
	columns int
	broken  bool
	fault   error
}

func (f *flat) u16(at int) int {
	if at < 0 || at+2 > len(f.b) {
		f.broken = true
		return 0
	}
	return int(binary.LittleEndian.Uint16(f.b[at:]))
}

func (f *flat) u32(at int) int {
	if at < 0 || at+4 > len(f.b) {
		f.broken = true
		return 0
	}
	return int(binary.LittleEndian.Uint32(f.b[at:]))
}

// slot is the place of a table's field, 0 where it has none.
func (f *flat) slot(table, field int) int {
	vtable := table - int(int32(f.u32(table)))
	if at := 4 + 2*field; at+2 <= f.u16(vtable) {
		if o := f.u16(vtable + at); o != 0 {
			return table + o
		}
	}
	return 0
}

// follow is the place that a field of a table names, 0 where it has none.
func (f *flat) follow(table, field int) int {
	at := f.slot(table, field)
	if at == 0 {
		return 0
	}
	return at + f.u32(at)
}

func (f *flat) message() {
	root := f.u32(0)
	kind := f.slot(root, 1)
	if f.broken || kind == 0 || kind >= len(f.b) || f.b[kind] != 1 {
		f.broken = true // the first message is no schema
		return
	}
	if schema := f.follow(root, 2); schema != 0 {
		f.fields(f.follow(schema, 1), 0)
	}
}

// fields looks at the columns of a vector, and at what is in them.
func (f *flat) fields(vector, depth int) {
	if vector == 0 || f.broken || f.fault != nil {
		return
	}
	if depth > MaxDepth {
		f.fault = rejected("the Arrow stream has lists and structures more than %d deep in each other", MaxDepth)
		return
	}
	n := f.u32(vector)
	if f.columns += n; f.columns > maxColumns {
		f.fault = rejected("the Arrow stream has more than %d columns, those in structures among them", maxColumns)
		return
	}
	for i := range n {
		at := vector + 4 + 4*i
		column := at + f.u32(at)
		if f.broken || f.fault != nil {
			return
		}
		if name := f.follow(column, 0); name != 0 && f.u32(name) > maxName {
			f.fault = rejected("the name of a column of the Arrow stream is longer than %d bytes", maxName)
			return
		}
		f.fields(f.follow(column, 5), depth+1)
	}
}
