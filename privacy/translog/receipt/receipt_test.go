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

// sample returns a receipt of a log of so many leaves, made without the server.
func sample(t testing.TB, leaves int) (data []byte, key note.Verifier) {
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
	charge := fmt.Sprintf(`{"at":"2026-03-04T09:00:00Z","body":{"charge":"chg_1","commitment":"%s","cost":{"delta":1,"mu2":2},"debits":["%s","%s"]},"kind":"charge","salt":"s"}`,
		ofCharge.Parts()("charge").Commit([]byte(what)), ofCharge.Parts()("debit:tenant:a").Commit([]byte(`["tenant:a"]`)), ofCharge.Parts()("debit:tenant:b").Commit([]byte(`["tenant:b"]`)))
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
		entry(charge, receipt.Open(ofCharge, "charge", what), receipt.Open(ofCharge, "debit:tenant:b", `["tenant:b"]`)),
		entry(release, receipt.Open(ofRelease, "result", result), receipt.Open(ofRelease, "purpose", "statistics")),
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
	for _, leaves := range []int{6, 7, 64, 1000} {
		data, key := sample(t, leaves)
		c, err := receipt.Verify(data, key)
		ok(t, err)
		if c.Size != int64(leaves) || c.Release != "rel_1" || c.Charge != "chg_1" || c.Dataset != "visits" || c.Cost.Mu2 != 2 || c.Parties != 2 ||
			fmt.Sprint(c.Debited) != "[tenant:b]" || c.Purpose != "statistics" || !strings.Contains(string(c.For), "key_1") || c.ChargedAt != time.Date(2026, 3, 4, 9, 0, 0, 0, time.UTC) {
			t.Errorf("it proves %+v", c)
		}
	}
}

// TestAChangedReceiptProvesNothingElse: whatever byte of one is changed, it fails,
// or says the same.
func TestAChangedReceiptProvesNothingElse(t *testing.T) {
	data, key := sample(t, 37)
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
	var r map[string]any
	ok(t, json.Unmarshal(data, &r))
	for name, change := range map[string]func(){
		"another format":    func() { r["format"] = "noised receipt, format 2" },
		"no entries":        func() { r["entries"] = []any{} },
		"an unknown member": func() { r["more"] = 1 },
		"no checkpoint":     func() { r["checkpoint"] = "" },
		"entries swapped":   func() { e := r["entries"].([]any); r["entries"] = []any{e[1], e[0]} },
		"nothing shown": func() {
			for _, e := range r["entries"].([]any) {
				entry := e.(map[string]any)
				entry["leaf_hash"] = tlog.RecordHash([]byte(entry["leaf"].(string))).String()
				delete(entry, "leaf")
				delete(entry, "opened")
			}
		},
		"another release, behind a hash": func() {
			entry := r["entries"].([]any)[1].(map[string]any)
			entry["leaf_hash"] = tlog.RecordHash([]byte(entry["leaf"].(string))).String()
			delete(entry, "leaf")
			delete(entry, "opened")
			r["release"] = "rel_of_somebody_else"
		},
		"a part twice": func() {
			entry := r["entries"].([]any)[0].(map[string]any)
			opened := entry["opened"].([]any)
			entry["opened"] = append(opened, opened[1])
		},
	} {
		r = map[string]any{}
		ok(t, json.Unmarshal(data, &r))
		change()
		changed, err := json.Marshal(r)
		ok(t, err)
		if _, err := receipt.Verify(changed, key); err == nil {
			t.Errorf("%s: it verifies", name)
		}
	}
	if _, err := receipt.Verify(append(data, '{'), key); err == nil {
		t.Error("with something after it, it verifies")
	}
}

// FuzzReceipt: nothing makes the parser fail other than by an error, and what it
// accepts under the key is on the log.
func FuzzReceipt(f *testing.F) {
	data, key := sample(f, 37)
	f.Add(data)
	f.Add([]byte(`{"format":"noised receipt, format 1","release":"r","charge":"c","checkpoint":"","entries":[{"index":0,"leaf_hash":"","proof":[]},{"index":-1,"proof":null}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, err := receipt.Verify(data, key); err == nil && (c.Size != 37 || c.Release != "rel_1" || c.Charge != "chg_1") {
			t.Errorf("it proves %+v", c)
		}
	})
}
