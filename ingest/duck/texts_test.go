package duck

import (
	"slices"
	"strings"
	"testing"
)

// Numbers stand for the texts at their places, in views and in copies: texts in
// place and long ones, empty ones, and NULL.
func TestTextsOfNumbers(t *testing.T) {
	d, err := Open(t.Context(), Options{Dir: t.TempDir(), Threads: 1, MemoryMB: 200})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	declared, others := []string{"", "twelve bytes", "thirteen byte", "Zürich", "a\x00b"}, []string{strings.Repeat("東", 300), "other"}
	texts := NewTexts(declared, others)
	defer texts.Close()
	all := slices.Concat(declared, []string{"NULL"}, others)
	for _, shown := range [][]string{all, declared} { // with and without NULL
		if err := d.Exec(t.Context(), "CREATE OR REPLACE TEMP TABLE t AS SELECT (i % "+string(rune('0'+len(shown)))+")::USMALLINT AS n, 'before' AS k FROM range(3000) r(i)"); err != nil {
			t.Fatal(err)
		}
		rows, err := d.Chunks(t.Context(), "SELECT n, k FROM t")
		if err != nil {
			t.Fatal(err)
		}
		seen := 0
		for {
			c, err := rows.Next()
			if err != nil {
				t.Fatal(err)
			}
			if c == nil {
				break
			}
			view := texts.Of(c.Columns[0], c.Rows)
			to := rows.NewChunk()
			to.Resize(c.Rows)
			to.CopyTexts(1, texts, View[uint16](c.Columns[0], c.Rows))
			to.Refresh()
			for i := range c.Rows {
				want := all[(seen+i)%len(shown)]
				for _, v := range []Vector{view, to.Columns[1]} {
					if v.Null(i) != (want == "NULL") || !v.Null(i) && string(View[Text](v, c.Rows)[i].Bytes()) != want {
						t.Fatalf("row %d is not %q", seen+i, want)
					}
				}
			}
			seen += c.Rows
			to.Close()
			c.Close()
		}
		if err := rows.Close(); err != nil || seen != 3000 {
			t.Errorf("%d rows, %v", seen, err)
		}
	}
}
