package loading

import (
	"testing"

	"github.com/noised/noised/api/wire"
)

func TestUploadKindFollowsTheName(t *testing.T) {
	for _, c := range []struct{ path, format, media, encoding string }{
		{"a.csv", "", wire.TypeCSV, ""},
		{"A.CSV.GZ", "", wire.TypeCSV, "gzip"},
		{"dir.csv/b.parquet", "", wire.TypeParquet, ""},
		{"c.jsonl.zst", "", wire.TypeNDJSON, "zstd"},
		{"d.arrows", "", wire.TypeArrow, ""},
		{"-", "ndjson.gz", wire.TypeNDJSON, "gzip"},
		{"data.bin", "csv", wire.TypeCSV, ""},
	} {
		got, err := uploadKind(c.path, c.format)
		if err != nil || got != (upload{c.media, c.encoding}) {
			t.Errorf("uploadKind(%q, %q) = %+v, %v", c.path, c.format, got, err)
		}
	}
	for _, path := range []string{"-", "a", "a.gz", "a.txt", ".csv.bz2"} {
		if got, err := uploadKind(path, ""); err == nil {
			t.Errorf("uploadKind(%q) = %+v, want an error", path, got)
		}
	}
}
