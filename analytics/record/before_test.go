package record_test

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/record"
	"github.com/noised/noised/analytics/release"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/translog"
	"github.com/noised/noised/privacy/translog/receipt"
)

// TestReceiptsFromBefore: of a store whose leaves name accounts. Whoever paid sees
// them; to others they are proved and not shown.
func TestReceiptsFromBefore(t *testing.T) {
	db := before(t)
	file, verifier, err := translog.NewKey("test")
	ok(t, err)
	key, err := translog.ParseKey(file)
	ok(t, err)
	public, err := translog.ParseVerifier(verifier)
	ok(t, err)
	s := record.New(db, release.New(db), key)
	rows, err := db.QueryContext(t.Context(), `SELECT r.id, c.principal, c.tenants, r.purpose FROM releases r JOIN charges c ON c.id = r.charge`)
	ok(t, err)
	defer rows.Close()
	shown, withheld, refused := 0, 0, 0
	for rows.Next() {
		var id, principal, tenants, purpose string
		ok(t, rows.Scan(&id, &principal, &tenants, &purpose))
		r, err := s.Receipt(t.Context(), privacy.Principal{ID: principal, Role: privacy.RoleAnalyst}, id)
		ok(t, err)
		if c := verified(t, r, public); len(c.Debited) == 0 || len(c.Withheld) > 0 || c.Purpose != purpose {
			t.Errorf("whoever paid for %s is shown %+v", id, c)
		}
		shown++
		r, err = s.Receipt(t.Context(), admin("a"), id)
		switch {
		case !strings.Contains(tenants, `"a"`) || purpose != "":
			if privacy.CodeOf(err) != privacy.CodeNotFound {
				t.Errorf("the receipt of %s for a: %v", id, err)
			}
			refused++
		default:
			ok(t, err)
			if c := verified(t, r, public); len(c.Debited) > 0 || !slices.Equal(c.Withheld, []string{translog.KindCharge}) {
				t.Errorf("of %s, a is shown %+v", id, c)
			}
			withheld++
		}
	}
	ok(t, rows.Err())
	if shown < 10 || withheld < 3 || refused < 3 {
		t.Errorf("%d shown, %d withheld, %d refused", shown, withheld, refused)
	}
	entries, _, err := s.List(t.Context(), admin("b"), "", 100)
	ok(t, err)
	for _, e := range entries {
		for _, other := range []string{"tenant:a", ":a/", "tenant:c", "statistics"} {
			if strings.Contains(e.Leaf, other) {
				t.Errorf("b is shown %s", e.Leaf)
			}
		}
	}
	if len(entries) < 20 {
		t.Errorf("b is shown %d entries", len(entries))
	}
}

// TestHashesFromBeforeAreNotForEverybody: leaves without salt could be guessed.
func TestHashesFromBeforeAreNotForEverybody(t *testing.T) {
	db := before(t)
	s := record.New(db, release.New(db), nil)
	old, err := translog.Size(t.Context(), db)
	ok(t, err)
	for range 3 {
		_, err := catalog.New(db, time.Now).CreateTenant(t.Context(), "t"+strings.ToLower(privacy.NewID("x")), "", operator)
		ok(t, err)
	}
	for leaf := range old + 3 {
		_, _, err := s.Inclusion(t.Context(), leaf, old+3)
		if open := leaf >= old+old%2; open != (err == nil) {
			t.Errorf("leaf %d of %d, %d of them from before: %v", leaf, old+3, old, err)
		}
	}
	if _, err := s.Consistency(t.Context(), old-1, old+3); privacy.CodeOf(err) != privacy.CodeInvalidRequest {
		t.Errorf("from a state of before: %v", err)
	}
	_, err = s.Consistency(t.Context(), old+1, old+3)
	ok(t, err)
}

func verified(t *testing.T, r *receipt.Receipt, key note.Verifier) receipt.Claims {
	t.Helper()
	text, err := json.Marshal(r)
	ok(t, err)
	c, err := receipt.Verify(text, key)
	ok(t, err)
	return c
}

// TestReceiptsOfListedCharges: of a store whose leaves list a commitment for each party.
// They are shown as those of now are, without places.
func TestReceiptsOfListedCharges(t *testing.T) {
	db := kept(t, "listed")
	file, verifier, err := translog.NewKey("test")
	ok(t, err)
	key, err := translog.ParseKey(file)
	ok(t, err)
	public, err := translog.ParseVerifier(verifier)
	ok(t, err)
	s := record.New(db, release.New(db), key)
	rows, err := db.QueryContext(t.Context(), `SELECT r.id, json_array_length(c.tenants), instr(c.tenants, '"a"') FROM releases r JOIN charges c ON c.id = r.charge`)
	ok(t, err)
	defer rows.Close()
	shown := 0
	for rows.Next() {
		var id string
		var tenants, ofA int
		ok(t, rows.Scan(&id, &tenants, &ofA))
		r, err := s.Receipt(t.Context(), operator, id)
		ok(t, err)
		if c := verified(t, r, public); len(c.Debited) < tenants || c.Parties < tenants || c.Parties > tenants+1 || c.For == nil {
			t.Errorf("of %s, the operator is shown %+v", id, c)
		}
		for _, o := range r.Entries[0].Opened {
			if o.Place != nil || o.Path != nil {
				t.Errorf("the receipt of %s has a place for %s", id, o.Part)
			}
		}
		if ofA == 0 {
			continue
		}
		r, err = s.Receipt(t.Context(), admin("a"), id)
		ok(t, err)
		if c := verified(t, r, public); !slices.Contains(c.Debited, "tenant:a") && !strings.Contains(strings.Join(c.Debited, " "), "tenant-period:a/") || c.For != nil {
			t.Errorf("of %s, a is shown %+v", id, c)
		}
		shown++
	}
	ok(t, rows.Err())
	if shown < 20 {
		t.Errorf("a was shown %d", shown)
	}
}

// before opens a copy of a store that was written before leaves had commitments.
func before(t *testing.T) *controldb.DB {
	t.Helper()
	return kept(t, "before")
}

func kept(t *testing.T, name string) *controldb.DB {
	t.Helper()
	in, err := os.Open(filepath.FromSlash("../../privacy/translog/verify/testdata/" + name + ".db.gz"))
	ok(t, err)
	defer in.Close()
	z, err := gzip.NewReader(in)
	ok(t, err)
	path := filepath.Join(t.TempDir(), "control.db")
	out, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	ok(t, err)
	_, err = io.Copy(out, z)
	ok(t, err)
	ok(t, out.Close())
	db, err := controldb.Open(t.Context(), path)
	ok(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}
