package translog

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestTheShortWayToCanonicalIsTheLongOne: whatever is taken for canonical as it
// stands is what decoding and encoding it would give.
func TestTheShortWayToCanonicalIsTheLongOne(t *testing.T) {
	plain := func(body string) bool { return isCanonical([]byte(body)) }
	tests := []struct {
		body  string
		plain bool
	}{
		{`{}`, true}, {`[]`, true}, {`{"a":1,"b":[-7,"x",null,true,false,{}]}`, true}, {`{"a":{"a":0},"ab":[]}`, true},
		{`{"b":1,"a":1}`, false}, {`{"a":1,"a":2}`, false}, {`{"a": 1}`, false}, {`[1,2 ]`, false}, {` 1`, false},
		{`{"a":1.5}`, false}, {`1e3`, false}, {`"a\u0041"`, false}, {`"é"`, false}, {"\"\u2028\"", false}, {"\"\x7f\"", false},
		{``, false}, {`-`, false}, {`{`, false}, {`{"a"`, false}, {`{"a":`, false}, {`{"a":1`, false}, {`{"a":1,`, false}, {`{,}`, false},
		{`[`, false}, {`[1`, false}, {`[1,`, false}, {`[1,]`, false}, {`"a`, false}, {`nul`, false}, {`1,"kind":"x"`, false}, {`{}}`, false},
	}
	for _, tt := range tests {
		if got := plain(tt.body); got != tt.plain {
			t.Errorf("%s is taken for canonical: %v", tt.body, got)
		}
	}
	rapid.Check(t, func(t *rapid.T) { checkShortWay(t, []byte(drawJSON(t, 3))) })
}

func FuzzTheShortWayToCanonical(f *testing.F) {
	for _, seed := range []string{`{"a":1,"b":[-7,"x",null]}`, `{"b":1,"a":1}`, `"é\n"`, `-0`, `[[[]]]`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) { checkShortWay(t, body) })
}

func checkShortWay(t interface{ Fatalf(string, ...any) }, body []byte) {
	if !isCanonical(body) {
		return
	}
	l := Leaf{Kind: KindCharge, At: noon, Body: json.RawMessage(body)}
	short, err := l.canonical()
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	long, err := l.sorted(noon.UTC().Truncate(time.Microsecond))
	if err != nil || string(short) != string(long) {
		t.Fatalf("%s became\n%s and\n%s, %v", body, short, long, err)
	}
}

// drawJSON draws JSON that is mostly canonical.
func drawJSON(t *rapid.T, depth int) string {
	switch kind := rapid.IntRange(0, 5).Draw(t, "kind"); {
	case kind == 0 && depth > 0:
		out := ""
		for i, n := 0, rapid.IntRange(0, 3).Draw(t, "fields"); i < n; i++ {
			out += fmt.Sprintf(`,%q:%s`, string(rune('a'+2*i))+rapid.StringMatching(`[a-z]?`).Draw(t, "key"), drawJSON(t, depth-1))
		}
		return "{" + out[min(1, len(out)):] + "}"
	case kind == 1 && depth > 0:
		out := ""
		for range rapid.IntRange(0, 3).Draw(t, "elements") {
			out += "," + drawJSON(t, depth-1)
		}
		return "[" + out[min(1, len(out)):] + "]"
	case kind == 2:
		return rapid.SampledFrom([]string{"true", "false", "null", "1.5", "-0"}).Draw(t, "word")
	case kind == 3:
		return fmt.Sprint(rapid.Int64().Draw(t, "number"))
	}
	text, _ := json.Marshal(rapid.OneOf(rapid.StringMatching(`[a-z:/@_-]{0,9}`), rapid.String()).Draw(t, "text"))
	return string(text)
}

// TestAppendingTogetherIsAppendingOneByOne: many leaves in one transaction make
// the tree that they make alone.
func TestAppendingTogetherIsAppendingOneByOne(t *testing.T) {
	alone, shared := openLog(t), openLog(t)
	n := 0
	for _, batch := range []int{1, 2, 1, 7, 64, 3, 100} {
		err := shared.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
			a, err := NewAppender(ctx, tx)
			if err != nil {
				return err
			}
			for range batch {
				leaf := budget(n)
				leaf.salt = "same" // so that the two can be compared
				appendAll(t, alone, leaf)
				index, err := a.Append(ctx, leaf)
				if err != nil {
					return err
				}
				if index != int64(n) {
					t.Errorf("leaf %d got index %d", n, index)
				}
				n++
			}
			return a.Flush(ctx)
		})
		if err != nil {
			t.Fatal(err)
		}
		size1, root1, err1 := Head(t.Context(), alone)
		size2, root2, err2 := Head(t.Context(), shared)
		if size1 != size2 || root1 != root2 || err1 != nil || err2 != nil {
			t.Fatalf("after a batch of %d: %d leaves with root %v, alone %d with %v (%v, %v)", batch, size2, root2, size1, root1, err2, err1)
		}
	}
}
