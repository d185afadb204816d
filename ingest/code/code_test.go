package code

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/ingest/duck"
	"github.com/noised/noised/ingest/segment"
)

// codesOf returns the codes of texts, of which nil is NULL, as a Coder writes them
// into the rows of a public table, and checks that statements find the same.
func codesOf(t testing.TB, values []string, texts []*string) []uint16 {
	t.Helper()
	d, err := duck.Open(t.Context(), duck.Options{Dir: t.TempDir(), Threads: 1, MemoryMB: 400})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	m := segment.Meta{Public: true, Codes: []segment.Coded{{Column: "k", Values: values}}}
	columns := []segment.Column{{Name: "n", Type: plan.Of(plan.KindInteger)}, {Name: "k", Type: plan.Of(plan.KindVarchar)}}
	c, err := New(m, columns)
	if err != nil {
		t.Fatal(err)
	}
	sql, err := NewSQL(m, columns, []string{"n", "k"})
	if err == nil {
		err = d.Exec(t.Context(), sql.Types...)
	}
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for i, text := range texts {
		value := "NULL"
		if text != nil {
			value = "decode(from_hex('" + hex.EncodeToString([]byte(*text)) + "'))"
		}
		list = append(list, fmt.Sprintf("(%d, %s, 9::USMALLINT)", i, value))
	}
	rows, err := d.Chunks(t.Context(), "SELECT *, "+sql.Expressions[0]+" FROM (VALUES "+strings.Join(list, ", ")+") v(n, k, c) ORDER BY n")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var got []uint16
	for {
		chunk, err := rows.Next()
		if err != nil {
			t.Fatal(err)
		}
		if chunk == nil {
			return got
		}
		c.Fill(chunk)
		if diff := cmp.Diff(duck.View[uint16](chunk.Columns[2], chunk.Rows), duck.View[uint16](chunk.Columns[3], chunk.Rows)); diff != "" {
			t.Errorf("statements find other codes: %s", diff)
		}
		got = append(got, duck.View[uint16](chunk.Columns[2], chunk.Rows)...)
		chunk.Close()
	}
}

// The code of a text is its place in the list, whatever its length: DuckDB keeps
// up to 12 bytes in place.
func TestCodesArePlacesInTheList(t *testing.T) {
	words := []string{"", "a", "b", "\x00", "a\x00", "it's \"quoted\"", "Zürich", "twelve bytes", "thirteen byte", "thirteen bytE", "thirteen bytes",
		"the same head, and one tail", "the same head, and two tail", "東京都", strings.Repeat("long ", 1000)}
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 0))
		rng.Shuffle(len(words), func(i, j int) { words[i], words[j] = words[j], words[i] })
		values := words[:1+rng.IntN(len(words))]
		texts := []*string{nil}
		for range 40 {
			texts = append(texts, &words[rng.IntN(len(words))])
		}
		if rng.IntN(2) == 0 {
			texts = texts[1:] // a column without NULL
		}
		var want []uint16
		for _, text := range texts {
			place := len(values)
			if text != nil {
				if at := slices.Index(values, *text); at >= 0 {
					place = at
				}
			}
			want = append(want, uint16(place))
		}
		if diff := cmp.Diff(want, codesOf(t, values, texts)); diff != "" {
			t.Errorf("seed %d: %s", seed, diff)
		}
	}
}

// As many values as there may be have codes of their own, beside that of all
// others.
func TestAsManyCodesAsThereAre(t *testing.T) {
	values := make([]string, plan.MaxCoded)
	for i := range values {
		values[i] = fmt.Sprintf("value number %d", i)
	}
	last, other := values[len(values)-1], "another"
	if diff := cmp.Diff([]uint16{0, 65534, 65535, 65535}, codesOf(t, values, []*string{&values[0], &last, &other, nil})); diff != "" {
		t.Error(diff)
	}
}

func TestCodesOfWhatHoldsNoTexts(t *testing.T) {
	columns := []segment.Column{{Name: "n", Type: plan.Of(plan.KindInteger)}, {Name: "k", Type: plan.Of(plan.KindVarchar)}}
	for name, codes := range map[string]segment.Coded{
		"numbers": {Column: "n", Values: []string{"1"}}, "no column": {Column: "x", Values: []string{"1"}},
		"too many": {Column: "k", Values: make([]string, plan.MaxCoded+1)},
	} {
		if _, err := New(segment.Meta{Codes: []segment.Coded{codes}}, columns); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// BenchmarkFill is what a row's code costs: of 50 declared texts, short and long.
func BenchmarkFill(b *testing.B) {
	for _, form := range []string{"key %d", "a key of some length %d"} {
		b.Run(form, func(b *testing.B) {
			d, err := duck.Open(b.Context(), duck.Options{Dir: b.TempDir(), Threads: 1, MemoryMB: 400})
			if err != nil {
				b.Fatal(err)
			}
			defer d.Close()
			values := make([]string, 50)
			for i := range values {
				values[i] = fmt.Sprintf(form, i)
			}
			rows, err := d.Chunks(b.Context(), fmt.Sprintf("SELECT printf('%s', (hash(i) %% 50)::INTEGER) FROM range(2048) r(i)", form))
			if err != nil {
				b.Fatal(err)
			}
			defer rows.Close()
			chunk, err := rows.Next()
			if err != nil {
				b.Fatal(err)
			}
			defer chunk.Close()
			texts, codes := newTable(values), make([]uint16, chunk.Rows)
			for b.Loop() {
				texts.fill(codes, chunk.Columns[0])
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*chunk.Rows), "ns/row")
		})
	}
}
