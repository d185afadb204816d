package main

import (
	"context"
	"os"
	"path/filepath"
)

// backup rehearses the theft of a copy of the data directory: what it gives without
// the keyset and with it, and that it cannot take the original's place.
func (h *rehearsal) backup(ctx context.Context) error {
	s, err := h.stage(ctx)
	if s != nil && s.Server != nil {
		defer func() { _ = s.Kill() }()
	}
	if err != nil {
		return err
	}
	if _, err := s.ask(ctx, s.Server, s.Analyst); err != nil {
		return err
	}
	if err := s.Stop(); err != nil {
		return err
	}
	copied := filepath.Join(h.dir, "copy")
	if err := os.CopyFS(copied, os.DirFS(s.data)); err != nil {
		return err
	}
	if err := os.Chmod(copied, 0o700); err != nil {
		return err
	}
	if err := h.withoutKeyset(ctx, s, copied); err != nil {
		return err
	}
	if err := h.withKeyset(ctx, s); err != nil {
		return err
	}

	// Something happens after the backup, so that the copy is older.
	if s.Server, err = h.Start(ctx, s.data, h.flags()...); err != nil {
		return err
	}
	if _, err = s.askFor(ctx, s.Server, s.Analyst, another); err != nil {
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
	if err := lend(s.data, copied); err != nil {
		return err
	}
	h.holds("the copy is refused in place of the original, with its keyset too",
		refusedFor("older than its high-water mark", h.serve(ctx, copied, h.flags()...)))
	s.Server, err = h.Start(ctx, s.data, h.flags()...)
	h.holds("the original is served as before", err)
	return err
}
