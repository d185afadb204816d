package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	_ "github.com/duckdb/duckdb-go/v2" // which every thief has

	"github.com/noised/noised/cmd/noised/internal/blackbox"
	"github.com/noised/noised/privacy/controldb"
)

// withoutKeyset says what a copy of the data directory gives to whoever has only that.
func (h *rehearsal) withoutKeyset(ctx context.Context, s *scene, copied string) error {
	keys := []string{s.Operator, s.Analyst}
	for _, m := range []map[string]string{s.Admin, s.Budget, s.Loader} {
		for _, k := range m {
			keys = append(keys, k)
		}
	}
	h.holds("no API key is in the copy, only hashes", absent(copied, keys...))
	h.holds("no id of a person is in the copy", absent(copied, canary))
	h.holds("no question and no rejected row is in it in clear", absent(copied, canaryAlias, canaryReject))
	h.holds("without the keyset no server starts on it, elsewhere and without the mark",
		refusedFor("is encrypted and its keyset", h.serve(ctx, copied, h.extension()...)))
	h.holds("none is made for it", refusedFor("a new one would not open it", h.Run(ctx, "keyring", "init", "--data-dir", copied)))
	own := filepath.Join(h.dir, "own")
	if err := h.Run(ctx, "init", "--data-dir", own, "--keyset", copied+".keyset"); err != nil {
		return err
	}
	h.holds("a keyset of the thief's own does not open it", refusedFor("does not open the data keys", h.serve(ctx, copied, h.extension()...)))
	if err := errors.Join(os.RemoveAll(own), os.Remove(copied+".keyset")); err != nil {
		return err
	}
	opened, files, err := openable(copied)
	if err != nil {
		return err
	}
	if h.crypto == "" {
		h.exposed("%d of %d data files, which anybody with DuckDB reads, with pseudonyms in place of people: the server was given no extension that encrypts them", opened, files)
	} else {
		h.holds("DuckDB opens none of its data files", that(opened == 0 && files > 0, "it opens %d of %d", opened, files))
	}
	h.exposed("without the keyset: budgets, contracts, names, counters and the log")
	return nil
}

// withKeyset says what a copy gives to whoever has the keyset too: why the two are
// kept apart.
func (h *rehearsal) withKeyset(ctx context.Context, s *scene) error {
	dir := filepath.Join(h.dir, "both")
	if err := blackbox.CopyDir(s.data, dir); err != nil {
		return err
	}
	server, err := h.Start(ctx, dir, h.extension()...)
	h.holds("with the keyset a server starts on a copy, elsewhere and without the mark", err)
	if err != nil {
		return err
	}
	defer func() { _ = server.Kill() }()
	_, err = s.askFor(ctx, server, s.Analyst, another)
	h.holds("and reads its rows", err)
	if err := server.Stop(); err != nil {
		return err
	}
	db, err := controldb.Open(ctx, filepath.Join(dir, "control.db"))
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	var secrets, rows int64
	if err := db.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM dataset_secrets), (SELECT coalesce(sum(rows), 0) FROM segments)`).Scan(&secrets, &rows); err != nil {
		return err
	}
	h.exposed("with the keyset: %d rows, with pseudonyms in place of people", rows)
	h.exposed("with the keyset: %d keys of pseudonyms, with which a person whose id is known is found", secrets)
	h.exposed("with the keyset: questions that were asked, stored answers and rejected rows. So keep copies of the keyset apart from those of the data")
	return nil
}

// lend puts a copy of one directory's keyset beside another.
func lend(from, to string) error {
	text, err := os.ReadFile(from + ".keyset")
	if err != nil {
		return err
	}
	return os.WriteFile(to+".keyset", text, 0o600)
}

// openable counts the data files of a directory, and those that DuckDB opens.
func openable(dir string) (opened, files int, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || filepath.Ext(path) != ".duckdb" {
			return err
		}
		files++
		if opens(path) {
			opened++
		}
		return nil
	})
	return opened, files, err
}

func opens(path string) bool {
	db, err := sql.Open("duckdb", path+"?access_mode=read_only")
	if err != nil {
		return false
	}
	defer func() { _ = db.Close() }()
	return db.Ping() == nil
}

// serve returns why a server does not start. One that does is ended at once.
func (h *rehearsal) serve(ctx context.Context, dir string, flags ...string) error {
	server, err := h.Start(ctx, dir, flags...)
	if err == nil {
		return server.Kill()
	}
	return err
}

// refusedFor turns the error of something that must be refused for a reason into that
// of the check.
func refusedFor(why string, err error) error {
	switch {
	case err == nil:
		return errors.New("it is not refused")
	case !strings.Contains(err.Error(), why):
		return fmt.Errorf("it ended with %w, and not for: %s", err, why)
	}
	return nil
}

// absent checks that no file holds one of some texts.
func absent(dir string, texts ...string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, text := range texts {
			if bytes.Contains(content, []byte(text)) {
				return fmt.Errorf("%s holds one", filepath.Base(path))
			}
		}
		return nil
	})
}
