package loading

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/command"
)

// openUpload opens a file to send; its size is 0 when unknown.
func openUpload(a *command.App, path string) (io.ReadCloser, int64, error) {
	if path == "-" {
		return io.NopCloser(a.Stdin), 0, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, fmt.Errorf("cannot read the file: %w", err)
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = errors.New(path + " is a directory")
	}
	if err != nil {
		f.Close()
		return nil, 0, fmt.Errorf("cannot read the file: %w", err)
	}
	return f, info.Size(), nil
}

// upload is how a file is sent.
type upload struct{ media, encoding string }

var uploadMedia = map[string]string{
	"csv":     wire.TypeCSV,
	"parquet": wire.TypeParquet,
	"ndjson":  wire.TypeNDJSON,
	"jsonl":   wire.TypeNDJSON,
	"arrow":   wire.TypeArrow,
	"arrows":  wire.TypeArrow,
}

// uploadKind reads a file's format and compression from its name, or from
// --file-format, which looks like the end of a name.
func uploadKind(path, format string) (upload, error) {
	name := strings.ToLower(filepath.Base(path))
	if format != "" {
		name = "." + strings.ToLower(strings.TrimPrefix(format, "."))
	}
	var u upload
	switch filepath.Ext(name) {
	case ".gz":
		u.encoding = "gzip"
	case ".zst":
		u.encoding = "zstd"
	}
	if u.encoding != "" {
		name = strings.TrimSuffix(name, filepath.Ext(name))
	}
	u.media = uploadMedia[strings.TrimPrefix(filepath.Ext(name), ".")]
	if u.media == "" {
		return u, command.Usagef("cannot tell the format of %s: name it with --file-format csv, parquet, ndjson or arrow", path)
	}
	return u, nil
}
