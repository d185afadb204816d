package erase_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/noised/noised/analytics/lineage"
	"github.com/noised/noised/analytics/release"
	"github.com/noised/noised/ingest/ingesttest"
	"github.com/noised/noised/privacy"
)

// A release of a generation that people were erased from comes from the same loads as
// one of before, and its tenant sees that; another tenant of the same name does not.
func TestLineageGoesThroughErasures(t *testing.T) {
	h := newHouse(t, "tenant", "bigint")
	h.Start()
	h.load("customer", customers(100, 110, true))
	first := h.load("customer", customers(0, 10, true), replacing)
	h.erase("7777")
	second := h.load("customer", customers(10, 20, true))
	h.erase("7777")
	id := privacy.NewID("rel")
	h.Must(h.DB.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		core := release.Core{Key: id, Charge: id, Noised: []byte("core"), Release: release.Release{ID: id, Dataset: "shop", ContractVersion: 1, CreatedAt: time.Now()}}
		if err := release.New(h.DB).Put(ctx, tx, core); err != nil {
			return err
		}
		return lineage.Note(ctx, tx, id, lineage.Reads{Tables: []string{"customer"}, Generations: map[string]string{"a": h.head().ID}})
	}))
	store := lineage.New(h.DB)
	got, err := store.ForTenant(t.Context(), "a", id)
	h.Must(err)
	if len(got.Loads) != 2 || got.Loads[0].ID != first.ID || got.Loads[1].ID != second.ID || !got.Complete {
		t.Errorf("%+v", got)
	}
	fed, err := store.FromLoad(t.Context(), "a", first.ID)
	h.Must(err)
	if len(fed.Releases) != 1 || fed.Releases[0].Release != id {
		t.Errorf("%+v", fed)
	}
	h.Must(h.Catalog.DeleteTenant(t.Context(), "a", operator))
	_, err = h.Catalog.CreateTenant(t.Context(), "a", "", operator)
	h.Must(err)
	_, err = store.ForTenant(t.Context(), "a", id)
	ingesttest.WantCode(t, err, privacy.CodeNotFound)
}
