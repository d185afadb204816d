package report

import (
	"fmt"
	"slices"
)

// Goal is what a figure is held to.
type Goal struct {
	Name    string
	What    string
	Against string
	// AtMost bounds the ratio; where Absolute, the value instead.
	AtMost   float64
	Absolute bool
	AtLeast  float64 // of the value; none when 0
}

// Goals are those of the whole benchmark at its full sizes.
var Goals = []Goal{
	{Name: "groupby_bounded", What: "GROUP BY 50 declared keys, 20 M rows, 2 M units, at most 5 keys of a unit and 10 rows in each, COUNT and SUM", Against: "plain GROUP BY on the same file", AtMost: 1.6},
	{Name: "groupby_units", What: "the same with COUNT(DISTINCT unit)", Against: "plain COUNT and SUM", AtMost: 2.2},
	{Name: "groupby_filtered", What: "the same with a filter that keeps half of the rows, bounded after the filter", Against: "plain with the filter", AtMost: 6},
	{Name: "groupby_contract", What: "contract max_rows: 1, one row per unit", Against: "plain GROUP BY on the same file", AtMost: 1.2},
	{Name: "total_clamp", What: "COUNT and SUM without GROUP BY, at most 10 rows per unit", Against: "plain", AtMost: 3},
	{Name: "secret_keys_100k", What: "GROUP BY a secret text with 100,000 values", Against: "plain GROUP BY on the same file", AtMost: 4},
	{Name: "person_scope_14", What: "scope person over 14 tenants, the same number of rows in all", Against: "one tenant, streaming", AtMost: 1.5},
	{Name: "ours_over_sql_rewrite", What: "groupby_bounded", Against: "the textbook rewrite with row_number, in DuckDB on the same file", AtMost: 0.02},
	{Name: "tpch_geomean", What: "TPC-H Q1, Q5, Q6, Q14, Q19, the customer as the unit, bounded at the 99th percentile of rows", Against: "plain DuckDB on the tables as generated", AtMost: 1.5},
	{Name: "tpch_q1", What: "TPC-H Q1 alone", Against: "plain DuckDB on the tables as generated", AtMost: 2},
	{Name: "tenants_1000", What: "GROUP BY 50 declared keys over 1,000 tenants of 20,000 rows, warm", Against: "plain GROUP BY on one file of 20 M rows", AtMost: 3},
	{Name: "tenants_1000_memory", What: "peak resident memory of a server with 1,000 tenants, over that of one with one file", Against: "1 GB", AtMost: 1000, Absolute: true},
	{Name: "load_2gb", What: "load of a 2 GB CSV file", Against: "DuckDB reads the file, orders it by unit and writes it", AtMost: 2.5},
	{Name: "load_2gb_resident", What: "peak resident memory of the largest process of that load", Against: "1 GB", AtMost: 1000, Absolute: true},
	{Name: "charges_100", What: "charges over 100 tenants each, 64 clients, durable", Against: "bare SQLite transactions of the same rows in equal batches", AtMost: 1.5},
	{Name: "charges_100_rate", What: "charges a second of charges_100", Against: "bare SQLite transactions a second", AtLeast: 1000},
	{Name: "noise_1m", What: "COUNT by 10⁶ declared values over 20 M rows, query and noise", Against: "the exact query", AtMost: 3},
}

// goalOf finds a figure's goal.
func goalOf(name string) (Goal, bool) {
	if i := slices.IndexFunc(Goals, func(g Goal) bool { return g.Name == name }); i >= 0 {
		return Goals[i], true
	}
	return Goal{}, false
}

// placeOf orders figures as Goals are, and those without behind.
func placeOf(name string) int {
	if i := slices.IndexFunc(Goals, func(g Goal) bool { return g.Name == name }); i >= 0 {
		return i
	}
	return len(Goals)
}

func (g Goal) meets(f Figure) bool {
	switch {
	case g.AtLeast > 0:
		return f.Value >= g.AtLeast
	case g.Absolute:
		return f.Value <= g.AtMost
	}
	return f.Ratio <= g.AtMost
}

// String says it in words.
func (g Goal) String() string {
	switch {
	case g.AtLeast > 0:
		return fmt.Sprintf("value ≥ %g", g.AtLeast)
	case g.Absolute:
		return fmt.Sprintf("value ≤ %g", g.AtMost)
	}
	return fmt.Sprintf("ratio ≤ %g", g.AtMost)
}
