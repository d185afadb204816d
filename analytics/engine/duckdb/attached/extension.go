package attached

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/noised/noised/analytics/engine/duckdb/native"
)

// digests are the SHA-256 digests of the extension httpfs, as its publisher built it,
// by the version and the platform that it is for. It brings OpenSSL's encryption;
// what DuckDB has of its own writes nothing encrypted, unless it is told to be unsafe.
func digests() map[string]string {
	return map[string]string{
		"v1.5.5 linux/amd64": "887c392b1e49128d11667c81e3698d8b00dfdeb456771acf66d05a0f74f7b7d8",
	}
}

// CheckExtension refuses a file that is not the extension httpfs of the version of
// DuckDB that this program links, or that others could replace. DuckDB checks its
// publisher's signature besides, when it loads it.
func CheckExtension(path string) error {
	of := native.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH
	want, known := digests()[of]
	if !known {
		return fmt.Errorf("this program does not know the digest of the extension httpfs for DuckDB %s", of)
	}
	f, err := os.Open(path)
	if err != nil {
		return errors.Unwrap(err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if perm := info.Mode().Perm(); perm&0o022 != 0 {
		return fmt.Errorf("others may write to it (mode %#o)", perm)
	}
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return errors.New("it cannot be read")
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		return fmt.Errorf("its SHA-256 is %s, and that of the extension httpfs for DuckDB %s is %s", got, of, want)
	}
	return nil
}
