// Package sample reads the public sample, InstEval, and splits it into the
// departments' files. The demonstration, the end-to-end tests and the benchmark
// hold it in the clear, to set what the server answers beside what is true.
package sample

import (
	"bytes"
	"cmp"
	"context"
	_ "embed" // the contract
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// Contract is the contract under which the departments contribute.
//
//go:embed insteval.yaml
var Contract []byte

// Rating is one row of the sample: a student's verdict on a lecture.
type Rating struct {
	Row                             int // its place in the sample, from 0
	Student, Lecturer               int64
	StudAge, LectAge, Service, Dept string
	Rating                          int8
}

// Tenant names the department's tenant.
func (r Rating) Tenant() string { return "dept_" + r.Dept }

// Ratings are the rows of the sample, or some of them.
type Ratings []Rating

// Read reads the sample's Parquet file.
func Read(ctx context.Context, path string) (Ratings, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	in, err := file.NewParquetReader(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	reader, err := pqarrow.NewFileReader(in, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	table, err := reader.ReadTable(ctx)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	defer table.Release()
	return ratingsOf(table)
}

func ratingsOf(table arrow.Table) (Ratings, error) {
	rows := array.NewTableReader(table, 1<<20)
	defer rows.Release()
	var s Ratings
	for rows.Next() {
		c := columns{rec: rows.RecordBatch()}
		student, lecturer := c.ints("student"), c.ints("lecturer")
		studage, lectage, service, dept := c.texts("studage"), c.texts("lectage"), c.texts("service"), c.texts("dept")
		rating, ok := c.column("rating").(*array.Int8)
		if c.missing != "" || !ok {
			return nil, fmt.Errorf("the sample lacks column %s, or it has another type", cmp.Or(c.missing, "rating"))
		}
		for i := range int(c.rec.NumRows()) {
			s = append(s, Rating{
				Row: len(s), Student: student.Value(i), Lecturer: lecturer.Value(i), StudAge: studage.Value(i), LectAge: lectage.Value(i),
				Service: service.Value(i), Dept: dept.Value(i), Rating: rating.Value(i),
			})
		}
	}
	return s, rows.Err()
}

// columns finds columns by name and remembers the first that is not there.
type columns struct {
	rec     arrow.RecordBatch
	missing string
}

func (c *columns) column(name string) arrow.Array {
	at := c.rec.Schema().FieldIndices(name)
	if len(at) != 1 {
		c.missing = cmp.Or(c.missing, name)
		return nil
	}
	return c.rec.Column(at[0])
}

func (c *columns) ints(name string) *array.Int64 {
	col, ok := c.column(name).(*array.Int64)
	if !ok {
		c.missing = cmp.Or(c.missing, name)
	}
	return col
}

func (c *columns) texts(name string) *array.String {
	col, ok := c.column(name).(*array.String)
	if !ok {
		c.missing = cmp.Or(c.missing, name)
	}
	return col
}

// Tenants returns the departments' tenants in order of department.
func (s Ratings) Tenants() []string {
	number := map[string]int{}
	for _, r := range s {
		number[r.Tenant()], _ = strconv.Atoi(r.Dept) // not a number: sorted by name
	}
	return slices.SortedFunc(maps.Keys(number), func(a, b string) int {
		return cmp.Or(cmp.Compare(number[a], number[b]), cmp.Compare(a, b))
	})
}

// Without returns the sample without one student.
func (s Ratings) Without(student int64) Ratings {
	return slices.DeleteFunc(slices.Clone(s), func(r Rating) bool { return r.Student == student })
}

// Measure is a further column of the departments' files: one value per row, or
// nil for NULL.
type Measure struct {
	Name  string
	Value func(Rating) *int8
}

// schema is that of one department's file. The department's number is left in:
// the contract does not declare it, so the load says that it ignored it.
func schema(more []Measure) *arrow.Schema {
	fields := []arrow.Field{
		{Name: "student", Type: arrow.PrimitiveTypes.Int64},
		{Name: "lecturer", Type: arrow.PrimitiveTypes.Int64},
		{Name: "studage", Type: arrow.BinaryTypes.String},
		{Name: "lectage", Type: arrow.BinaryTypes.String},
		{Name: "service", Type: arrow.BinaryTypes.String},
		{Name: "dept", Type: arrow.BinaryTypes.String},
		{Name: "rating", Type: arrow.PrimitiveTypes.Int8},
	}
	for _, m := range more {
		fields = append(fields, arrow.Field{Name: m.Name, Type: arrow.PrimitiveTypes.Int8, Nullable: true})
	}
	return arrow.NewSchema(fields, nil)
}

// Files returns one Parquet file per department, by tenant, with further
// columns if there are any.
func (s Ratings) Files(more ...Measure) (map[string][]byte, error) {
	byTenant := map[string]Ratings{}
	for _, r := range s {
		byTenant[r.Tenant()] = append(byTenant[r.Tenant()], r)
	}
	files := map[string][]byte{}
	for tenant, rows := range byTenant {
		var err error
		if files[tenant], err = rows.parquet(more); err != nil {
			return nil, err
		}
	}
	return files, nil
}

func (s Ratings) parquet(more []Measure) ([]byte, error) {
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema(more))
	defer b.Release()
	for _, r := range s {
		b.Field(0).(*array.Int64Builder).Append(r.Student)
		b.Field(1).(*array.Int64Builder).Append(r.Lecturer)
		for i, text := range []string{r.StudAge, r.LectAge, r.Service, r.Dept} {
			b.Field(2 + i).(*array.StringBuilder).Append(text)
		}
		b.Field(6).(*array.Int8Builder).Append(r.Rating)
		for i, m := range more {
			if v := m.Value(r); v == nil {
				b.Field(7 + i).AppendNull()
			} else {
				b.Field(7 + i).(*array.Int8Builder).Append(*v)
			}
		}
	}
	rec := b.NewRecordBatch()
	defer rec.Release()
	return Parquet(rec)
}

// Parquet writes a record batch as a Parquet file.
func Parquet(rec arrow.RecordBatch) ([]byte, error) {
	var out bytes.Buffer
	w, err := pqarrow.NewFileWriter(rec.Schema(), &out,
		parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Zstd)), pqarrow.DefaultWriterProps())
	if err != nil {
		return nil, fmt.Errorf("write parquet: %w", err)
	}
	if err := w.Write(rec); err != nil {
		return nil, fmt.Errorf("write parquet: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("write parquet: %w", err)
	}
	return out.Bytes(), nil
}
