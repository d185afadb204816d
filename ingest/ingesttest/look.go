package ingesttest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"

	_ "github.com/duckdb/duckdb-go/v2" // reads segments

	"github.com/noised/noised/analytics/catalog"
)

// Query returns the one column of text that a query has of segments, which are attached
// as s0, s1 and so on.
func (h *House) Query(query string, segments ...catalog.Segment) []string {
	h.T.Helper()
	db, err := sql.Open("duckdb", "")
	h.Must(err)
	defer db.Close()
	db.SetMaxOpenConns(1)
	for i, seg := range segments {
		_, err := db.Exec(fmt.Sprintf("ATTACH '%s' AS s%d (READ_ONLY)", filepath.Join(h.Dir, seg.Path), i))
		h.Must(err)
	}
	rows, err := db.Query(query)
	h.Must(err)
	defer rows.Close()
	out := []string{}
	for rows.Next() {
		var s string
		h.Must(rows.Scan(&s))
		out = append(out, s)
	}
	h.Must(rows.Err())
	return out
}

// Holding returns the files of the house, or of some of its directories, that hold a
// text. Another process looks: one that opens and closes the store's file beside SQLite
// takes its locks away.
func (h *House) Holding(text string, under ...string) []string {
	h.T.Helper()
	if len(under) == 0 {
		under = []string{"."}
	}
	args := []string{"-rlaF", text}
	for _, dir := range under {
		args = append(args, filepath.Join(h.Dir, dir))
	}
	found, err := exec.Command("grep", args...).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 { // none does
		return nil
	}
	h.Must(err)
	return strings.Fields(string(found))
}

// Files returns the paths within the house of all files below one of its directories;
// none where there is no such directory.
func (h *House) Files(under string) []string {
	h.T.Helper()
	out := []string{}
	err := filepath.WalkDir(filepath.Join(h.Dir, under), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(h.Dir, path)
			out = append(out, filepath.ToSlash(rel))
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	h.Must(err)
	return out
}

// Number reads one whole number of the control store.
func (h *House) Number(query string, args ...any) (n int64) {
	h.T.Helper()
	h.Must(h.DB.QueryRowContext(context.Background(), query, args...).Scan(&n))
	return n
}
