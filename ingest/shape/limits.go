package shape

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"

	"github.com/noised/noised/ingest/scan"
)

// Limits on the shape of a file, whatever its format. Tables that people make are
// far from them; what is beyond is made to keep a reader busy.
const (
	maxColumns = 10_000
	maxName    = 1 << 10 // bytes of a column's name
	MaxDepth   = 64      // lists and structures in each other
)

// Names refuses a file with more columns or longer names than tables have.
func Names(names []string) error {
	if len(names) > maxColumns {
		return rejected("the file has %d columns; at most %d are read", len(names), maxColumns)
	}
	for i, name := range names {
		if len(name) > maxName {
			return rejected("the name of column %d of the file is %d bytes long; at most %d are read", i+1, len(name), maxName)
		}
	}
	return nil
}

// AnyDeep reports whether some line of a file nests deeper than lines may. It is asked
// before another reader than ours sees the file.
func AnyDeep(path string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer func() { _ = f.Close() }()
	r := bufio.NewReaderSize(f, 2*scan.MaxRecord)
	for {
		line, err := r.ReadSlice('\n')
		if Deep(line) || errors.Is(err, bufio.ErrBufferFull) {
			return true, nil // or longer than a line may be
		}
		if errors.Is(err, io.EOF) {
			return false, nil
		} else if err != nil {
			return false, err
		}
	}
}

// Deep reports whether a line of JSON nests lists and objects deeper than maxDepth.
func Deep(line []byte) bool {
	if bytes.Count(line, []byte("["))+bytes.Count(line, []byte("{")) <= MaxDepth {
		return false
	}
	depth, text := 0, false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case text && c == '\\':
			i++
		case c == '"':
			text = !text
		case text:
		case c == '[' || c == '{':
			if depth++; depth > MaxDepth {
				return true
			}
		case c == ']' || c == '}':
			depth--
		}
	}
	return false
}
