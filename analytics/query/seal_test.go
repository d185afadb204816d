package query_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/noised/noised/analytics/kept"
	"github.com/noised/noised/analytics/question"
	"github.com/noised/noised/analytics/showing"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/keyring"
	"github.com/noised/noised/privacy/keyring/keyringtest"
)

// seal gives the house keys.
func (h *house) seal() { h.sealUnder(keyringtest.Wrapper{}) }

func (h *house) sealUnder(kek keyring.Wrapper) {
	o := h.options
	o.Keys = keyring.New(h.db, kek, time.Now)
	o.Store.WithKeys(o.Keys)
	h.open(o)
}

// book is what charges keep, as the house reads it.
func (h *house) book() *kept.Book { return &kept.Book{Ledger: h.ledger, Keys: h.options.Keys} }

// sealPlain seals what was there before.
func (h *house) sealPlain() (n int) {
	h.t.Helper()
	h.must(h.db.InTx(h.t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		charges, err := h.book().SealPlain(ctx, tx, 100)
		if err != nil {
			return err
		}
		releases, err := h.options.Store.SealPlain(ctx, tx, 100)
		n = charges + releases
		return err
	}))
	return n
}

// stored is everything that charges keep of requests.
func (h *house) stored() string {
	h.t.Helper()
	rows, err := h.db.QueryContext(h.t.Context(), `SELECT key || ' ' || coalesce(payload, '') FROM charges UNION ALL SELECT request_key || ' ' || coalesce(payload, '') FROM charge_requests
		UNION ALL SELECT sql || ' ' || result FROM release_readers UNION ALL SELECT key || ' ' || core FROM releases`)
	h.must(err)
	defer rows.Close()
	var all strings.Builder
	for rows.Next() {
		var text []byte
		h.must(rows.Scan(&text))
		all.Write(text)
	}
	h.must(rows.Err())
	return all.String()
}

// TestRequestsAreSealed: of a request nothing is stored that could be read, or that
// a guess of it could be held against; and what it asked for is found as ever.
func TestRequestsAreSealed(t *testing.T) {
	h := newHouse(t)
	const canary = "SELECT COUNT(*) AS canary FROM visits"
	retry := func(r *question.Request) { r.IdempotencyKey = "a-secret-key" }
	h.mustAsk(canary, retry)
	if text := h.stored(); !strings.Contains(text, "canary") || !strings.Contains(text, "a-secret-key") {
		t.Fatal("without keys nothing of a request is stored: what is this test for?")
	}
	h = newHouse(t)
	h.seal()
	first := h.mustAsk(canary, retry)
	if text := h.stored(); strings.Contains(text, "canary") || strings.Contains(text, "a-secret-key") {
		t.Errorf("a request is stored as it is:\n%q", text)
	}
	spent := h.spent(privacy.TenantAccount("north"))
	for _, again := range []*showing.Answer{h.mustAsk(canary, retry), h.mustAsk(canary)} {
		if again.Release.ID != first.Release.ID || again.Release.SQL != canary {
			t.Errorf("asked again: %+v, want %+v", again.Release, first.Release)
		}
	}
	if _, err := h.ask("SELECT COUNT(*) AS other FROM visits", retry); privacy.CodeOf(err) != privacy.CodeIdempotencyMismatch {
		t.Errorf("the key of another request: %v", err)
	}
	if now := h.spent(privacy.TenantAccount("north")); now != spent {
		t.Errorf("%d was charged for what was there", now-spent)
	}
}

// TestWhatWasChargedBeforeThereWereKeysIsFound: releases, retries and charges that
// wait are the same with keys as without.
func TestWhatWasChargedBeforeThereWereKeysIsFound(t *testing.T) {
	h := newHouse(t)
	retry := func(r *question.Request) { r.IdempotencyKey = "before" }
	first := h.mustAsk(byWard, retry)
	spent := h.spent(privacy.TenantAccount("north"))
	h.seal()
	for range 2 {
		for _, again := range []*showing.Answer{h.mustAsk(byWard), h.mustAsk(byWard, retry)} {
			if again.Release.ID != first.Release.ID {
				t.Errorf("asked again: %+v, want %+v", again.Release, first.Release)
			}
		}
		h.sealPlain()
		if text := h.stored(); strings.Contains(text, "SELECT") || strings.Contains(text, "before") {
			t.Errorf("a request is stored as it is:\n%q", text)
		}
	}
	if n := h.sealPlain(); n > 0 {
		t.Errorf("%d were sealed twice", n)
	}
	if now := h.spent(privacy.TenantAccount("north")); now != spent {
		t.Errorf("%d was charged for what was there", now-spent)
	}
	if next := h.mustAsk("SELECT COUNT(*) AS n FROM visits"); next.Release.ID == first.Release.ID {
		t.Error("another question has the same release")
	}
}

// BenchmarkRelease is a question of few groups with its charge and its release, all
// but the engine's part, without keys and with them.
func BenchmarkRelease(b *testing.B) {
	for _, sealed := range []bool{false, true} {
		b.Run(map[bool]string{false: "plain", true: "sealed"}[sealed], func(b *testing.B) {
			h := newHouseOf(b, visits, &scripted{count: 1000}, 1e4, time.Minute)
			if sealed {
				path := filepath.Join(b.TempDir(), "keyset")
				h.must(keyring.CreateFile(path, h.dir))
				file, err := keyring.OpenFile(path, h.dir)
				h.must(err)
				h.sealUnder(file)
			}
			n := 0
			for b.Loop() {
				n++
				epsilon := 1 + 1e-6*float64(n) // another release each time
				_, err := h.ask(byWard, func(r *question.Request) { r.Epsilon = &epsilon })
				h.must(err)
			}
		})
	}
}
