package job_test

import (
	"database/sql"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/engine/duckdb"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/planner"
	"github.com/noised/noised/analytics/reduce"
	"github.com/noised/noised/analytics/sqlparse"
	"github.com/noised/noised/ingest/ingesttest"
	"github.com/noised/noised/ingest/job"
	"github.com/noised/noised/privacy"
)

// loadTPCH gives two tenants the sample's private tables, and the operator's to
// both.
func loadTPCH(t *testing.T) *house {
	h := open(t, t.TempDir())
	h.Must(h.Put(tpchContract(t)))
	for _, tenant := range []string{"a", "b"} {
		h.Join("tpch", tenant, 1)
	}
	h.Start()
	files := tpch()
	for _, name := range tpchTables {
		of := func(r *job.Request) { r.Dataset = "tpch" }
		if slices.Contains([]string{"region", "nation", "part"}, name) {
			r := public(name)
			of(&r)
			h.Load(r, files[name])
			continue
		}
		h.Load(table(name, of), files[name])
		h.Load(table(name, of, func(r *job.Request) { r.Tenant, r.By = "b", ingesttest.Contributor("b") }), files[name])
	}
	return h
}

func tpchContract(t *testing.T) string {
	doc, err := os.ReadFile(tpchDir + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(doc)
}

// exact answers a question without noise: the exact partials of its first
// aggregate, by the text of the key.
func (h *house) exact(p *sqlparse.Parser, e *duckdb.Engine, c *contract.Contract, text string) (map[string]int64, *plan.Bound) {
	h.T.Helper()
	sel, err := p.Parse(h.T.Context(), text)
	h.Must(err)
	sel, err = reduce.Reduce(sel, planner.Columns(c))
	h.Must(err)
	priced, err := planner.Plan(sel, planner.Dataset{Contract: c, Members: []string{"a", "b"}}, planner.Request{})
	h.Must(err)
	in := engine.Input{Plan: priced.Plan}
	for _, owner := range []string{"a", "b", catalog.Public} {
		for _, s := range h.Head("tpch", owner).Segments {
			if slices.ContainsFunc(priced.Plan.Sources, func(o plan.Source) bool { return o.Table == s.Table }) {
				in.Segments = append(in.Segments, engine.Segment{Tenant: owner, Table: s.Table, Path: filepath.Join(h.Dir, s.Path)})
			}
		}
	}
	out, err := e.Run(h.T.Context(), in)
	h.Must(err)
	agg := priced.Plan.Aggs[0]
	draw := agg.Count
	if agg.Sum >= 0 {
		draw = agg.Sum
	}
	got := map[string]int64{}
	for i, key := range out.Keys {
		name := ""
		for _, v := range key {
			name += v.Text() + "|"
		}
		got[name] = out.Draws[draw][i].Clamp(privacy.MaxRelease)
	}
	return got, priced.Plan
}

// bounded answers a query that gives, per row, a key, a customer and a value in
// steps, by the rule of the contract: a customer's n rows of a group count as at
// most c rows of their mean. Two tenants have the same customers.
func bounded(t *testing.T, db *sql.DB, query string, c int64) map[string]int64 {
	t.Helper()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(query, err)
	}
	defer rows.Close()
	type cell struct{ n, s int64 }
	cells := map[[2]string]cell{}
	for rows.Next() {
		var key, customer string
		var v float64
		if err := rows.Scan(&key, &customer, &v); err != nil {
			t.Fatal(err)
		}
		x := cells[[2]string{key, customer}]
		cells[[2]string{key, customer}] = cell{x.n + 1, x.s + int64(math.Round(v))}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	out := map[string]int64{}
	for at, x := range cells {
		if x.n > c {
			x.s = x.s * c / x.n
		}
		out[at[0]] += 2 * x.s
	}
	return out
}

// TestTPCHQueriesOverLoadedTables: queries after TPC-H, over tables that were
// loaded and given to their units through two foreign keys, have the exact
// values that plain SQL computes from the files.
func TestTPCHQueriesOverLoadedTables(t *testing.T) {
	h := loadTPCH(t)
	parser, err := sqlparse.New()
	h.Must(err)
	defer parser.Close()
	e, err := duckdb.New(duckdb.Options{})
	h.Must(err)
	defer e.Close()
	ds, err := h.Catalog.Dataset(t.Context(), "tpch")
	h.Must(err)
	db, err := sql.Open("duckdb", "")
	h.Must(err)
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, name := range tpchTables {
		_, err := db.Exec(fmt.Sprintf("CREATE TABLE %s AS FROM read_csv('%s')", name, filepath.Join(tpchDir, name+".csv")))
		h.Must(err)
	}
	const revenue = "l_extendedprice * (1 - l_discount)"
	const asia = `FROM %[1]scustomer, %[1]sorders, %[1]slineitem, %[1]snation, %[1]sregion
		WHERE c_custkey = o_custkey AND l_orderkey = o_orderkey AND c_nationkey = n_nationkey AND n_regionkey = r_regionkey AND r_name = 'ASIA'
		AND o_orderdate >= DATE '1994-01-01' AND o_orderdate < DATE '1997-01-01'`
	items := "FROM lineitem JOIN orders ON l_orderkey = o_orderkey "
	for name, q := range map[string]struct{ asked, plain string }{
		"1": {"SELECT SUM(l_quantity), l_returnflag, l_linestatus FROM tpch.lineitem WHERE l_shipdate <= DATE '1998-09-02' GROUP BY l_linestatus, l_returnflag",
			"SELECT l_linestatus || '|' || l_returnflag || '|', o_custkey, l_quantity " + items + "WHERE l_shipdate <= DATE '1998-09-02'"},
		"1, revenue": {"SELECT SUM(" + revenue + "), l_returnflag FROM tpch.lineitem GROUP BY l_returnflag",
			"SELECT l_returnflag || '|', o_custkey, 100 * " + revenue + " " + items},
		"5": {"SELECT n_name, SUM(" + revenue + ") " + fmt.Sprintf(asia, "tpch.") + " GROUP BY n_name",
			"SELECT n_name || '|', o_custkey, 100 * " + revenue + " " + fmt.Sprintf(asia, "")},
		"6": {"SELECT SUM(l_extendedprice) FROM tpch.lineitem WHERE l_shipdate >= DATE '1994-01-01' AND l_shipdate < DATE '1995-01-01' AND l_discount BETWEEN 0.03 AND 0.07 AND l_quantity < 24",
			"SELECT '', o_custkey, 100 * l_extendedprice " + items + "WHERE l_shipdate >= DATE '1994-01-01' AND l_shipdate < DATE '1995-01-01' AND l_discount BETWEEN 0.03 AND 0.07 AND l_quantity < 24"},
		"14": {"SELECT SUM(CASE WHEN p_brand LIKE 'Brand#1%' THEN l_quantity ELSE 0 END) FROM tpch.lineitem, tpch.part WHERE l_partkey = p_partkey",
			"SELECT '', o_custkey, CASE WHEN p_brand LIKE 'Brand#1%' THEN l_quantity ELSE 0 END " + items + "JOIN part ON l_partkey = p_partkey"},
		"19": {"SELECT COUNT(*) FROM tpch.lineitem, tpch.part WHERE (p_partkey = l_partkey AND p_size < 20 AND l_quantity < 11) OR (p_partkey = l_partkey AND p_size > 40 AND l_quantity > 30)",
			"SELECT '', o_custkey, 1 " + items + "JOIN part ON p_partkey = l_partkey WHERE p_size < 20 AND l_quantity < 11 OR p_size > 40 AND l_quantity > 30"},
		"customers without orders": {"SELECT c_mktsegment, COUNT(*) FILTER (WHERE o_orderstatus IS NULL) FROM tpch.customer LEFT JOIN tpch.orders ON c_custkey = o_custkey GROUP BY c_mktsegment",
			"SELECT c_mktsegment || '|', c_custkey, 1 FROM customer WHERE c_custkey NOT IN (SELECT o_custkey FROM orders)"},
		"who bought": {"SELECT COUNT(DISTINCT o_custkey) FROM tpch.orders JOIN tpch.lineitem ON o_orderkey = l_orderkey WHERE l_shipmode = 'AIR'",
			"SELECT DISTINCT '', o_custkey, 1 " + items + "WHERE l_shipmode = 'AIR'"},
	} {
		t.Run(name, func(t *testing.T) {
			got, p := h.exact(parser, e, ds.Contract, q.asked)
			want := bounded(t, db, q.plain, p.Limits.MaxRowsPerPartition)
			if len(want) == 0 {
				t.Fatal("no row passes")
			}
			for k, v := range got {
				// A value of four decimals may round to either side of half a cent.
				if diff := v - want[k]; diff > 2000 || diff < -2000 || v < 100_000 && diff != 0 {
					t.Errorf("group %q is %d, want %d", k, v, want[k])
				}
				delete(want, k)
			}
			for k, v := range want {
				if v != 0 {
					t.Errorf("group %q is missing, want %d", k, v)
				}
			}
		})
	}
}
