package segment

import (
	"path"
	"strings"
)

// Encryption is what a worker needs to read and write segments that are encrypted.
// It goes to the worker over a pipe and nowhere else.
type Encryption struct {
	// Extension is the file of DuckDB's extension that encrypts. Without it files
	// can be read that are encrypted, and none written.
	Extension string `json:"extension,omitempty"`
	// Keys has the keys of files by their paths. A file that is read and has none is
	// plain. What is written without one is a scratch file, and gets a key of its own
	// that nobody else knows.
	Keys map[string][]byte `json:"keys,omitempty"`
}

// KeyName is the name of a segment's data key.
func KeyName(id string) string { return "segment:" + id }

// Named returns whose segment is at a path as RelPath makes them, and its id.
func Named(relative string) (tenant, id string, ok bool) {
	name, is := strings.CutSuffix(path.Base(relative), Extension)
	parts := strings.Split(relative, "/")
	switch {
	case !is || name == "":
		return "", "", false
	case len(parts) == 3 && parts[0] == "public":
		return "", name, true
	case len(parts) == 4 && parts[0] == "tenants":
		return parts[1], name, true
	}
	return "", "", false
}
