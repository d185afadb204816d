package job_test

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/ingest/job"
)

var update = flag.Bool("update", false, "write the files of testdata/tpch again")

const tpchDir = "../../testdata/tpch"

// tpchTables is the order in which the tables can be loaded.
var tpchTables = []string{"region", "nation", "part", "customer", "orders", "lineitem"}

// tpch makes the tables of testdata/tpch.yaml, small, with the kinds of values
// and the proportions of TPC-H: 40 customers, of whom some have no order and one
// has 41. Every call makes the same rows.
func tpch() map[string]string {
	rng := rand.New(rand.NewPCG(1992, 1998))
	out := map[string]*strings.Builder{}
	for table, header := range map[string]string{
		"region": "r_regionkey,r_name", "nation": "n_nationkey,n_name,n_regionkey",
		"part":     "p_partkey,p_brand,p_size,p_retailprice",
		"customer": "c_custkey,c_nationkey,c_mktsegment,c_acctbal",
		"orders":   "o_orderkey,o_custkey,o_orderstatus,o_totalprice,o_orderdate,o_orderpriority",
		"lineitem": "l_orderkey,l_partkey,l_linenumber,l_quantity,l_extendedprice,l_discount,l_tax,l_returnflag,l_linestatus,l_shipdate,l_shipmode",
	} {
		out[table] = &strings.Builder{}
		out[table].WriteString(header + "\n")
	}
	row := func(table string, values ...any) {
		text := fmt.Sprintln(values...)
		out[table].WriteString(strings.ReplaceAll(text, " ", ","))
	}
	for i, name := range []string{"AFRICA", "AMERICA", "ASIA", "EUROPE", "MIDDLE\u00a0EAST"} {
		row("region", i, name)
	}
	for i := range 25 {
		row("nation", i, fmt.Sprintf("NATION_%02d", i), i%5)
	}
	price := make([]int, 41) // cents
	for i := 1; i < len(price); i++ {
		price[i] = 90_000 + i*10 + 100*(i%10)
		row("part", i, fmt.Sprintf("Brand#%d%d", 1+i%5, 1+i/10%5), 1+rng.IntN(50), cents(price[i]))
	}
	order := 0
	for customer := 1; customer <= 40; customer++ {
		row("customer", customer, rng.IntN(25), pick(rng, "AUTOMOBILE", "BUILDING", "FURNITURE", "HOUSEHOLD", "MACHINERY"), cents(rng.IntN(1_100_000)-100_000))
		orders := rng.IntN(12)
		switch {
		case customer%3 == 0:
			orders = 0
		case customer == 40:
			orders = 41
		}
		for range orders {
			order++
			placeOrder(rng, row, order, customer, price)
		}
	}
	files := map[string]string{}
	for table, b := range out {
		files[table] = strings.ReplaceAll(b.String(), "\u00a0", " ")
	}
	return files
}

func placeOrder(rng *rand.Rand, row func(string, ...any), order, customer int, price []int) {
	placed := time.Date(1992, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rng.IntN(2400))
	total, open, lines := 0, 0, 1+rng.IntN(7)
	today := time.Date(1995, 6, 17, 0, 0, 0, 0, time.UTC)
	for line := 1; line <= lines; line++ {
		part, quantity, discount, tax := 1+rng.IntN(40), 1+rng.IntN(50), rng.IntN(11), rng.IntN(9)
		extended := quantity * price[part]
		shipped := placed.AddDate(0, 0, 1+rng.IntN(121))
		flag, status := "N", "O"
		if shipped.Before(today) {
			flag, status = pick(rng, "A", "R"), "F"
		} else {
			open++
		}
		total += extended * (100 - discount) / 100
		row("lineitem", order, part, line, quantity, cents(extended), cents(discount), cents(tax), flag, status, shipped.Format(time.DateOnly),
			pick(rng, "AIR", "FOB", "MAIL", "RAIL", "REG\u00a0AIR", "SHIP", "TRUCK"))
	}
	status := map[int]string{0: "F", lines: "O"}[open]
	if status == "" {
		status = "P"
	}
	row("orders", order, customer, status, cents(total), placed.Format(time.DateOnly),
		pick(rng, "1-URGENT", "2-HIGH", "3-MEDIUM", "4-NOT\u00a0SPECIFIED", "5-LOW"))
}

func pick(rng *rand.Rand, values ...string) string { return values[rng.IntN(len(values))] }

func cents(n int) string {
	sign := ""
	if n < 0 {
		sign, n = "-", -n
	}
	return fmt.Sprintf("%s%d.%02d", sign, n/100, n%100)
}

func TestTheTPCHFilesAreWhatTheirGeneratorMakes(t *testing.T) {
	for table, want := range tpch() {
		path := filepath.Join(tpchDir, table+".csv")
		if *update {
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil { //nolint:gosec // sample data is everybody's
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, []byte(want)) {
			t.Errorf("%s differs (%v): run this test with -update", path, err)
		}
	}
}

// Every row of the sample loads under its contract, and belongs to the customer
// whose order it is.
func TestTheTPCHFilesLoad(t *testing.T) {
	h := open(t, t.TempDir())
	doc, err := os.ReadFile(tpchDir + ".yaml")
	h.Must(err)
	h.Must(h.Put(string(doc)))
	h.Join("tpch", "a", 1)
	h.Start()
	files := tpch()
	for _, name := range tpchTables {
		rows := int64(strings.Count(files[name], "\n") - 1)
		var l job.Load
		switch name {
		case "region", "nation", "part":
			r := public(name)
			r.Dataset = "tpch"
			l = h.Load(r, files[name])
		default:
			l = h.Load(table(name, func(r *job.Request) { r.Dataset = "tpch" }), files[name])
		}
		if l.RowsLoaded != rows || rows == 0 || len(l.IgnoredColumns) != 0 {
			t.Errorf("%s: %d of %d rows, ignored %v", name, l.RowsLoaded, rows, l.IgnoredColumns)
		}
	}
	if g, p := h.Head("tpch", "a"), h.Head("tpch", catalog.Public); len(g.Segments) != 3 || len(p.Segments) != 3 {
		t.Errorf("%d private and %d public segments", len(g.Segments), len(p.Segments))
	}
}
