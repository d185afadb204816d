package receipt_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/noised/noised/privacy/translog"
	"github.com/noised/noised/privacy/translog/receipt"
)

// sample returns a receipt of a log of so many leaves, made without the server. The
// leaf of its charge has the root of a tree over three parties.
func sample(t testing.TB, leaves int) (data []byte, key note.Verifier) {
	t.Helper()
	tree := translog.NewParties(translog.Nonce{1}, [][]byte{[]byte(`["dataset:visits"]`), []byte(`["tenant:a"]`), []byte(`["tenant-dataset:b/visits","tenant:b"]`)})
	var shown []receipt.Opened
	for _, place := range []int64{1, 2} {
		nonce, path := tree.Open(int(place))
		o := receipt.Open([]string{"debit:tenant:a", "debit:tenant:b"}[place-1], []string{`["tenant:a"]`, `["tenant-dataset:b/visits","tenant:b"]`}[place-1], nonce)
		o.Place, o.Path = &place, path
		shown = append(shown, o)
	}
	return sampleOf(t, leaves, fmt.Sprintf(`"parties":3,"root":"%s"`, tree.Root()), shown...)
}

// listed returns one as sample does, of a leaf that lists a commitment for each of two
// parties, as they did before there were trees.
func listed(t testing.TB, leaves int) (data []byte, key note.Verifier) {
	t.Helper()
	parts := translog.Nonce{1}.Parts()
	a, b := parts("debit:tenant:a").Commit([]byte(`["tenant:a"]`)), parts("debit:tenant:b").Commit([]byte(`["tenant:b"]`))
	return sampleOf(t, leaves, fmt.Sprintf(`"debits":["%s","%s"]`, a, b), receipt.Open("debit:tenant:b", `["tenant:b"]`, parts("debit:tenant:b")))
}

func sampleOf(t testing.TB, leaves int, debited string, parties ...receipt.Opened) (data []byte, key note.Verifier) {
	t.Helper()
	private, public, err := note.GenerateKey(bytes.NewReader(bytes.Repeat([]byte{7}, 64)), "noised/log/test")
	ok(t, err)
	signer, err := note.NewSigner(private)
	ok(t, err)
	key, err = translog.ParseVerifier(public)
	ok(t, err)
	ofCharge, ofRelease := translog.Nonce{1}, translog.Nonce{2}
	what := `{"dataset":"visits","delta":"0","epsilon":"1","key":"k","principal":"key_1","tenants":["a","b"]}`
	result := `{"contract_version":1,"core":"00","delta":"0","epsilon":"1"}`
	charge := fmt.Sprintf(`{"at":"2026-03-04T09:00:00Z","body":{"charge":"chg_1","commitment":"%s","cost":{"delta":1,"mu2":2},%s},"kind":"charge","salt":"s"}`,
		ofCharge.Parts()("charge").Commit([]byte(what)), debited)
	release := fmt.Sprintf(`{"at":"2026-03-04T09:00:01Z","body":{"charge":"chg_1","commitment":"%s","dataset":"visits","purpose":"%s","release":"rel_1"},"kind":"release","salt":"s"}`,
		ofRelease.Parts()("result").Commit([]byte(result)), ofRelease.Parts()("purpose").Commit([]byte("statistics")))
	var hashes []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var out []tlog.Hash
		for _, i := range indexes {
			out = append(out, hashes[i])
		}
		return out, nil
	})
	size := int64(leaves)
	at := map[string]int64{charge: size / 3, release: size / 2}
	for i := range size {
		leaf := fmt.Sprint("leaf ", i)
		for text, index := range at {
			if index == i {
				leaf = text
			}
		}
		more, err := tlog.StoredHashes(i, []byte(leaf), reader)
		ok(t, err)
		hashes = append(hashes, more...)
	}
	root, err := tlog.TreeHash(size, reader)
	ok(t, err)
	signed, err := translog.Checkpoint{Size: size, Root: root}.Sign(signer)
	ok(t, err)
	entry := func(leaf string, opened ...receipt.Opened) receipt.Entry {
		proof, err := tlog.ProveRecord(size, at[leaf], reader)
		ok(t, err)
		return receipt.Entry{Index: at[leaf], Leaf: leaf, Proof: proof, Opened: opened}
	}
	data, err = json.Marshal(receipt.Receipt{Format: receipt.Format, Release: "rel_1", Charge: "chg_1", Checkpoint: string(signed), Entries: []receipt.Entry{
		entry(charge, append([]receipt.Opened{receipt.Open("charge", what, ofCharge.Parts()("charge"))}, parties...)...),
		entry(release, receipt.Open("result", result, ofRelease.Parts()("result")), receipt.Open("purpose", "statistics", ofRelease.Parts()("purpose"))),
	}})
	ok(t, err)
	return data, key
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestAReceiptProvesWhatItSays(t *testing.T) {
	for i, leaves := range []int{6, 7, 64, 1000, 6, 7, 64, 1000} {
		data, key := sample(t, leaves)
		parties, debited := 3, "[tenant:a tenant-dataset:b/visits tenant:b]"
		if i >= 4 {
			data, key = listed(t, leaves)
			parties, debited = 2, "[tenant:b]"
		}
		c, err := receipt.Verify(data, key)
		ok(t, err)
		if c.Size != int64(leaves) || c.Release != "rel_1" || c.Charge != "chg_1" || c.Dataset != "visits" || c.Cost.Mu2 != 2 || c.Parties != parties ||
			fmt.Sprint(c.Debited) != debited || c.Purpose != "statistics" || !strings.Contains(string(c.For), "key_1") || c.ChargedAt != time.Date(2026, 3, 4, 9, 0, 0, 0, time.UTC) {
			t.Errorf("it proves %+v", c)
		}
	}
}

// TestAChangedReceiptProvesNothingElse: whatever byte of one is changed, it fails,
// or says the same.
func TestAChangedReceiptProvesNothingElse(t *testing.T) {
	data, key := sample(t, 37)
	changesNothing(t, data, key)
	data, key = listed(t, 37)
	changesNothing(t, data, key)
}

func changesNothing(t *testing.T, data []byte, key note.Verifier) {
	t.Helper()
	want, err := receipt.Verify(data, key)
	ok(t, err)
	random := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		changed := bytes.Clone(data)
		at := random.IntN(len(changed))
		changed[at] ^= byte(1 + random.IntN(255))
		if got, err := receipt.Verify(changed, key); err == nil && fmt.Sprint(got.Release, got.Charge, got.Size, got.Root, got.Debited, got.Purpose, string(got.For), *got.Cost, string(got.Result)) !=
			fmt.Sprint(want.Release, want.Charge, want.Size, want.Root, want.Debited, want.Purpose, string(want.For), *want.Cost, string(want.Result)) {
			t.Errorf("byte %d changed, and it proves %+v", at, got)
		}
	}
	_, other, err := note.GenerateKey(bytes.NewReader(bytes.Repeat([]byte{9}, 64)), "noised/log/test")
	ok(t, err)
	stranger, err := translog.ParseVerifier(other)
	ok(t, err)
	if _, err := receipt.Verify(data, stranger); err == nil {
		t.Error("it holds under another key")
	}
}

func TestWhatIsNotAReceipt(t *testing.T) {
	data, key := sample(t, 9)
	var r receipt.Receipt
	hide := func(e *receipt.Entry) {
		hash := tlog.RecordHash([]byte(e.Leaf))
		e.Leaf, e.LeafHash, e.Opened = "", &hash, nil
	}
	for name, change := range map[string]func(charge, release *receipt.Entry){
		"another format":  func(_, _ *receipt.Entry) { r.Format = "noised receipt, format 2" },
		"no entries":      func(_, _ *receipt.Entry) { r.Entries = nil },
		"no checkpoint":   func(_, _ *receipt.Entry) { r.Checkpoint = "" },
		"entries swapped": func(c, l *receipt.Entry) { *c, *l = *l, *c },
		"nothing shown":   func(c, l *receipt.Entry) { hide(c); hide(l) },
		"another release, behind a hash": func(_, l *receipt.Entry) {
			hide(l)
			r.Release = "rel_of_somebody_else"
		},
		"a part twice": func(c, _ *receipt.Entry) { c.Opened = append(c.Opened, c.Opened[1]) },

		"a party without a place":     func(c, _ *receipt.Entry) { c.Opened[1].Place = nil },
		"a party moved":               func(c, _ *receipt.Entry) { *c.Opened[1].Place = 0 },
		"two in one place":            func(c, _ *receipt.Entry) { *c.Opened[2].Place = 1 },
		"a place beyond the parties":  func(c, _ *receipt.Entry) { *c.Opened[2].Place = 3 },
		"a place before them":         func(c, _ *receipt.Entry) { *c.Opened[1].Place = -1 },
		"a path too short":            func(c, _ *receipt.Entry) { c.Opened[1].Path = c.Opened[1].Path[1:] },
		"a path too long":             func(c, _ *receipt.Entry) { c.Opened[2].Path = append(c.Opened[2].Path, tlog.Hash{}) },
		"a path changed":              func(c, _ *receipt.Entry) { c.Opened[1].Path[0][5] ^= 1 },
		"siblings swapped":            func(c, _ *receipt.Entry) { p := c.Opened[1].Path; p[0], p[1] = p[1], p[0] },
		"parties out of order":        func(c, _ *receipt.Entry) { c.Opened[1], c.Opened[2] = c.Opened[2], c.Opened[1] },
		"a party by another's name":   func(c, _ *receipt.Entry) { c.Opened[1].Part = "debit:tenant:aa" },
		"a party by no name":          func(c, _ *receipt.Entry) { c.Opened[1].Part = "" },
		"another account":             func(c, _ *receipt.Entry) { c.Opened[1].Text = `["tenant:b"]` },
		"a detail with a place":       func(c, _ *receipt.Entry) { c.Opened[0].Place = c.Opened[1].Place },
		"a purpose with a path":       func(_, l *receipt.Entry) { l.Opened[1].Path = []tlog.Hash{{}} },
		"a party of another's charge": func(c, l *receipt.Entry) { l.Opened = append(l.Opened, c.Opened[1]) },
	} {
		r = receipt.Receipt{}
		ok(t, json.Unmarshal(data, &r))
		if change(&r.Entries[0], &r.Entries[1]); name == "entries swapped" && r.Entries[0].Index < r.Entries[1].Index {
			t.Fatal("they are not swapped")
		}
		changed, err := json.Marshal(r)
		ok(t, err)
		if _, err := receipt.Verify(changed, key); err == nil {
			t.Errorf("%s: it verifies", name)
		}
	}
	if _, err := receipt.Verify(append(bytes.Clone(data), '{'), key); err == nil {
		t.Error("with something after it, it verifies")
	}
	if _, err := receipt.Verify(append([]byte(`{"more":1,`), data[1:]...), key); err == nil {
		t.Error("with an unknown member, it verifies")
	}
}

// TestLeavesThatSayTwoThings: a leaf that is on the log, and could be read by one as
// one thing and by another as another.
func TestLeavesThatSayTwoThings(t *testing.T) {
	tree := translog.NewParties(translog.Nonce{1}, [][]byte{[]byte(`["tenant:a"]`), []byte(`["tenant:a"]`)})
	root := tree.Root()
	open := func(place int64, part, text string) receipt.Opened {
		nonce, path := tree.Open(int(place))
		o := receipt.Open(part, text, nonce)
		o.Place, o.Path = &place, path
		return o
	}
	a, again := open(0, "debit:tenant:a", `["tenant:a"]`), open(1, "debit:tenant:a", `["tenant:a"]`)
	for debited, opened := range map[string][]receipt.Opened{
		`"parties":2,"root":"` + root + `","debits":[]`:   {a},
		`"accounts":[],"parties":2,"root":"` + root + `"`: {a},
		`"accounts":["tenant:a"],"debits":["00"]`:         nil,
		`"more":1`:                           nil,
		`"parties":2`:                        nil,
		`"root":"` + root + `"`:              nil,
		`"parties":-1,"root":"` + root + `"`: nil,
		`"parties":9000000000000000000,"root":"` + root + `"`:  {a},
		`"parties":3,"root":"` + root + `"`:                    {a},
		`"parties":1,"root":"` + root + `"`:                    {a},
		`"parties":2,"root":"` + root[2:] + `"`:                {a},
		`"parties":2,"root":"` + strings.Repeat("x", 64) + `"`: {a},
		`"parties":2,"root":"` + root + `"`:                    {a, again}, // one party has two places
	} {
		data, key := sampleOf(t, 9, debited, opened...)
		if c, err := receipt.Verify(data, key); err == nil {
			t.Errorf("a leaf with %s proves %+v", debited, c)
		}
	}
	data, key := sampleOf(t, 9, `"parties":2,"root":"`+root+`"`, a)
	_, err := receipt.Verify(data, key)
	ok(t, err)
}

// FuzzReceipt: nothing makes the parser fail other than by an error, and what it
// accepts under the key is on the log.
func FuzzReceipt(f *testing.F) {
	data, key := sample(f, 37)
	f.Add(data)
	before, _ := listed(f, 37)
	f.Add(before)
	f.Add([]byte(`{"format":"noised receipt, format 1","release":"r","charge":"c","checkpoint":"","entries":[{"index":0,"leaf_hash":"","proof":[]},{"index":-1,"proof":null}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, err := receipt.Verify(data, key); err == nil && (c.Size != 37 || c.Release != "rel_1" || c.Charge != "chg_1") {
			t.Errorf("it proves %+v", c)
		}
	})
}
