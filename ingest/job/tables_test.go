package job_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/ingest/ingesttest"
	"github.com/noised/noised/ingest/job"
	"github.com/noised/noised/privacy"
)

// shop has a public table and a chain of three private ones.
const shop = `
dataset: ratings
version: 1
privacy_unit: {column: customer.c_id, scope: tenant}
contribution: {max_partitions: 5, max_rows_per_partition: 5}
tables:
  nation:   {public: true, columns: {n_id: {type: integer, role: dimension}, n_name: {type: varchar, role: dimension}}}
  customer: {columns: {c_id: {type: bigint, role: unit}, c_nation: {type: integer, role: dimension}}}
  orders:
    unit: {via: "o_customer -> customer.c_id"}
    columns: {o_id: {type: bigint, role: key}, o_customer: {type: bigint, role: key}, o_day: {type: date, role: dimension}}
  lineitem:
    unit: {via: "l_order -> orders.o_id"}
    columns: {l_order: {type: bigint, role: key}, l_price: {type: integer, role: measure, bounds: [0, 100]}}
`

const (
	nations   = "n_id,n_name\n1,France\n2,Peru\n"
	customers = "c_id,c_nation\n1,1\n2,2\n3,1\n"
	orders    = "o_id,o_customer,o_day\n10,1,2024-01-01\n11,1,2024-01-02\n20,2,2024-01-01\n"
	lineitems = "l_order,l_price\n10,5\n10,6\n11,7\n20,8\n"
)

// newShop is a house whose dataset has the tables of shop.
func newShop(t testing.TB, command ...string) *house {
	t.Helper()
	h := open(t, t.TempDir(), command...)
	h.Must(h.Put(shop))
	h.join("a", 1)
	return h
}

func table(name string, edit ...func(*job.Request)) job.Request {
	return request(append(edit, func(r *job.Request) { r.Table = name })...)
}

func public(name string) job.Request {
	return job.Request{Dataset: "ratings", Table: name, Format: "csv", By: operator}
}

func replace(r *job.Request) { r.Write = job.WriteReplace }

func allow(bad int64) func(*job.Request) {
	return func(r *job.Request) { r.MaxBadRecords = &bad }
}

// stored returns rows of a table by an expression, with the units numbered in
// the order of their first customer row.
func (h *house) stored(tenant, table, expression string) []string {
	h.T.Helper()
	out := []string{}
	for _, seg := range h.Head("ratings", tenant).Of(table) {
		rows := h.Query("SELECT CAST("+expression+" AS VARCHAR) FROM s0.rows", seg)
		if int64(len(rows)) != seg.Rows {
			h.T.Errorf("segment %s has %d rows and says %d", seg.ID, len(rows), seg.Rows)
		}
		out = append(out, rows...)
	}
	slices.Sort(out)
	return out
}

// names returns the tables of the segments of the current generation.
func (h *house) names(tenant string) []string {
	h.T.Helper()
	var names []string
	for _, s := range h.Head("ratings", tenant).Segments {
		names = append(names, s.Table)
	}
	return names
}

func TestTablesOfADataset(t *testing.T) {
	h := newShop(t)
	h.Start()
	h.Load(public("nation"), nations)
	h.Load(table("customer"), customers)
	if l := h.Load(table("orders"), orders); l.Table != "orders" || l.RowsLoaded != 3 {
		t.Errorf("%+v", l)
	}
	h.Load(table("lineitem"), lineitems)

	if diff := cmp.Diff([]string{"customer", "orders", "lineitem"}, h.names("a")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"1 France", "2 Peru"}, h.stored(catalog.Public, "nation", "n_id || ' ' || n_name")); diff != "" {
		t.Error(diff)
	}
	// Every row of every table has the unit that its customer has.
	units := h.stored("a", "customer", "c_nation || '=' || _unit")
	if len(units) != 3 {
		t.Fatalf("customers %v", units)
	}
	ofPeru := strings.TrimPrefix(units[2], "2=")
	if got := h.stored("a", "lineitem", "_unit || ' ' || l_price"); !slices.Contains(got, ofPeru+" 8") || len(got) != 4 {
		t.Errorf("line items %v, the customer of 20 is %s", got, ofPeru)
	}
	if got := h.stored("a", "orders", "o_id"); !cmp.Equal(got, []string{"10", "11", "20"}) {
		t.Errorf("orders %v", got)
	}
	for _, f := range h.Files("public") {
		if !strings.HasPrefix(f, "public/ratings/seg_") {
			t.Errorf("a public file at %s", f)
		}
	}
}

func TestWhoMayLoadWhichTable(t *testing.T) {
	h := newShop(t)
	for name, c := range map[string]struct {
		r    job.Request
		code privacy.Code
		text string
	}{
		"no table":                      {table(""), privacy.CodeInvalidRequest, "name one of nation, customer, orders, lineitem"},
		"an unknown table":              {table("item"), privacy.CodeInvalidRequest, "name one of"},
		"a public table, a contributor": {table("nation"), privacy.CodeForbidden, "the operator loads it"},
		"a private table, the operator": {public("customer"), privacy.CodeForbidden, "public tables only"},
		"no table, the operator":        {public(""), privacy.CodeForbidden, "public tables only"},
		"an unknown table, the operator": {
			public("item"), privacy.CodeForbidden, "public tables only",
		},
		"the operator for a tenant":      {table("nation", func(r *job.Request) { r.By = operator }), privacy.CodeForbidden, "only contributors"},
		"a contributor for nobody":       {table("nation", func(r *job.Request) { r.Tenant = "" }), privacy.CodeForbidden, "only contributors"},
		"a contributor without a tenant": {table("nation", func(r *job.Request) { r.Tenant, r.By.Tenant = "", "" }), privacy.CodeForbidden, "only contributors"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := h.Jobs.Create(context.Background(), c.r, strings.NewReader(""))
			ingesttest.WantCode(t, err, c.code)
			if !strings.Contains(err.Error(), c.text) {
				t.Errorf("%v does not say %q", err, c.text)
			}
		})
	}
	one := newHouse(t)
	_, err := one.Jobs.Create(context.Background(), table("ratings"), strings.NewReader(""))
	ingesttest.WantCode(t, err, privacy.CodeInvalidRequest)
	_, err = one.Jobs.Create(context.Background(), public(""), strings.NewReader(""))
	ingesttest.WantCode(t, err, privacy.CodeForbidden)
}

func TestTheSameLoadIDOfAnotherTable(t *testing.T) {
	h := newShop(t)
	named := func(r *job.Request) { r.LoadID = "monday" }
	h.Send(table("customer", named), "c_id,c_nation\n")
	_, err := h.Jobs.Create(context.Background(), table("orders", named), strings.NewReader("c_id,c_nation\n"))
	ingesttest.WantCode(t, err, privacy.CodeIdempotencyMismatch)
}

// A row belongs to the unit that its key leads to when it is loaded, whatever
// becomes of the other table later.
func TestReplaceTakesThePlaceOfOneTableOnly(t *testing.T) {
	h := newShop(t)
	h.Start()
	h.Load(table("customer"), customers)
	h.Load(table("orders"), orders)
	h.Load(table("lineitem"), lineitems)
	before := h.stored("a", "lineitem", "_unit || ' ' || l_price")

	h.Load(table("orders", replace), "o_id,o_customer,o_day\n10,3,2024-05-05\n")
	if diff := cmp.Diff([]string{"customer", "lineitem", "orders"}, h.names("a")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(before, h.stored("a", "lineitem", "_unit || ' ' || l_price")); diff != "" {
		t.Error(diff)
	}
	l := h.Load(table("lineitem", allow(1)), "l_order,l_price\n10,50\n20,60\n") // 10 is 3's now, and 20 is gone
	if l.RowsLoaded != 1 || l.RowsRejected != 1 {
		t.Errorf("%+v", l)
	}
	three := h.stored("a", "orders", "_unit")[0]
	if got := h.stored("a", "lineitem", "_unit || ' ' || l_price"); !slices.Contains(got, three+" 50") || len(got) != len(before)+1 {
		t.Errorf("%v", got)
	}
}

func TestKeysThatLeadNowhereAreBadRows(t *testing.T) {
	h := newShop(t)
	h.Start()
	h.Load(table("customer"), customers)
	l := h.Ended(h.Send(table("orders"), "o_id,o_customer,o_day\n10,1,2024-01-01\n90,9,2024-01-01\n"))
	want := "1 of 2 rows are bad, and max_bad_records is 0; the first: line 3, column o_customer: no row of customer has this key"
	if diff := cmp.Diff(&job.Failure{Code: privacy.CodeLoadRejected, Message: want}, l.Error); diff != "" {
		t.Error(diff)
	}
	l = h.Ended(h.Send(table("lineitem", allow(4)), lineitems))
	want = "load orders first: it has no rows yet, and a row here belongs to whoever has its l_order there"
	if diff := cmp.Diff(&job.Failure{Code: privacy.CodeLoadRejected, Message: want}, l.Error); diff != "" {
		t.Error(diff)
	}
}

// An order that two customers share belongs to both: each has a copy of its
// line items.
func TestASharedKeyGivesEachUnitACopy(t *testing.T) {
	h := newShop(t)
	h.Start()
	h.Load(table("customer"), customers)
	h.Load(table("orders"), "o_id,o_customer,o_day\n10,1,2024-01-01\n10,2,2024-01-01\n10,2,2024-01-02\n")
	l := h.Load(table("lineitem"), "l_order,l_price\n10,5\n10,6\n")
	if l.RowsRead != 2 || l.RowsLoaded != 2 {
		t.Errorf("%+v", l)
	}
	if got := h.stored("a", "lineitem", "l_price"); !cmp.Equal(got, []string{"5", "5", "6", "6"}) {
		t.Errorf("line items %v", got)
	}
	if units := slices.Compact(h.stored("a", "lineitem", "_unit")); len(units) != 2 {
		t.Errorf("they belong to %v", units)
	}
}

// TestNeighbourUnitAtLoad loads all tables with and without one customer's row.
// Everything that is stored of the others is the same, and nothing of that
// customer is left, although the later files are the same byte for byte.
func TestNeighbourUnitAtLoad(t *testing.T) {
	load := func(customers string) map[string][]string {
		h := newShop(t)
		h.Must(copySecrets(h))
		h.Start()
		h.Load(table("customer"), customers)
		h.Load(table("orders", allow(9)), orders+"10,3,2024-03-03\n30,3,2024-01-01\n")
		h.Load(table("lineitem", allow(9)), lineitems+"30,9\n")
		return map[string][]string{
			"customer": h.stored("a", "customer", "_unit || '|' || c_nation"),
			"orders":   h.stored("a", "orders", "_unit || '|' || o_id || '|' || o_day"),
			"lineitem": h.stored("a", "lineitem", "_unit || '|' || l_order || '|' || l_price"),
		}
	}
	with, without := load(customers), load(strings.Replace(customers, "1,1\n", "", 1))
	removed := map[string]int{"customer": 1, "orders": 2, "lineitem": 3}
	for name, rows := range with {
		others := slices.DeleteFunc(slices.Clone(rows), func(row string) bool { return !slices.Contains(without[name], row) })
		if diff := cmp.Diff(without[name], others); diff != "" {
			t.Errorf("%s of others: %s", name, diff)
		}
		if n := len(rows) - len(others); n != removed[name] {
			t.Errorf("%s: %d rows were the customer's, want %d", name, n, removed[name])
		}
	}
}

// copySecrets gives a house fixed secrets, so that two houses have the same
// pseudonyms.
func copySecrets(h *house) error {
	return h.DB.InTx(context.Background(), func(ctx context.Context, tx *sql.Tx) error {
		for _, tenant := range []string{"", "a"} {
			if _, err := tx.ExecContext(ctx, `INSERT INTO dataset_secrets (dataset, tenant, pseudonym_key, salt) VALUES ('ratings', ?, ?, ?)`,
				tenant, []byte("a key of exactly thirty-two byte"), []byte("sixteen bytes...")); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestSegmentsAreMergedPerTable(t *testing.T) {
	h := newShop(t)
	h.Start()
	h.Load(table("customer"), customers)
	for i := range job.MergeAt + 1 {
		h.Load(table("orders"), fmt.Sprintf("o_id,o_customer,o_day\n%d,%d,2024-01-01\n", i, i%3+1))
	}
	if diff := cmp.Diff([]string{"customer", "orders", "orders"}, h.names("a")); diff != "" {
		t.Error(diff)
	}
	if got := h.stored("a", "orders", "o_id"); len(got) != job.MergeAt+1 {
		t.Errorf("orders %v", got)
	}
	if l := h.Load(table("lineitem"), "l_order,l_price\n0,1\n16,2\n"); l.RowsLoaded != 2 {
		t.Errorf("%+v", l)
	}
}

// A table that a new version no longer declares leaves with the next load.
func TestANewVersionWithoutATable(t *testing.T) {
	h := newShop(t)
	h.Start()
	h.Load(table("customer"), customers)
	h.Load(table("orders"), orders)
	h.Load(table("lineitem"), lineitems)
	next := shop[:strings.Index(shop, "  lineitem:")]
	h.Must(h.Put(strings.Replace(next, "version: 1", "version: 2", 1)))
	h.join("a", 2)
	h.Load(table("customer"), "c_id,c_nation\n4,2\n")
	if diff := cmp.Diff([]string{"customer", "orders", "customer"}, h.names("a")); diff != "" {
		t.Error(diff)
	}
}

func TestACrashInTheLoadOfATableLeavesTheOthers(t *testing.T) {
	h := newShop(t)
	stop := h.Start()
	h.Load(table("customer"), customers)
	h.Load(public("nation"), nations)
	stop()
	private := h.Send(table("orders"), orders)
	nation := h.Send(public("nation"), "n_id,n_name\n3,Chad\n")
	p := h.StartServer("stuck-worker")
	for _, l := range []job.Load{private, nation} {
		work := filepath.Join(h.Dir, "tmp", "loads", l.ID+"-1")
		h.Eventually("attempt "+work, func() bool {
			_, err := os.Stat(work)
			return err == nil
		})
	}
	p.Kill()
	if diff := cmp.Diff([]string{"customer"}, h.names("a")); diff != "" {
		t.Error(diff)
	}
	h.Start()
	if l := h.Ended(private); l.State != job.StateSucceeded || l.RowsLoaded != 3 {
		t.Errorf("%+v", l)
	}
	h.Eventually("the public load", func() bool { return len(h.stored(catalog.Public, "nation", "n_id")) == 3 })
	h.Eventually("the removal of scratch files", func() bool { return len(h.Files("tmp")) == 0 && len(h.Files("spool")) == 0 })
	if files := append(h.Files("public"), h.Files("tenants/a/ratings")...); len(files) != 4 {
		t.Errorf("files %v", files)
	}
}

// Rejected rows of public tables are nobody's to read, and are not kept.
func TestPublicLoadsAreTheOperatorsOwn(t *testing.T) {
	h := newShop(t)
	h.Start()
	bad := public("nation")
	allow(1)(&bad)
	l := h.Load(bad, nations+"x,Nowhere\n")
	if l.RowsRejected != 1 || l.Tenant != "" || l.Table != "nation" {
		t.Errorf("%+v", l)
	}
	_, err := h.Jobs.Get(context.Background(), "a", l.ID)
	ingesttest.WantCode(t, err, privacy.CodeNotFound)
	items, _, err := h.Jobs.List(context.Background(), catalog.Public, "", 10)
	if err != nil || len(items) != 1 {
		t.Errorf("%v, %v", items, err)
	}
	// The scratch files go after the load is said to have ended.
	h.Eventually("the removal of scratch files", func() bool { return len(h.Files("tmp")) == 0 })
	for _, f := range h.Files(".") {
		if strings.HasSuffix(f, ".ndjson") {
			t.Errorf("rejected rows at %s", f)
		}
	}
}
