package upload

import (
	"bufio"
	"context"
	"errors"
	"os"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/noised/noised/ingest/duck"
	"github.com/noised/noised/ingest/shape"
)

// Limits on what one message of an Arrow stream may make us allocate.
const (
	maxArrowBody   = 256 << 20
	maxArrowMemory = 384 << 20
)

// arrowAsParquet rewrites an Arrow IPC stream as a Parquet file with the wanted
// columns, holding one record batch at a time.
func (u *Upload) arrowAsParquet(ctx context.Context, path string) (out string, ignored []string, err error) {
	defer func() {
		if p := recover(); p != nil {
			if p != any(errBatchTooLarge) {
				// The reader trusts lengths that a damaged stream gets wrong.
				err = rejected("the file is a damaged Arrow stream")
				return
			}
			err = errBatchTooLarge
		}
	}()
	if err := shape.ArrowStream(path); err != nil {
		return "", nil, err
	}
	in, err := os.Open(path)
	if err != nil {
		return "", nil, err
	}
	defer func() { _ = in.Close() }()
	r, err := ipc.NewReader(bufio.NewReaderSize(&contextReader{ctx: ctx, r: in}, 1<<20),
		ipc.WithAllocator(&limitedAllocator{left: maxArrowMemory}),
		ipc.WithBodySizeLimit(maxArrowBody), ipc.WithMetadataSizeLimit(shape.MaxArrowMetadata))
	if err != nil {
		return "", nil, u.notArrow(ctx, err)
	}
	defer r.Release()
	names := make([]string, 0, r.Schema().NumFields())
	for _, f := range r.Schema().Fields() {
		names = append(names, f.Name)
	}
	at, ignored, err := match(u.Wanted, names)
	if err != nil {
		return "", nil, err
	}
	out, err = u.transcode(ctx, r, at)
	return out, ignored, err
}

func (u *Upload) transcode(ctx context.Context, r *ipc.Reader, at []int) (out string, err error) {
	fields := make([]arrow.Field, len(at))
	for i, c := range u.Wanted {
		f := r.Schema().Field(at[i])
		if !isScalar(f.Type) {
			return "", rejected("column %s has the Arrow type %s, which cannot be read as %s", c.Name, f.Type.Name(), c.Type)
		}
		fields[i] = arrow.Field{Name: c.Name, Type: f.Type, Nullable: true}
	}
	schema := arrow.NewSchema(fields, nil)
	f, err := u.create("arrow.parquet")
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	disk := &diskWriter{w: f}
	props := parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Snappy), parquet.WithDictionaryDefault(false), parquet.WithStats(false))
	w, err := pqarrow.NewFileWriter(schema, disk, props, pqarrow.NewArrowWriterProperties())
	if err != nil {
		return "", rejected("the columns of the Arrow stream have types that are not supported")
	}
	for r.Next() {
		if err := writeBatch(w, schema, r.RecordBatch(), at); err != nil {
			if disk.err != nil {
				return "", disk.err
			}
			return "", rejected("the file is a damaged Arrow stream, or has types that are not supported")
		}
	}
	if err := r.Err(); err != nil {
		return "", u.notArrow(ctx, err)
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	return f.path, nil
}

func writeBatch(w *pqarrow.FileWriter, schema *arrow.Schema, batch arrow.RecordBatch, at []int) error {
	columns := make([]arrow.Array, len(at))
	for i, j := range at {
		columns[i] = batch.Column(j)
		if columns[i].Len() != int(batch.NumRows()) {
			return errors.New("column lengths differ")
		}
	}
	if batch.NumRows() == 0 {
		return nil
	}
	chosen := array.NewRecordBatch(schema, columns, batch.NumRows())
	defer chosen.Release()
	return w.Write(chosen)
}

// isScalar reports whether a type holds one value that Parquet can hold too.
func isScalar(t arrow.DataType) bool {
	if d, ok := t.(*arrow.DictionaryType); ok {
		t = d.ValueType
	}
	switch t.ID() {
	case arrow.NULL, arrow.BOOL,
		arrow.INT8, arrow.INT16, arrow.INT32, arrow.INT64, arrow.UINT8, arrow.UINT16, arrow.UINT32, arrow.UINT64,
		arrow.FLOAT32, arrow.FLOAT64, arrow.DECIMAL128, arrow.DECIMAL256,
		arrow.STRING, arrow.LARGE_STRING, arrow.BINARY, arrow.LARGE_BINARY,
		arrow.DATE32, arrow.DATE64, arrow.TIMESTAMP:
		return true
	default:
		return false
	}
}

func (u *Upload) notArrow(ctx context.Context, err error) error {
	if known := duck.Environment(ctx, u.Dir, err); known != nil {
		return known
	}
	return shape.ErrNotStream
}

var errBatchTooLarge = rejected("a record batch of the Arrow stream needs more than %d MB: write smaller batches", maxArrowMemory>>20)

// limitedAllocator refuses, by a panic that arrowAsParquet recovers, to hold
// more than its limit: a compressed buffer may claim any size.
type limitedAllocator struct {
	memory.GoAllocator
	left int64
}

func (a *limitedAllocator) take(n int) {
	if a.left -= int64(n); a.left < 0 {
		panic(errBatchTooLarge)
	}
}

// Allocate implements memory.Allocator.
func (a *limitedAllocator) Allocate(size int) []byte {
	a.take(size)
	return a.GoAllocator.Allocate(size)
}

// Reallocate implements memory.Allocator.
func (a *limitedAllocator) Reallocate(size int, b []byte) []byte {
	a.take(size - len(b))
	return a.GoAllocator.Reallocate(size, b)
}

// Free implements memory.Allocator.
func (a *limitedAllocator) Free(b []byte) {
	a.left += int64(len(b))
	a.GoAllocator.Free(b)
}

// arrowSource describes an Arrow IPC stream.
func (u *Upload) arrowSource(ctx context.Context, d *duck.DB, path string) (*Source, error) {
	out, ignored, err := u.arrowAsParquet(ctx, path)
	if err != nil {
		return nil, err
	}
	src, err := u.parquetSource(ctx, d, out)
	if err != nil {
		return nil, err
	}
	src.Ignored = ignored
	return src, nil
}
