//go:build vault

package suite

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/noised/noised/ingest/duck"
	"github.com/noised/noised/ingest/segment"
)

// TestScratchIsEncrypted has a worker's DuckDB spill what does not fit, and write a
// scratch file, and searches both while they are in use. Without the extension the
// search must find what is there.
func TestScratchIsEncrypted(t *testing.T) {
	for _, c := range []struct {
		name  string
		with  segment.Encryption
		clear bool
	}{{"plain", segment.Encryption{}, true}, {"encrypted", segment.Encryption{Extension: extension(t)}, false}} {
		for _, stage := range []string{":memory:", "stage.duckdb"} {
			t.Run(c.name+"/"+stage, func(t *testing.T) {
				dir := t.TempDir()
				d, err := duck.Open(t.Context(), duck.Options{Dir: dir, Threads: 2, MemoryMB: 400, Encryption: c.with})
				check(t, err)
				defer d.Close()
				path := stage
				if stage != ":memory:" {
					path = filepath.Join(dir, stage)
				}
				check(t, d.Attach(t.Context(), path, "stage", false))
				check(t, d.Exec(t.Context(), `CREATE TABLE stage.main.t AS SELECT 'canary-' || md5(i::VARCHAR) || md5((i+1)::VARCHAR) || md5((i+2)::VARCHAR) AS text FROM range(3500000) r(i)`))
				var bytesOf int
				found := false
				check(t, filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
					if err != nil || !info.Mode().IsRegular() {
						return err
					}
					text, err := os.ReadFile(path)
					bytesOf += len(text)
					found = found || bytes.Contains(text, []byte("canary-"))
					return err
				}))
				if bytesOf < 50<<20 {
					t.Fatalf("only %d bytes were written", bytesOf)
				}
				if found != c.clear {
					t.Errorf("canaries are found: %v, in %d bytes", found, bytesOf)
				}
			})
		}
	}
}
