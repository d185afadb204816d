package data

import (
	"bytes"
	"context"
	_ "embed" // the contract
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/bench/internal/plain"
	"github.com/noised/noised/cmd/noised/bench/internal/site"
)

// TPCH says which TPC-H data to make, and where.
type TPCH struct {
	Extension string // file of DuckDB's tpch extension
	Dir       string // that keeps the generated database
	Scale     int    // factor; 0 stands for a hundredth
}

// tpchTenant holds all private tables.
const tpchTenant = "alone"

// tpchTables are the tables in an order in which they can be loaded: parents
// first. The private ones belong to the tenant.
var tpchTables = []struct {
	name    string
	private bool
	columns string // that the queries and joins read
}{
	{"region", false, "r_regionkey, r_name"},
	{"nation", false, "n_nationkey, n_name, n_regionkey"},
	{"supplier", false, "s_suppkey, s_nationkey"},
	{"part", false, "p_partkey, p_brand, p_type, p_size, p_container"},
	{"customer", true, "c_custkey, c_nationkey, c_mktsegment, c_acctbal"},
	{"orders", true, "o_orderkey, o_custkey, o_orderstatus, o_totalprice, o_orderdate, o_orderpriority"},
	{"lineitem", true, "l_orderkey, l_partkey, l_suppkey, l_quantity, l_extendedprice, l_discount, l_tax, l_returnflag, l_linestatus, l_shipdate, l_shipinstruct, l_shipmode"},
}

// published are the rows of each table at the scale factors for which the
// specification, or its own generator, gives them.
var published = map[int]map[string]int64{
	1:  {"region": 5, "nation": 25, "supplier": 10_000, "part": 200_000, "customer": 150_000, "orders": 1_500_000, "lineitem": 6_001_215},
	10: {"region": 5, "nation": 25, "supplier": 100_000, "part": 2_000_000, "customer": 1_500_000, "orders": 15_000_000, "lineitem": 59_986_052},
}

// Database makes TPC-H's tables with DuckDB's generator, unless they are there,
// and returns the database file.
func (t TPCH) Database(ctx context.Context) (path string, err error) {
	path = filepath.Join(t.Dir, fmt.Sprintf("tpch-sf%d.duckdb", t.Scale))
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	part := path + ".part"
	if err := os.RemoveAll(part); err != nil {
		return "", err
	}
	if err := t.generate(ctx, part); err != nil {
		return "", err
	}
	return path, os.Rename(part, path)
}

func (t TPCH) generate(ctx context.Context, path string) (err error) {
	db, err := plain.Open(ctx, path, t.Dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	factor := fmt.Sprint(t.Scale)
	if t.Scale == 0 {
		factor = "0.01"
	}
	for _, statement := range []string{"LOAD " + plain.Literal(t.Extension), "CALL dbgen(sf = " + factor + ")", "CHECKPOINT"} {
		if err := db.Exec(ctx, statement); err != nil {
			return err
		}
	}
	for table, want := range published[t.Scale] {
		n, err := db.Int(ctx, "SELECT count(*) FROM "+table)
		if err != nil {
			return err
		}
		if n != want {
			return fmt.Errorf("%s has %d rows, TPC-H %d", table, n, want)
		}
	}
	return nil
}

// Percentile is the 99th percentile of the rows that a customer has in lineitem,
// of those who have any.
func (t TPCH) Percentile(ctx context.Context, db *plain.DB) (int64, error) {
	return db.Int(ctx, `SELECT quantile_disc(n, 0.99) FROM
		(SELECT count(*) AS n FROM s0.orders JOIN s0.lineitem ON l_orderkey = o_orderkey GROUP BY o_custkey)`)
}

//go:embed tpch.yaml
var tpchContract string

// Spec says how a site of the tables in db is made, whose customers are bounded
// to maxRows rows of each table.
func (t TPCH) Spec(ctx context.Context, db *plain.DB, maxRows int64) (site.Spec, error) {
	nations, err := db.Text(ctx, "SELECT string_agg(n_name, ', ' ORDER BY n_name) FROM s0.nation")
	if err != nil {
		return site.Spec{}, err
	}
	tmpl, err := template.New("tpch.yaml").Parse(tpchContract)
	if err != nil {
		return site.Spec{}, err
	}
	var contract bytes.Buffer
	if err := tmpl.Execute(&contract, map[string]any{"MaxRows": maxRows, "Nations": nations}); err != nil {
		return site.Spec{}, err
	}
	var recipe strings.Builder
	for _, table := range tpchTables {
		fmt.Fprintln(&recipe, table)
	}
	return site.Spec{
		Name: fmt.Sprintf("tpch-sf%d", t.Scale), Contract: contract.Bytes(), Tenants: []string{tpchTenant}, Recipe: recipe.String(),
		Files: func(ctx context.Context, dir string) ([]site.File, error) { return writeTables(ctx, db, dir) },
	}, nil
}

func writeTables(ctx context.Context, db *plain.DB, dir string) (files []site.File, err error) {
	for _, table := range tpchTables {
		f := site.File{Table: table.name, Path: filepath.Join(dir, table.name+".parquet"), ContentType: wire.TypeParquet}
		if table.private {
			f.Tenant = tpchTenant
		}
		f.Excess = table.name == "lineitem"
		if f.Rows, err = db.Int(ctx, "SELECT count(*) FROM s0."+table.name); err != nil {
			return nil, err
		}
		if err := db.CopyTo(ctx, "SELECT "+table.columns+" FROM s0."+table.name, f.Path); err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}
