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

// A number has the pseudonym of its decimal text.
func TestNumbersHaveThePseudonymsOfTheirTexts(t *testing.T) {
	d, err := Open(t.Context(), Options{Dir: t.TempDir(), Threads: 2, MemoryMB: 200, Key: []byte("a key")})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	const numbers = "SELECT unnest([NULL, 0, 1, -1, 9223372036854775807, -9223372036854775808]) AS n UNION ALL SELECT (hash(i) // 2)::BIGINT - 4611686018427387904 FROM range(5000) r(i)"
	var rows, wrong int64
	if err := d.Ints(t.Context(), "SELECT count(*), count(*) FILTER ("+NumberFunction+"(n) IS DISTINCT FROM "+UnitFunction+"(CAST(n AS VARCHAR))) FROM ("+numbers+")", &rows, &wrong); err != nil {
		t.Fatal(err)
	}
	if rows != 5006 || wrong != 0 {
		t.Errorf("%d of %d", wrong, rows)
	}
	var small int64
	if err := d.Ints(t.Context(), "SELECT count(*) FROM (SELECT (i - 128)::TINYINT AS n FROM range(256) r(i)) WHERE "+NumberFunction+"(n) <> "+UnitFunction+"(CAST(n AS VARCHAR))", &small); err != nil || small != 0 {
		t.Errorf("%d of the smallest, %v", small, err)
	}
}

// What might be written as a fraction has a point or an exponent.
func TestFractionsAreFound(t *testing.T) {
	d, err := Open(t.Context(), Options{Dir: t.TempDir(), Threads: 1, MemoryMB: 200})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var wrong int64
	if err := d.Ints(t.Context(), "SELECT count(*) FROM (VALUES ('1', false), ('1.', true), ('.', true), ('1e3', true), ('1E3', true), ('', false), (NULL, NULL), ('D', false), ('a long number 12345', true), ('123456789012345678', false)) v(r, has) WHERE "+FractionFunction+"(r) IS DISTINCT FROM has", &wrong); err != nil || wrong != 0 {
		t.Errorf("%d, %v", wrong, err)
	}
}
