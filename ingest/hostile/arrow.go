package hostile

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	flatbuffers "github.com/google/flatbuffers/go"
)

func wholeArrow() []byte {
	schema, rows := table(wholeRows, nil)
	return writeArrow(schema, rows, 1)
}

func writeArrow(schema *arrow.Schema, rows arrow.RecordBatch, times int, options ...ipc.Option) []byte {
	var b bytes.Buffer
	w := ipc.NewWriter(&b, append(options, ipc.WithSchema(schema))...)
	for range times {
		if err := w.Write(rows); err != nil {
			panic(err)
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// arrows are streams whose first message lies, and batches that hold more than there
// is.
func arrows(size int) (files []File) {
	add := func(name string, body []byte) {
		files = append(files, File{Name: "arrow, " + name, Format: Arrow, Body: body})
	}
	whole := wholeArrow()
	for i, length := range []uint32{0, 1, 7, 0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff} {
		b := slices.Clone(whole)
		binary.LittleEndian.PutUint32(b[4:], length)
		add("metadata of another length "+string(rune('a'+i)), b)
	}
	add("a file with a footer", append([]byte("ARROW1\x00\x00"), whole...))
	add("a mark alone", []byte{0xff, 0xff, 0xff, 0xff})
	add("marks without end", bytes.Repeat([]byte{0xff}, 1000*size))
	add("columns without end", message(func(b *flatbuffers.Builder) flatbuffers.UOffsetT { return fields(b, 100*size+11_000, 0, false) }))
	add("lists in lists", message(func(b *flatbuffers.Builder) flatbuffers.UOffsetT { return fields(b, 1, 10*size+500, false) }))
	add("a tree that grows out of sharing", message(func(b *flatbuffers.Builder) flatbuffers.UOffsetT { return fields(b, 1, 60, true) }))
	add("a column of a long name", message(func(b *flatbuffers.Builder) flatbuffers.UOffsetT {
		return field(b, string(bytes.Repeat([]byte{'n'}, 2000+1000*size)), 0, nil)
	}))
	add("columns twice", message(func(b *flatbuffers.Builder) flatbuffers.UOffsetT { return fields(b, 3, 0, false) }))
	add("a second schema", append(slices.Clone(whole[:len(whole)-8]), whole...))
	add("no end", whole[:len(whole)-8])
	add("batches without rows", append(slices.Clone(whole[:len(whole)-8]), bytes.Repeat(emptyBatch(), 20*size)...))
	long := string(bytes.Repeat([]byte{'x'}, 1000*size))
	schema, rows := table(64, &long)
	add("a batch that grows", writeArrow(schema, rows, 4, ipc.WithZstd()))
	bomb := writeArrow(schema, rows, 1, ipc.WithLZ4())
	for i, at := range places(bomb) {
		b := slices.Clone(bomb)
		binary.LittleEndian.PutUint64(b[at:], 1<<uint(40-4*i))
		add("a buffer that says it is large "+string(rune('a'+i)), b)
	}
	add("a dictionary without end", dictionaries(100*size))
	return files
}

// places are some where a batch's buffers may begin with their length.
func places(b []byte) []int {
	at := bytes.Index(b, []byte{0x04, 0x22, 0x4d, 0x18}) // of a frame of LZ4
	var found []int
	for next := at; next >= 8 && len(found) < 4; {
		found = append(found, next-8)
		more := bytes.Index(b[next+4:], []byte{0x04, 0x22, 0x4d, 0x18})
		if more < 0 {
			break
		}
		next += 4 + more
	}
	return found
}

func emptyBatch() []byte {
	schema, rows := table(0, nil)
	b := writeArrow(schema, rows, 1)
	head := 8 + int(binary.LittleEndian.Uint32(b[4:]))
	return b[head : len(b)-8]
}

// dictionaries is a stream whose city is a place in a dictionary that comes anew with
// each batch.
func dictionaries(times int) []byte {
	kind := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}
	schema := arrow.NewSchema([]arrow.Field{{Name: "person", Type: arrow.PrimitiveTypes.Int64}, {Name: "city", Type: kind}, {Name: "rating", Type: arrow.PrimitiveTypes.Int8}}, nil)
	var out bytes.Buffer
	w := ipc.NewWriter(&out, ipc.WithSchema(schema))
	for i := range max(times/1000, 2) {
		b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
		for j := range 1000 {
			b.Field(0).(*array.Int64Builder).Append(int64(j))
			if err := b.Field(1).(*array.BinaryDictionaryBuilder).AppendString(string(rune('a'+i%26)) + string(bytes.Repeat([]byte{byte('a' + j%26)}, j))); err != nil {
				panic(err)
			}
			b.Field(2).(*array.Int8Builder).Append(3)
		}
		if err := w.Write(b.NewRecordBatch()); err != nil {
			panic(err)
		}
		b.Release()
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return out.Bytes()
}

// message is a stream that has a schema with one field, or with those of a vector.
func message(make func(b *flatbuffers.Builder) flatbuffers.UOffsetT) []byte {
	b := flatbuffers.NewBuilder(1024)
	list := make(b)
	b.StartObject(4) // Schema
	b.PrependUOffsetTSlot(1, list, 0)
	schema := b.EndObject()
	b.StartObject(5)            // Message
	b.PrependInt16Slot(0, 4, 0) // V5
	b.PrependByteSlot(1, 1, 0)  // a schema
	b.PrependUOffsetTSlot(2, schema, 0)
	b.Finish(b.EndObject())
	body := b.FinishedBytes()
	for len(body)%8 != 0 {
		body = append(body, 0)
	}
	out := binary.LittleEndian.AppendUint32([]byte{0xff, 0xff, 0xff, 0xff}, uint32(len(body)))
	return append(append(out, body...), 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0)
}

// fields is a vector of so many columns, each a list of lists so deep. Where shared,
// each level has the next twice, and none of them more than once in the file.
func fields(b *flatbuffers.Builder, columns, depth int, shared bool) flatbuffers.UOffsetT {
	f := column(b, "person", nil)
	for range depth {
		children := []flatbuffers.UOffsetT{f}
		if shared {
			children = append(children, f)
		}
		f = column(b, "person", children)
	}
	all := make([]flatbuffers.UOffsetT, columns)
	for i := range all {
		all[i] = f
	}
	return vector(b, all)
}

// field is a vector of one column.
func field(b *flatbuffers.Builder, name string, _ int, children []flatbuffers.UOffsetT) flatbuffers.UOffsetT {
	return vector(b, []flatbuffers.UOffsetT{column(b, name, children)})
}

func vector(b *flatbuffers.Builder, of []flatbuffers.UOffsetT) flatbuffers.UOffsetT {
	b.StartVector(4, len(of), 4)
	for _, o := range slices.Backward(of) {
		b.PrependUOffsetT(o)
	}
	return b.EndVector(len(of))
}

// column is a field of type Int, or Struct where it has children.
func column(b *flatbuffers.Builder, name string, children []flatbuffers.UOffsetT) flatbuffers.UOffsetT {
	text := b.CreateString(name)
	kind, list := byte(2), flatbuffers.UOffsetT(0) // Int
	if children != nil {
		kind, list = 13, vector(b, children) // Struct_
	}
	b.StartObject(2)
	if children == nil {
		b.PrependInt32Slot(0, 64, 0)
		b.PrependBoolSlot(1, true, false)
	}
	of := b.EndObject()
	b.StartObject(7)
	b.PrependUOffsetTSlot(0, text, 0)
	b.PrependBoolSlot(1, true, false)
	b.PrependByteSlot(2, kind, 0)
	b.PrependUOffsetTSlot(3, of, 0)
	if list != 0 {
		b.PrependUOffsetTSlot(5, list, 0)
	}
	return b.EndObject()
}
