// Package upload reads what tenants send: it decompresses a file, finds the
// wanted columns in it, and makes it a relation that DuckDB can read.
//
// CSV, NDJSON and Parquet are read by DuckDB itself, with every property stated
// and nothing left to detection; an Arrow stream is rewritten as Parquet, batch by
// batch, first. Where DuckDB meets a record that it cannot read, a CSV or NDJSON
// file is read again by the scanners of package scan, which know lines, and
// rewritten with them: see [Source.Rewrite]. Values are not looked at here. They
// come out as the file has them, and the load casts them.
//
// Sizes are bounded before memory or disk is used, whatever a file claims.
// Messages name columns and lines and never hold a value.
package upload

import (
	"context"
	"fmt"
	"io"

	"github.com/noised/noised/ingest/duck"
	"github.com/noised/noised/ingest/segment"
	"github.com/noised/noised/ingest/shape"
	"github.com/noised/noised/privacy"
)

// Format is the format of an upload.
type Format string

// Encoding is the compression of an upload.
type Encoding string

// The formats and encodings of uploads.
const (
	FormatCSV     Format = "csv"
	FormatParquet Format = "parquet"
	FormatNDJSON  Format = "ndjson"
	FormatArrow   Format = "arrow"

	EncodingNone Encoding = ""
	EncodingGzip Encoding = "gzip"
	EncodingZstd Encoding = "zstd"
)

// HasLines reports whether rows are known by the line they begin on, and not by
// their number.
func (f Format) HasLines() bool { return f == FormatCSV || f == FormatNDJSON }

// Upload is a file to be read.
type Upload struct {
	Path     string
	Format   Format
	Encoding Encoding
	MaxBytes int64            // of the file once decompressed
	Wanted   []segment.Column // the columns to read, in order
	Dir      string           // for files that the rewriting makes

	// Open decrypts the file, if it is sealed. What reading such a file makes has no
	// name on the disk, and as much of it as Memory says is not there at all.
	Open   func(io.Reader) (io.Reader, error)
	Memory int64

	// Reject is told of each record that does not have the form of the format,
	// while the file is rewritten.
	Reject func(line int64, reason string)

	unnamed   []*scratch
	rewritten *scratch // of those, the one that is to be written yet
	held      int64    // bytes of them in memory
}

// Source describes the plain file at path to DuckDB.
func (u *Upload) Source(ctx context.Context, d *duck.DB, path string) (*Source, error) {
	switch u.Format {
	case FormatCSV:
		return u.csvSource(path)
	case FormatNDJSON:
		return u.ndjsonSource(path)
	case FormatParquet:
		if err := shape.Parquet(path, u.largest); err != nil {
			return nil, err
		}
		return u.parquetSource(ctx, d, path)
	case FormatArrow:
		return u.arrowSource(ctx, d, path)
	default:
		return nil, fmt.Errorf("unknown format")
	}
}

// largest is the most bytes that a file of a size may hold.
func (u *Upload) largest(size int64) int64 { return Largest(size, u.MaxBytes) }

// rejected is a refusal of the file that its sender can act upon.
func rejected(format string, args ...any) *privacy.Error {
	return privacy.Errorf(privacy.CodeLoadRejected, format, args...)
}
