//go:build audit

package e2e

import (
	"fmt"
	"math"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/blackbox"
)

const shopContract = `
dataset: shop
version: 1
privacy_unit: {column: customer.id, scope: tenant}
contribution: {max_partitions: 2, max_rows_per_partition: 3}
tables:
  kinds:
    public: true
    columns: {kind: {type: integer, role: dimension}, label: {type: varchar, role: dimension, domain: {values: [a, b]}}}
  customer:
    columns: {id: {type: bigint, role: unit}, city: {type: varchar, role: dimension, domain: {values: [x, y]}}}
  orders:
    unit: {via: "customer_id -> customer.id"}
    columns: {customer_id: {type: bigint, role: key}, order_id: {type: bigint, role: key}, kind: {type: integer, role: dimension}, price: {type: integer, role: measure, bounds: [0, 100]}}
  items:
    unit: {via: "order_id -> orders.order_id"}
    columns: {order_id: {type: bigint, role: key}, amount: {type: integer, role: measure, bounds: [0, 10]}}
`

// shop starts a server with the four tables of a shop.
func shop(t *testing.T, kinds, customer, orders, items string) *site {
	t.Helper()
	s := &site{t: t, dir: filepath.Join(t.TempDir(), "data")}
	operator, err := program.Init(t.Context(), s.dir)
	check(t, err)
	s.start("--request-rate", "1000000", "--request-burst", "1000000")
	s.Parties, err = blackbox.SetUp(t.Context(), s.Server, operator, []byte(shopContract), []string{"t"})
	check(t, err)
	s.budget(generous)
	loader := s.Loader["t"]
	s.Loader["t"] = operator // public tables are the operator's
	s.sendFile("t", wire.TypeCSV, kinds, "?table=kinds")
	s.Loader["t"] = loader
	s.sendFile("t", wire.TypeCSV, customer, "?table=customer")
	s.sendFile("t", wire.TypeCSV, orders, "?table=orders")
	s.sendFile("t", wire.TypeCSV, items, "?table=items")
	return s
}

// TestAuditAttack20FanOut multiplies rows by joins: a public table that has each
// of its keys a thousand times, and a person whose orders and items multiply
// each other. With or without that person, a joined count moves by what the
// bounds declare.
func TestAuditAttack20FanOut(t *testing.T) {
	var kinds, customer, orders, items strings.Builder
	kinds.WriteString("kind,label\n")
	for i := range 2000 {
		fmt.Fprintf(&kinds, "%d,%s\n", i%2, []string{"a", "b"}[i%2])
	}
	customer.WriteString("id,city\n")
	orders.WriteString("customer_id,order_id,kind,price\n")
	items.WriteString("order_id,amount\n")
	for i := range 100 {
		fmt.Fprintf(&customer, "%d,%s\n", i, []string{"x", "y"}[i%2])
		fmt.Fprintf(&orders, "%d,%d,%d,%d\n", i, i, i%2, i%90)
		fmt.Fprintf(&items, "%d,%d\n", i, i%10)
	}
	whale := [3]string{customer.String() + "999,x\n" + "999,y\n", orders.String(), items.String()}
	for range 30 { // the same order id again and again
		whale[1] += "999,500,0,100\n999,500,1,100\n"
		whale[2] += "500,10\n"
	}
	queries := map[string]float64{
		"SELECT k.label, COUNT(*) AS v FROM shop.orders o JOIN shop.kinds k ON o.kind = k.kind GROUP BY k.label":                                                     2 * 3,
		"SELECT k.label, SUM(o.price) AS v FROM shop.orders o JOIN shop.kinds k ON o.kind = k.kind GROUP BY k.label":                                                 2 * 3 * 100,
		"SELECT c.city, COUNT(*) AS v FROM shop.items i JOIN shop.orders o ON i.order_id = o.order_id JOIN shop.customer c ON o.customer_id = c.id GROUP BY c.city":  2 * 3,
		"SELECT c.city, SUM(i.amount) AS v FROM shop.items i, shop.orders o, shop.customer c WHERE i.order_id = o.order_id AND o.customer_id = c.id GROUP BY c.city": 2 * 3 * 10,
	}
	with := shop(t, kinds.String(), whale[0], whale[1], whale[2])
	without := shop(t, kinds.String(), customer.String(), orders.String(), items.String())
	const answers = 60
	worst := 0.0
	for sql, bound := range queries {
		q := wire.QueryRequest{SQL: sql, Epsilon: ptr(100.0), Delta: ptr(1e-2)}
		shift := 0.0
		for _, v := range with.column(q, "v", answers) {
			shift += v / answers
		}
		for _, v := range without.column(q, "v", answers) {
			shift -= v / answers
		}
		deviation := *with.explain(q).Columns[1].Stddev * math.Sqrt(2*2/float64(answers))
		if math.Abs(shift) > bound+6*deviation { // 4 comparisons: 8e-9
			t.Errorf("%s\nshifts by %.2f ± %.2f, more than %g", sql, shift, deviation, bound)
		}
		worst = max(worst, math.Abs(shift)/bound)
	}
	verdict(t, "attack-20", 2*answers*len(queries), 1.0, worst)
}

// TestAuditJoinWhale has a person whose orders and items all have one id, so that
// SQL would join each with each: more rows than any machine holds. Whether that
// person is there must not decide whether an answer comes.
func TestAuditJoinWhale(t *testing.T) {
	var customer, orders, items strings.Builder
	customer.WriteString("id,city\n")
	orders.WriteString("customer_id,order_id,kind,price\n")
	items.WriteString("order_id,amount\n")
	for i := range 100 {
		fmt.Fprintf(&customer, "%d,%s\n", i, []string{"x", "y"}[i%2])
		fmt.Fprintf(&orders, "%d,%d,%d,%d\n", i, i, i%2, i%90)
		fmt.Fprintf(&items, "%d,%d\n", i, i%10)
	}
	kinds := "kind,label\n" + strings.Repeat("0,a\n1,b\n", 1000)
	const rows = 100_000
	var whale [2]strings.Builder
	for range rows {
		whale[0].WriteString("999,500,0,100\n")
		whale[1].WriteString("500,10\n")
	}
	questions := []string{
		"SELECT c.city, COUNT(*) AS v FROM shop.items i JOIN shop.orders o ON i.order_id = o.order_id JOIN shop.customer c ON o.customer_id = c.id GROUP BY c.city",
		"SELECT COUNT(*) AS v FROM shop.orders o JOIN shop.items i ON i.order_id = o.order_id",
		"SELECT COUNT(*) AS v FROM shop.orders o LEFT JOIN shop.items i ON i.order_id = o.order_id",
		"SELECT MEDIAN(i.amount) AS v FROM shop.orders o JOIN shop.items i ON i.order_id = o.order_id JOIN shop.kinds k ON o.kind = k.kind",
		"SELECT k.label, SUM(o.price) AS v FROM shop.orders o JOIN shop.kinds k ON o.kind = k.kind GROUP BY k.label",
	}
	ask := func(s *site) (out []trace) {
		for _, sql := range questions {
			out = append(out, s.observe(s.query(wire.QueryRequest{SQL: sql})))
		}
		return out
	}
	without := ask(shop(t, kinds, customer.String(), orders.String(), items.String()))
	with := ask(shop(t, kinds, customer.String()+"999,x\n", orders.String()+whale[0].String(), items.String()+whale[1].String()))
	if diff := cmp.Diff(without, with); diff != "" {
		t.Errorf("a whale in a join shows:\n%s", diff)
	}
	for _, a := range without {
		if a.Status != http.StatusOK {
			t.Errorf("%s: %d", a.Request, a.Status)
		}
	}
	verdict(t, "neighbour-join-whale", 2*len(questions), "identical", "identical")
}
