package translog

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/bits"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.FixedZone("CET", 3600))

func TestMain(m *testing.M) {
	if raceDetector {
		_ = flag.Set("rapid.checks", "8")
	}
	os.Exit(m.Run())
}

func openLog(t *testing.T) *controldb.DB {
	t.Helper()
	db, err := controldb.Open(t.Context(), filepath.Join(t.TempDir(), "control.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func appendAll(t *testing.T, db *controldb.DB, leaves ...Leaf) (last int64) {
	t.Helper()
	err := db.InTx(context.Background(), func(ctx context.Context, tx *sql.Tx) (err error) {
		for _, l := range leaves {
			if last, err = Append(ctx, tx, l); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return last
}

func budget(n int) Leaf { return Leaf{Kind: KindBudget, At: noon, Body: map[string]int{"n": n}} }

func TestLeavesAreCanonical(t *testing.T) {
	type account struct {
		Name  string `json:"name"`
		Cap   int64  `json:"cap"`
		Extra any    `json:"extra,omitempty"`
	}
	tests := []struct {
		name string
		body any
		want string
	}{
		{"keys in byte order, whatever the order of fields", account{Name: "tenant:a", Cap: 1}, `{"cap":1,"name":"tenant:a"}`},
		{"nested", account{Name: "x", Extra: []any{map[string]any{"b": 1, "a": nil}}}, `{"cap":0,"extra":[{"a":null,"b":1}],"name":"x"}`},
		{"integers beyond 2^53 keep every digit", account{Cap: 1<<63 - 1}, `{"cap":9223372036854775807,"name":""}`},
		{"no HTML escapes", account{Name: "<&>"}, `{"cap":0,"name":"<&>"}`},
		{"raw JSON is brought into form", json.RawMessage(" { \"b\" : 2 , \"a\" : [ ] } "), `{"a":[],"b":2}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Leaf{Kind: KindBudget, At: noon, Body: tt.body}.canonical()
			if err != nil {
				t.Fatal(err)
			}
			want := `{"at":"2026-03-01T11:00:00.123456Z","body":` + tt.want + `,"kind":"budget"}`
			if string(got) != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func TestLeavesHoldNoRealNumbersAndOnlyKnownKinds(t *testing.T) {
	for name, l := range map[string]Leaf{
		"a real number":            {Kind: KindBudget, Body: map[string]float64{"epsilon": 0.5}},
		"a real number, deep down": {Kind: KindBudget, Body: map[string]any{"a": []any{map[string]any{"b": 1e300}}}},
		"an unknown kind":          {Kind: "gossip", Body: map[string]int{}},
		"no kind":                  {Body: map[string]int{}},
		"what JSON cannot say":     {Kind: KindBudget, Body: func() {}},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := l.canonical(); privacy.CodeOf(err) != privacy.CodeInternal {
				t.Errorf("got %v, want an internal error", err)
			}
		})
	}
}

// FuzzCanonical: any body that is accepted is accepted again as it came out,
// and comes out the same.
func FuzzCanonical(f *testing.F) {
	for _, seed := range []string{`{"b":1,"a":[true,null,"x"]}`, `[]`, `"\u2028<"`, `{"a":1.5}`, `{"a":{"a":{}}} `, `1e3`, `{"a":1,"a":2}`, `{`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		first, err := Leaf{Kind: KindCharge, At: noon, Body: json.RawMessage(body)}.canonical()
		if err != nil {
			return
		}
		var back struct {
			Body json.RawMessage `json:"body"`
		}
		if err := json.Unmarshal(first, &back); err != nil {
			t.Fatalf("a leaf is not JSON: %v", err)
		}
		second, err := Leaf{Kind: KindCharge, At: noon, Body: back.Body}.canonical()
		if err != nil || string(first) != string(second) {
			t.Errorf("%s\nbecame %s (%v)", first, second, err)
		}
	})
}

// rootOf computes the root from the leaves alone, by the definition in
// RFC 6962, section 2.1, sharing no stored hash with the log.
func rootOf(leaves [][]byte) tlog.Hash {
	switch n := len(leaves); n {
	case 0:
		root, _ := tlog.TreeHash(0, nil)
		return root
	case 1:
		return tlog.RecordHash(leaves[0])
	default:
		k := 1 << (bits.Len(uint(n-1)) - 1) // the largest power of two below n
		return tlog.NodeHash(rootOf(leaves[:k]), rootOf(leaves[k:]))
	}
}

// TestTheTreeProvesItsLeaves appends random numbers of leaves in random
// transactions, some of which fail, and checks the head against the leaves
// after each.
func TestTheTreeProvesItsLeaves(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		db := openLog(t)
		var leaves [][]byte
		for range rapid.IntRange(1, 6).Draw(rt, "transactions") {
			leaves = append(leaves, transact(rt, db, len(leaves))...)
			size, root, err := Head(t.Context(), db)
			if err != nil || size != int64(len(leaves)) || root != rootOf(leaves) {
				rt.Fatalf("head is (%d, %v, %v), want (%d, %v)", size, root, err, len(leaves), rootOf(leaves))
			}
		}
		proveAll(rt, Hashes(t.Context(), db), leaves)
	})
}

// transact appends some leaves in one transaction, which may fail, and returns
// those that must be in the log.
func transact(t *rapid.T, db *controldb.DB, size int) (added [][]byte) {
	n := rapid.IntRange(0, 9).Draw(t, "leaves")
	var fails error
	if rapid.Bool().Draw(t, "fails") {
		fails = errors.New("refused")
	}
	err := db.InTx(context.Background(), func(ctx context.Context, tx *sql.Tx) error {
		added = nil
		for i := range n {
			index, err := Append(ctx, tx, budget(i))
			if err != nil {
				return err
			}
			if index != int64(size+i) {
				t.Fatalf("leaf got index %d, want %d", index, size+i)
			}
			data, err := Entry(ctx, tx, index)
			if err != nil {
				return err
			}
			added = append(added, data)
		}
		return fails
	})
	if !errors.Is(err, fails) {
		t.Fatal(err)
	}
	if fails != nil {
		return nil
	}
	return added
}

// proveAll checks inclusion of each leaf, and that every earlier head is a
// prefix of the last.
func proveAll(t *rapid.T, hashes tlog.HashReader, leaves [][]byte) {
	size, root := int64(len(leaves)), rootOf(leaves)
	for i, data := range leaves {
		proof, err := tlog.ProveRecord(size, int64(i), hashes)
		if err != nil {
			t.Fatal(err)
		}
		if err := tlog.CheckRecord(proof, size, root, int64(i), tlog.RecordHash(data)); err != nil {
			t.Fatalf("leaf %d of %d: %v", i, size, err)
		}
	}
	for n := int64(1); n <= size; n++ {
		proof, err := tlog.ProveTree(size, n, hashes)
		if err != nil {
			t.Fatal(err)
		}
		if err := tlog.CheckTree(proof, size, root, n, rootOf(leaves[:n])); err != nil {
			t.Fatalf("head %d is no prefix of head %d: %v", n, size, err)
		}
	}
}

func TestIndexesCountFromZero(t *testing.T) {
	db := openLog(t)
	for want := range int64(3) {
		if got := appendAll(t, db, budget(0)); got != want {
			t.Errorf("leaf got index %d, want %d", got, want)
		}
	}
	if _, err := Entry(t.Context(), db, 3); privacy.CodeOf(err) != privacy.CodeNotFound {
		t.Errorf("entry beyond the end: %v", err)
	}
}

func TestNothingInTheLogChanges(t *testing.T) {
	db := openLog(t)
	appendAll(t, db, budget(1), budget(2))
	for _, statement := range []string{
		`UPDATE log_leaves SET leaf = x'00'`, `DELETE FROM log_leaves`,
		`UPDATE log_hashes SET idx = idx + 10`, `DELETE FROM log_hashes`,
	} {
		err := db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, statement)
			return err
		})
		if err == nil || !strings.Contains(err.Error(), "append-only") {
			t.Errorf("%s: %v", statement, err)
		}
	}
}

// TestMissingHashesAreNoticed breaks the stored tree, as a damaged file would.
func TestMissingHashesAreNoticed(t *testing.T) {
	db := openLog(t)
	appendAll(t, db, budget(1), budget(2), budget(3))
	err := db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		for _, statement := range []string{`DROP TRIGGER log_hashes_kept`, `DELETE FROM log_hashes WHERE idx = 2`} {
			if _, err := tx.ExecContext(ctx, statement); err != nil {
				return err
			}
		}
		_, err := Append(ctx, tx, budget(4))
		if privacy.CodeOf(err) != privacy.CodeInternal {
			return fmt.Errorf("appending to a damaged tree: %w", err)
		}
		if _, _, err := Head(ctx, tx); privacy.CodeOf(err) != privacy.CodeInternal {
			return fmt.Errorf("head of a damaged tree: %w", err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
