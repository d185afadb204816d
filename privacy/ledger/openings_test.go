package ledger

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/translog"
)

// shown opens a charge's leaf, and returns the texts of the parties that it commits to.
func (f *fixture) shown(t testing.TB, c Charge) string {
	t.Helper()
	leaf := f.scalar(t, `SELECT leaf FROM charges WHERE id = ?`, c.ID)
	data, err := translog.Entry(t.Context(), f.db, leaf)
	if err != nil {
		t.Fatal(err)
	}
	var said struct {
		Body struct {
			Parties int64  `json:"parties"`
			Root    string `json:"root"`
		} `json:"body"`
	}
	if err := json.Unmarshal(data, &said); err != nil {
		t.Fatal(err)
	}
	root, err := hex.DecodeString(said.Body.Root)
	if err != nil || len(root) != tlog.HashSize {
		t.Fatalf("the leaf is %s", data)
	}
	o, found, err := Openings(t.Context(), f.db, leaf)
	if err != nil || !found || int64(len(o.Parts)) != 1+said.Body.Parties || o.Parts[0].Place != nil {
		t.Fatalf("of %s there are %+v (%v)", data, o, err)
	}
	var texts []string
	for i, part := range o.Parts[1:] {
		hash := tlog.RecordHash(append(part.Nonce[:], part.Text...))
		if err := tlog.CheckRecord(part.Path, said.Body.Parties, tlog.Hash(root), *part.Place, hash); err != nil || *part.Place != int64(i) {
			t.Errorf("%+v does not open %s: %v", part, data, err)
		}
		texts = append(texts, part.Text)
	}
	return strings.Join(texts, " ")
}

// TestWhatIsPreparedIsAGuess: accounts that are opened between the preparation of a
// charge and its transaction are in its leaf.
func TestWhatIsPreparedIsAGuess(t *testing.T) {
	f := newFixture(t)
	f.set(t, Budget{Cap: small}, privacy.TenantAccount("a"), privacy.TenantAccount("b"), privacy.DatasetAccount("d"))
	r := ask("first", units)
	r.Tenants, r.DatasetAccount = []string{"b", "a"}, true
	const before = `["dataset:d"] ["tenant:a"] ["tenant:b"]`
	if got := f.shown(t, f.mustCharge(t, r)); got != before {
		t.Errorf("the first commits to %s", got)
	}
	r.Key = "as before"
	w, err := f.newWaiting(r)
	if err != nil {
		t.Fatal(err)
	}
	if w.draft.Likely() == nil {
		t.Fatal("nothing was learned of the first")
	}
	r.Key = "with another account"
	late, err := f.newWaiting(r)
	if err != nil {
		t.Fatal(err)
	}
	decide := func(w *waiting) string {
		if err := f.db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error { return f.chargeAll(ctx, tx, []*waiting{w}) }); err != nil || w.err != nil {
			t.Fatal(err, w.err)
		}
		return f.shown(t, w.charge)
	}
	if got := decide(w); got != before {
		t.Errorf("one as before commits to %s", got)
	}
	f.set(t, Budget{Cap: small}, privacy.TenantDatasetAccount("a", "d"))
	const after = `["dataset:d"] ["tenant-dataset:a/d","tenant:a"] ["tenant:b"]`
	if got := decide(late); got != after {
		t.Errorf("with an account that was opened meanwhile it commits to %s", got)
	}
	r.Key = "after it"
	if got := f.shown(t, f.mustCharge(t, r)); got != after {
		t.Errorf("the next commits to %s", got)
	}
	r.Key, r.Tenants = "of others", []string{"b"}
	if got := f.shown(t, f.mustCharge(t, r)); got != `["dataset:d"] ["tenant:b"]` {
		t.Errorf("another's commits to %s", got)
	}
}
