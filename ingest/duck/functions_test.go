package duck

import (
	"sync/atomic"
	"testing"
)

// TestFunctionsTakeWholeVectors: every row has the pseudonym of its own id,
// whatever stands beside it, and NULL has none.
func TestFunctionsTakeWholeVectors(t *testing.T) {
	key := []byte("a key of thirty-two bytes, for us")
	var seen atomic.Int64
	d, err := Open(t.Context(), Options{Dir: t.TempDir(), Threads: 2, MemoryMB: 200, Key: key, Seen: &seen})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	const rows = 10_000
	// Repeated ids, ids that are long, empty, constant, and missing.
	for name, id := range map[string]string{
		"repeated": "(i // 3)::VARCHAR", "long": "repeat('é', 1 + i % 40)", "empty": "CASE WHEN i % 2 = 0 THEN '' ELSE i::VARCHAR END",
		"constant": "'one'", "missing": "CASE WHEN i % 5 <> 0 THEN (i // 2)::VARCHAR END", "none": "CAST(NULL AS VARCHAR)",
	} {
		t.Run(name, func(t *testing.T) {
			seen.Store(0)
			got, err := d.Query(t.Context(), "SELECT "+id+" AS id, "+UnitFunction+"(id) AS unit, "+CountFunction+"(id) AS zero FROM range(10000) r(i)")
			if err != nil {
				t.Fatal(err)
			}
			defer got.Close()
			n := 0
			for ; got.Next(); n++ {
				var id *string
				var unit, zero *uint64
				if err := got.Scan(&id, &unit, &zero); err != nil {
					t.Fatal(err)
				}
				switch {
				case (id == nil) != (unit == nil) || (id == nil) != (zero == nil):
					t.Fatalf("row %d: one of %v, %v, %v is NULL", n, id, unit, zero)
				case id != nil && (*unit != Pseudonym(key, *id) || *zero != 0):
					t.Fatalf("row %d: %d and %d", n, *unit, *zero)
				}
			}
			if err := got.Err(); err != nil || n != rows {
				t.Fatalf("%d rows, %v", n, err)
			}
			if name == "repeated" && seen.Load() != 2*rows {
				t.Errorf("%d rows were seen, want %d", seen.Load(), 2*rows)
			}
		})
	}
}
