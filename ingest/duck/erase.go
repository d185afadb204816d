package duck

import (
	"github.com/duckdb/duckdb-go/v2"
)

// ErasedFunction is whether a pseudonym is among those that are erased.
const ErasedFunction = "noised_erased"

// Erase gives SQL ErasedFunction for a set of pseudonyms. They are in no statement:
// a filter by a function keeps the order of rows, which a join would not.
func (d *DB) Erase(units []uint64) error {
	set := make(map[uint64]struct{}, len(units))
	for _, u := range units {
		set[u] = struct{}{}
	}
	return duckdb.RegisterScalarUDF(d.conn, ErasedFunction, &function{
		from: duckdb.TYPE_UBIGINT, to: duckdb.TYPE_BOOLEAN, run: func(in, out Vector, rows int) error {
			units, found := View[uint64](in, rows), View[int8](out, rows)
			for i, u := range units {
				found[i] = 0
				if _, erased := set[u]; erased {
					found[i] = 1
				}
			}
			return nil
		},
	})
}
