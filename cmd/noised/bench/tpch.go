package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/noised/noised/cmd/noised/bench/internal/data"
	"github.com/noised/noised/cmd/noised/bench/internal/plain"
	"github.com/noised/noised/cmd/noised/bench/internal/report"
	"github.com/noised/noised/cmd/noised/bench/internal/site"
)

// tpch are TPC-H's queries, as near to the specification's text as the planner
// permits: the join condition of Q19 stands once, outside the OR. % stands for
// the dataset, and the baseline reads its own tables by the same text.
var tpch = []struct {
	number int
	groups int
	sql    string
}{
	{1, 6, `SELECT l_returnflag, l_linestatus, SUM(l_quantity) AS sum_qty, SUM(l_extendedprice) AS sum_base_price,
  SUM(l_extendedprice * (1 - l_discount)) AS sum_disc_price, SUM(l_extendedprice * (1 - l_discount) * (1 + l_tax)) AS sum_charge,
  AVG(l_quantity) AS avg_qty, AVG(l_extendedprice) AS avg_price, AVG(l_discount) AS avg_disc, COUNT(*) AS count_order
FROM %lineitem WHERE l_shipdate <= DATE '1998-09-02'
GROUP BY l_returnflag, l_linestatus ORDER BY l_returnflag, l_linestatus`},
	{5, 25, `SELECT n_name, SUM(l_extendedprice * (1 - l_discount)) AS revenue
FROM %customer, %orders, %lineitem, %supplier, %nation, %region
WHERE c_custkey = o_custkey AND l_orderkey = o_orderkey AND l_suppkey = s_suppkey AND c_nationkey = s_nationkey
  AND s_nationkey = n_nationkey AND n_regionkey = r_regionkey AND r_name = 'ASIA'
  AND o_orderdate >= DATE '1994-01-01' AND o_orderdate < DATE '1995-01-01'
GROUP BY n_name ORDER BY revenue DESC`},
	{6, 1, `SELECT SUM(l_extendedprice * l_discount) AS revenue FROM %lineitem
WHERE l_shipdate >= DATE '1994-01-01' AND l_shipdate < DATE '1995-01-01' AND l_discount BETWEEN 0.05 AND 0.07 AND l_quantity < 24`},
	{14, 1, `SELECT 100.00 * SUM(CASE WHEN p_type LIKE 'PROMO%' THEN l_extendedprice * (1 - l_discount) ELSE 0 END)
  / SUM(l_extendedprice * (1 - l_discount)) AS promo_revenue
FROM %lineitem, %part
WHERE l_partkey = p_partkey AND l_shipdate >= DATE '1995-09-01' AND l_shipdate < DATE '1995-10-01'`},
	{19, 1, `SELECT SUM(l_extendedprice * (1 - l_discount)) AS revenue FROM %lineitem, %part
WHERE p_partkey = l_partkey AND l_shipmode IN ('AIR', 'AIR REG') AND l_shipinstruct = 'DELIVER IN PERSON' AND (
  p_brand = 'Brand#12' AND p_container IN ('SM CASE', 'SM BOX', 'SM PACK', 'SM PKG') AND l_quantity >= 1 AND l_quantity <= 11 AND p_size BETWEEN 1 AND 5
  OR p_brand = 'Brand#23' AND p_container IN ('MED BAG', 'MED BOX', 'MED PKG', 'MED PACK') AND l_quantity >= 10 AND l_quantity <= 20 AND p_size BETWEEN 1 AND 10
  OR p_brand = 'Brand#34' AND p_container IN ('LG CASE', 'LG BOX', 'LG PACK', 'LG PKG') AND l_quantity >= 20 AND l_quantity <= 30 AND p_size BETWEEN 1 AND 15)`},
}

// inDataset names the tables of a dataset, or those of the baseline.
func inDataset(sql, prefix string) string {
	for _, table := range []string{"customer", "orders", "lineitem", "supplier", "nation", "region", "part"} {
		sql = strings.ReplaceAll(sql, "%"+table, prefix+table)
	}
	return sql
}

// tpchQueries compares TPC-H's queries with DuckDB's own answers from the tables
// as its generator leaves them.
func (b *bench) tpchQueries(ctx context.Context) (err error) {
	t := data.TPCH{Extension: b.tpch, Dir: b.cache, Scale: b.scale}
	path, err := t.Database(ctx)
	if err != nil {
		for _, name := range []string{"tpch_geomean", "tpch_q1"} {
			b.add(report.Figure{Name: name, Missing: "no TPC-H data: DuckDB's tpch extension is not there or does not load"})
		}
		if _, absent := os.Stat(b.tpch); absent != nil {
			return nil
		}
		return err
	}
	db, err := plain.OpenSegments(ctx, b.cache, path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	rows, err := t.Percentile(ctx, db)
	if err != nil {
		return err
	}
	spec, err := t.Spec(ctx, db, rows)
	if err != nil {
		return err
	}
	s, err := b.sites.Open(ctx, spec)
	if err != nil {
		return err
	}
	v, err := s.Serve(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	return b.compareQueries(ctx, &stage{bench: b, site: s, service: v, plain: db}, fmt.Sprintf("max_rows: %d", rows))
}

func (b *bench) compareQueries(ctx context.Context, st *stage, note string) error {
	var all []report.Figure
	for _, q := range tpch {
		s := shape{fmt.Sprintf("tpch_q%d", q.number), site.Question{SQL: inDataset(q.sql, "tpch.")}, inDataset(q.sql, "s0."), q.groups}
		strategy, err := st.service.Strategy(ctx, s.ask)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		t, err := b.alternate(ctx, st.asking(s), func(ctx context.Context) error { return st.plain.Exec(ctx, s.plain) })
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		f := report.Pairs(s.name, "ms", t[0], t[1])
		f.Strategy, f.Note = strategy, note
		b.add(f)
		all = append(all, f)
	}
	b.add(report.Mean("tpch_geomean", all))
	return nil
}
