package duck

import (
	"context"
	"testing"
)

// openForTest returns a DB for statements without keys.
func openForTest(t *testing.T) *DB {
	t.Helper()
	d, err := Open(t.Context(), Options{Dir: t.TempDir(), Threads: 2, MemoryMB: 200})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// ahead runs a query whose chunks are read ahead.
func ahead(t *testing.T, ctx context.Context, d *DB, query string) *Ahead {
	t.Helper()
	rows, err := d.Chunks(ctx, query)
	if err != nil {
		t.Fatal(err)
	}
	return rows.Ahead(3)
}

// TestChunksReadAheadComeInOrder, all of them, and then no more.
func TestChunksReadAheadComeInOrder(t *testing.T) {
	rows := ahead(t, t.Context(), openForTest(t), "SELECT i FROM range(100000) r(i) ORDER BY hash(i) - hash(i) + i")
	next := int64(0)
	for {
		c, err := rows.Next()
		if err != nil {
			t.Fatal(err)
		}
		if c == nil {
			break
		}
		for _, i := range View[int64](c.Columns[0], c.Rows) {
			if i != next {
				t.Fatalf("got %d, want %d", i, next)
			}
			next++
		}
		c.Close()
	}
	if c, err := rows.Next(); c != nil || err != nil || next != 100000 {
		t.Errorf("after %d rows: %v, %v", next, c, err)
	}
	if err := rows.Close(); err != nil {
		t.Error(err)
	}
}

// TestReadingAheadEnds: with the query's failure, with its context, and when nobody
// asks any more; the connection can then be used again.
func TestReadingAheadEnds(t *testing.T) {
	d := openForTest(t)
	for name, query := range map[string]string{
		"fails":     "SELECT CASE WHEN i < 9000000 THEN i ELSE error('late') END FROM range(10000000) r(i)",
		"cancelled": "SELECT i FROM range(100000000000) r(i)",
		"left":      "SELECT i FROM range(100000000000) r(i)",
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			rows := ahead(t, ctx, d, query)
			for n := 0; name != "left" || n < 2; n++ {
				c, err := rows.Next()
				if err != nil {
					break
				}
				if c == nil {
					t.Fatal("the query ended")
				}
				c.Close()
				if n == 2 && name == "cancelled" {
					cancel()
				}
			}
			if err := rows.Close(); err != nil {
				t.Error(err)
			}
			if err := d.Exec(t.Context(), "SELECT 1"); err != nil {
				t.Error(err)
			}
		})
	}
}
