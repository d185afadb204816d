package translog_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/noised/noised/privacy/translog"
)

// textsOf returns what a leaf could commit to for so many parties.
func textsOf(parties int) (texts [][]byte) {
	for i := range parties {
		texts = append(texts, fmt.Appendf(nil, `["tenant:dept_%d"]`, i))
	}
	return texts
}

// opens checks what opens a part by the module that the log's own proofs are by.
func opens(t testing.TB, root string, parties, place int, nonce translog.Nonce, text []byte, path []tlog.Hash) bool {
	t.Helper()
	want, err := hex.DecodeString(root)
	if err != nil || len(want) != tlog.HashSize {
		t.Fatalf("the root is %q", root)
	}
	hash := tlog.RecordHash(append(nonce[:], text...))
	return tlog.CheckRecord(path, int64(parties), tlog.Hash(want), int64(place), hash) == nil
}

func TestPartiesOpenTheirOwnPlace(t *testing.T) {
	for _, parties := range []int{1, 2, 3, 4, 5, 7, 8, 9, 31, 32, 33, 100, 101, 1000} {
		texts := textsOf(parties)
		tree := translog.NewParties(translog.Nonce{1}, texts)
		for range 2 { // in memory that was another tree's
			if got := translog.PartiesRoot(translog.Nonce{1}, texts); got != tree.Root() {
				t.Errorf("%d parties: the root alone is %s, that of the tree %s", parties, got, tree.Root())
			}
		}
		seen := map[translog.Nonce]bool{}
		for place, text := range texts {
			nonce, path := tree.Open(place)
			if seen[nonce] {
				t.Fatalf("%d parties: two have the nonce of place %d", parties, place)
			}
			seen[nonce] = true
			if !opens(t, tree.Root(), parties, place, nonce, text, path) {
				t.Fatalf("%d parties: place %d does not open", parties, place)
			}
		}
		if other := translog.NewParties(translog.Nonce{2}, texts); other.Root() == tree.Root() {
			t.Errorf("%d parties: two charges have one root", parties)
		}
	}
}

// TestPartiesBind: neither another text, nor another place, nor any other path opens
// a root.
func TestPartiesBind(t *testing.T) {
	const parties = 13
	texts := textsOf(parties)
	tree := translog.NewParties(translog.Nonce{1}, texts)
	for place, text := range texts {
		nonce, path := tree.Open(place)
		another := func(change func(path []tlog.Hash) []tlog.Hash) []tlog.Hash { return change(slices.Clone(path)) }
		for name, path := range map[string][]tlog.Hash{
			"shorter":   path[1:],
			"cut off":   path[:len(path)-1],
			"longer":    append(slices.Clone(path), tlog.Hash{}),
			"none":      nil,
			"siblings":  another(func(p []tlog.Hash) []tlog.Hash { p[0], p[1] = p[1], p[0]; return p }),
			"one other": another(func(p []tlog.Hash) []tlog.Hash { p[len(p)-1][31] ^= 1; return p }),
		} {
			if opens(t, tree.Root(), parties, place, nonce, text, path) {
				t.Errorf("place %d opens with another path: %s", place, name)
			}
		}
		for other := range texts {
			if other != place && opens(t, tree.Root(), parties, other, nonce, text, path) {
				t.Errorf("the part of place %d opens place %d", place, other)
			}
		}
		if opens(t, tree.Root(), parties, place, nonce, append(text, ' '), path) || opens(t, tree.Root(), parties, place, translog.Nonce{9}, text, path) {
			t.Errorf("place %d opens to another text, or nonce", place)
		}
	}
	for name, changed := range map[string][][]byte{
		"one dropped": texts[1:], "one added": textsOf(parties + 1), "two in each other's place": append([][]byte{texts[1], texts[0]}, texts[2:]...),
		"one twice": append([][]byte{texts[0]}, texts[:parties-1]...),
	} {
		if translog.NewParties(translog.Nonce{1}, changed).Root() == tree.Root() {
			t.Errorf("the root is the same with %s", name)
		}
	}
}

// FuzzPath: of all places and paths, one opens a part.
func FuzzPath(f *testing.F) {
	f.Add(uint8(13), uint8(4), uint8(4), []byte{})
	f.Add(uint8(1), uint8(0), uint8(0), []byte{})
	f.Add(uint8(100), uint8(99), uint8(98), bytes.Repeat([]byte{1}, 7*tlog.HashSize))
	f.Fuzz(func(t *testing.T, parties, of, place uint8, changes []byte) {
		if parties == 0 || of >= parties {
			return
		}
		texts := textsOf(int(parties))
		tree := translog.NewParties(translog.Nonce{parties}, texts)
		nonce, right := tree.Open(int(of))
		path := slices.Clone(right)
		for i := 0; i+2 < len(changes); i += 3 {
			switch at, by := int(changes[i+1]), changes[i+2]; {
			case changes[i]%4 == 0 && len(path) > 0:
				path[at%len(path)][at%tlog.HashSize] ^= by
			case changes[i]%4 == 1 && len(path) > 0:
				path = slices.Delete(path, at%len(path), at%len(path)+1)
			case changes[i]%4 == 2:
				path = slices.Insert(path, at%(len(path)+1), tlog.Hash{by})
			case len(path) > 0:
				a, b := at%len(path), int(by)%len(path)
				path[a], path[b] = path[b], path[a]
			}
		}
		same := place == of && slices.Equal(path, right)
		if opens(t, tree.Root(), int(parties), int(place), nonce, texts[of], path) != same {
			t.Errorf("of %d parties, the part of place %d opens place %d: %t", parties, of, place, !same)
		}
	})
}

// BenchmarkParties is the tree of a charge of a hundred tenants and their dataset.
func BenchmarkParties(b *testing.B) {
	texts := textsOf(101)
	b.ReportAllocs()
	for b.Loop() {
		translog.PartiesRoot(translog.NewNonce(), texts)
	}
}
