package hostile

import (
	"bytes"
	"encoding/binary"
	"maps"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// table is the wholesome rows, with the city as it is given where that is not nil.
func table(rows int, city *string) (*arrow.Schema, arrow.RecordBatch) {
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "person", Type: arrow.PrimitiveTypes.Int64}, {Name: "city", Type: arrow.BinaryTypes.String, Nullable: true}, {Name: "rating", Type: arrow.PrimitiveTypes.Int8},
	}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	for i := range rows {
		person, place, rating := row(i)
		if city != nil {
			place = *city
		}
		b.Field(0).(*array.Int64Builder).Append(person)
		b.Field(1).(*array.StringBuilder).Append(place)
		b.Field(2).(*array.Int8Builder).Append(rating)
	}
	return schema, b.NewRecordBatch()
}

func wholeParquet() []byte {
	schema, rows := table(wholeRows, nil)
	return writeParquet(schema, rows, 1, compress.Codecs.Snappy)
}

// writeParquet writes the rows so many times.
func writeParquet(schema *arrow.Schema, rows arrow.RecordBatch, times int, codec compress.Compression) []byte {
	var b bytes.Buffer
	w, err := pqarrow.NewFileWriter(schema, &b, parquet.NewWriterProperties(parquet.WithCompression(codec)), pqarrow.DefaultWriterProps())
	if err != nil {
		panic(err)
	}
	for range times {
		if err := w.WriteBuffered(rows); err != nil {
			panic(err)
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// parquets are footers that no writer writes, and pages that hold more than there is.
func parquets(size int) (files []File) {
	add := func(name string, body []byte) {
		files = append(files, File{Name: "parquet, " + name, Format: Parquet, Body: body})
	}
	whole := wholeParquet()
	for name, length := range map[string]uint32{"no": 0, "a negative": 1 << 31, "a large": 1<<31 - 1, "the file's": uint32(len(whole)), "an odd": 7} {
		b := slices.Clone(whole)
		binary.LittleEndian.PutUint32(b[len(b)-8:], length)
		add(name+" length of the footer", b)
	}
	slices.SortFunc(files, func(a, b File) int { return bytes.Compare([]byte(a.Name), []byte(b.Name)) })
	add("magic alone", []byte("PAR1PAR1"))
	add("magic twice", []byte("PAR1\x00\x00\x00\x00PAR1"))
	add("an encrypted footer", append(slices.Clone(whole[:len(whole)-4]), "PARE"...))
	add("a footer before the rows", append(slices.Clone(whole[len(whole)/2:]), whole[len(whole)-400:]...))

	deep, wide := 100*size+1000, 100*size+21_000
	add("columns without end", footed(nil, metadata(schemaOf(wide, 1, "c"), 0, nil)))
	add("columns twice", footed(nil, metadata([]element{group("root", 3), leaf("person"), leaf("person"), leaf("person")}, 0, nil)))
	add("a column of a long name", footed(nil, metadata([]element{group("root", 1), leaf(string(bytes.Repeat([]byte{'n'}, 2000+1000*size)))}, 0, nil)))
	add("groups in groups", footed(nil, metadata(schemaOf(1, deep, "person"), 0, nil)))
	add("a group that holds itself", footed(nil, metadata([]element{group("root", 1<<30)}, 0, nil)))
	add("groups of more than there is", footed(nil, metadata([]element{group("root", 2), group("person", 1<<30), leaf("city")}, 0, nil)))
	add("children less than none", footed(nil, metadata([]element{group("root", -1), leaf("person")}, 0, nil)))
	add("a name of more bytes than there are", footed(nil, append(metadataHead(), 0x48, 0xff, 0xff, 0xff, 0xff, 0x07)))
	add("a list of more than there is", footed(nil, append(metadataHead()[:2], 0x19, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x07)))
	add("structures in structures", footed(nil, append(metadataHead(), bytes.Repeat([]byte{0x1c}, 50_000+1000*size)...)))
	add("lists in lists", footed(nil, append(append(metadataHead(), 0xf9), bytes.Repeat([]byte{0x19}, 50_000+1000*size)...)))

	columns := []element{group("root", 3), leaf("person"), leaf("city"), leaf("rating")}
	for name, c := range map[string]chunk{
		"rows elsewhere in the file":   {rows: 10, values: 10, size: 100, at: 0},
		"rows beyond the file":         {rows: 10, values: 10, size: 100, at: 1 << 40},
		"rows before the file":         {rows: 10, values: 10, size: 100, at: -8},
		"rows in the footer":           {rows: 10, values: 10, size: 1 << 20, at: 4},
		"more rows than there can be":  {rows: 1 << 62, values: 1 << 62, size: 100, at: 4},
		"less rows than none":          {rows: -1, values: -1, size: -1, at: 4},
		"a size of more than there is": {rows: 10, values: 10, size: 1 << 62, at: 4},
		"rows in another file":         {rows: 10, values: 10, size: 100, at: 4, file: "/etc/passwd"},
		"a page of two gigabytes":      {rows: 10, values: 10, size: 60, at: 4, page: pageHeader(0, 1<<31-1, 40, 10)},
		"a page less than nothing":     {rows: 10, values: 10, size: 60, at: 4, page: pageHeader(0, -5, -5, -5)},
		"a dictionary without end":     {rows: 10, values: 10, size: 60, at: 4, page: pageHeader(2, 1<<30, 40, 1<<31-1)},
		"values without end in a page": {rows: 1 << 40, values: 1 << 40, size: 60, at: 4, page: pageHeader(0, 40, 40, 1<<31-1)},
		"row groups without end":       {rows: 10, values: 10, size: 60, at: 4, groups: 20*size + 1000},
	} {
		body := append([]byte("PAR1"), append(c.page, bytes.Repeat([]byte{0x03}, 200)...)...)
		files = append(files, File{Name: "parquet, " + name, Format: Parquet, Body: footed(body[4:], metadata(columns, c.rows, &c))})
	}
	slices.SortFunc(files, func(a, b File) int { return bytes.Compare([]byte(a.Name), []byte(b.Name)) })
	if size > 1 {
		long := string(bytes.Repeat([]byte{'x'}, 1000))
		schema, rows := table(10_000, &long)
		add("a text that is stored once and read two million times", writeParquet(schema, rows, 200, compress.Codecs.Zstd))
		huge := string(bytes.Repeat([]byte{'x'}, 64<<20))
		schema, rows = table(2, &huge)
		add("texts of 64 MB", writeParquet(schema, rows, 4, compress.Codecs.Zstd))
	}
	return files
}
