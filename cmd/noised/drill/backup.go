package main

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/noised/noised/cmd/noised/internal/blackbox"
	"github.com/noised/noised/privacy/controldb"
)

// backup rehearses the theft of a copy of the data directory: what it gives, and
// that it cannot take the original's place.
func (h *rehearsal) backup(ctx context.Context) error {
	s, err := h.stage(ctx)
	if s != nil && s.Server != nil {
		defer func() { _ = s.Kill() }()
	}
	if err != nil {
		return err
	}
	if err := s.Stop(); err != nil {
		return err
	}
	copied := filepath.Join(h.dir, "copy")
	if err := blackbox.CopyDir(s.data, copied); err != nil {
		return err
	}
	keys := []string{s.Operator, s.Analyst}
	for _, m := range []map[string]string{s.Admin, s.Budget, s.Loader} {
		for _, k := range m {
			keys = append(keys, k)
		}
	}
	h.holds("no API key is in the copy, only hashes", absent(copied, keys...))
	h.holds("no id of a person is in the copy", absent(copied, canary))
	if err := h.whatACopyGives(ctx, copied); err != nil {
		return err
	}

	// Something happens after the backup, so that the copy is older.
	if s.Server, err = h.Start(ctx, s.data, h.flags()...); err != nil {
		return err
	}
	if _, err = s.ask(ctx, s.Server, s.Analyst); err != nil {
		return err
	}
	operator, err := s.API(s.Operator)
	if err != nil {
		return err
	}
	issued, err := operator.Keys(ctx)
	if err != nil {
		return err
	}
	for _, k := range issued.Items {
		if k.Principal != k.ID || k.Role == "operator" {
			continue
		}
		if _, err := operator.RotateKey(ctx, k.ID, "0s"); err != nil {
			return err
		}
	}
	for name, k := range map[string]string{"an analyst's": s.Analyst, "a tenant admin's": s.Admin["alpha"], "a contributor's": s.Loader["beta"]} {
		api, err := s.API(k)
		if err != nil {
			return err
		}
		_, err = api.Datasets(ctx)
		h.holds("after all keys were replaced, "+name+" of the copy is refused", refusedAs("unauthenticated", err))
	}
	if err := s.Stop(); err != nil {
		return err
	}
	h.holds("the copy is refused in place of the original", h.refusesToServe(ctx, copied))
	s.Server, err = h.Start(ctx, s.data, h.flags()...)
	h.holds("the original is served as before", err)
	return err
}

// whatACopyGives says what reading the files tells.
func (h *rehearsal) whatACopyGives(ctx context.Context, dir string) error {
	db, err := controldb.Open(ctx, filepath.Join(dir, "control.db"))
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	var secrets, rows, segments int64
	if err := db.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM dataset_secrets), (SELECT coalesce(sum(rows), 0) FROM segments), (SELECT count(*) FROM segments)`).
		Scan(&secrets, &rows, &segments); err != nil {
		return err
	}
	h.exposed("%d rows in %d files that anybody with DuckDB reads, with pseudonyms in place of people", rows, segments)
	h.exposed("%d keys of pseudonyms, with which a person whose id is known is found: nothing is encrypted here, so encrypt the disk and its backups", secrets)
	h.exposed("budgets, the log, contracts, questions that were asked and stored answers")
	h.exposed("a server can be started on the copy, elsewhere and without the mark: who has the files needs no server")
	return nil
}

// refusesToServe checks that no server starts on a directory in the original's
// place.
func (h *rehearsal) refusesToServe(ctx context.Context, dir string) error {
	server, err := h.Start(ctx, dir, h.flags()...)
	if err == nil {
		_ = server.Kill()
		return fmt.Errorf("it is served")
	}
	return that(strings.Contains(err.Error(), "refusing to serve"), "%s", err)
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
