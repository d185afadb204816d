//go:build vault

package suite

import (
	"os"
	"path/filepath"
	"testing"
)

// extension returns the file of DuckDB's extension that encrypts data files, which
// make crypto fetches.
func extension(t testing.TB) string {
	t.Helper()
	path := os.Getenv("NOISED_VAULT_EXTENSION")
	if path == "" {
		cache, err := os.UserCacheDir()
		check(t, err)
		path = filepath.Join(cache, "noised/crypto-1.5.5/duckdb_extension_httpfs/extensions/v1.5.5/httpfs.duckdb_extension")
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v: make crypto fetches it", err)
	}
	return path
}
