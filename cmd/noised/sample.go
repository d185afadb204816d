package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// Files of the demonstration, in testdata/ or --data.
const (
	sampleFile     = "insteval.parquet"
	sampleContract = "insteval.yaml"
)

// rating is one row of the public sample: a student's verdict on a lecture.
type rating struct {
	student, lecturer               int64
	studage, lectage, service, dept string
	rating                          int8
}

// sample is the public sample, which the demonstration holds in the clear in
// order to show what the server makes of it.
type sample struct{ rows []rating }

// readSample reads the sample's Parquet file.
func readSample(ctx context.Context, dir string) (*sample, error) {
	f, err := os.Open(filepath.Join(dir, sampleFile))
	if err != nil {
		return nil, fmt.Errorf("cannot read the sample data: %w\nRun from the repository, or name the directory with --data", err)
	}
	defer f.Close()
	in, err := file.NewParquetReader(f)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", f.Name(), err)
	}
	reader, err := pqarrow.NewFileReader(in, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", f.Name(), err)
	}
	table, err := reader.ReadTable(ctx)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", f.Name(), err)
	}
	defer table.Release()
	return sampleOf(table)
}

func sampleOf(table arrow.Table) (*sample, error) {
	s := &sample{}
	rows := array.NewTableReader(table, 1<<20)
	defer rows.Release()
	for rows.Next() {
		rec := rows.RecordBatch()
		ints := func(name string) (*array.Int64, bool) { c, ok := column(rec, name).(*array.Int64); return c, ok }
		texts := func(name string) (*array.String, bool) { c, ok := column(rec, name).(*array.String); return c, ok }
		student, ok1 := ints("student")
		lecturer, ok2 := ints("lecturer")
		studage, ok3 := texts("studage")
		lectage, ok4 := texts("lectage")
		service, ok5 := texts("service")
		dept, ok6 := texts("dept")
		score, ok7 := column(rec, "rating").(*array.Int8)
		if !(ok1 && ok2 && ok3 && ok4 && ok5 && ok6 && ok7) {
			return nil, fmt.Errorf("%s does not have the sample's columns: student, lecturer, studage, lectage, service, dept, rating", sampleFile)
		}
		for i := range int(rec.NumRows()) {
			s.rows = append(s.rows, rating{
				student: student.Value(i), lecturer: lecturer.Value(i),
				studage: studage.Value(i), lectage: lectage.Value(i),
				service: service.Value(i), dept: dept.Value(i), rating: score.Value(i),
			})
		}
	}
	return s, rows.Err()
}

func column(rec arrow.RecordBatch, name string) arrow.Array {
	at := rec.Schema().FieldIndices(name)
	if len(at) != 1 {
		return nil
	}
	return rec.Column(at[0])
}

// departments returns the sample's departments as tenant names, dept_1 first.
func (s *sample) departments() []string {
	seen := map[string]bool{}
	for _, r := range s.rows {
		seen[tenantOf(r)] = true
	}
	names := make([]string, 0, len(seen))
	for n := range seen {
		names = append(names, n)
	}
	slices.SortFunc(names, func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b) // dept_2 before dept_10
		}
		return bytes.Compare([]byte(a), []byte(b))
	})
	return names
}

func tenantOf(r rating) string { return "dept_" + r.dept }

// sampleSchema is that of one department's file. The department's number is
// left in: the contract does not declare it, so the load will say that it
// ignored it.
var sampleSchema = arrow.NewSchema([]arrow.Field{
	{Name: "student", Type: arrow.PrimitiveTypes.Int64},
	{Name: "lecturer", Type: arrow.PrimitiveTypes.Int64},
	{Name: "studage", Type: arrow.BinaryTypes.String},
	{Name: "lectage", Type: arrow.BinaryTypes.String},
	{Name: "service", Type: arrow.BinaryTypes.String},
	{Name: "dept", Type: arrow.BinaryTypes.String},
	{Name: "rating", Type: arrow.PrimitiveTypes.Int8},
}, nil)

// parquetOf returns one department's rows as a Parquet file.
func (s *sample) parquetOf(tenant string) ([]byte, int, error) {
	b := array.NewRecordBuilder(memory.DefaultAllocator, sampleSchema)
	defer b.Release()
	n := 0
	for _, r := range s.rows {
		if tenantOf(r) != tenant {
			continue
		}
		n++
		b.Field(0).(*array.Int64Builder).Append(r.student)
		b.Field(1).(*array.Int64Builder).Append(r.lecturer)
		for i, text := range []string{r.studage, r.lectage, r.service, r.dept} {
			b.Field(2 + i).(*array.StringBuilder).Append(text)
		}
		b.Field(6).(*array.Int8Builder).Append(r.rating)
	}
	rec := b.NewRecordBatch()
	defer rec.Release()
	var out bytes.Buffer
	w, err := pqarrow.NewFileWriter(sampleSchema, &out,
		parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Zstd)), pqarrow.DefaultWriterProps())
	if err != nil {
		return nil, 0, fmt.Errorf("cannot write a department's file: %w", err)
	}
	if err := w.Write(rec); err != nil {
		return nil, 0, fmt.Errorf("cannot write a department's file: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, 0, fmt.Errorf("cannot write a department's file: %w", err)
	}
	return out.Bytes(), n, nil
}
