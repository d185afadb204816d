package erase_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/ingest/erase"
	"github.com/noised/noised/ingest/ingesttest"
	"github.com/noised/noised/ingest/job"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
)

// The people of the tests, and what is recognisable of one of them.
const (
	canary = "ca7a12fe55aa4711"
	nobody = "999"
)

func replacing(r *job.Request) { r.Write = job.WriteReplace }

func allow(n int64) func(*job.Request) {
	return func(r *job.Request) { r.MaxBadRecords = &n }
}

// customers are some people, with the one of the tests or without.
func customers(from, to int, with bool) string {
	var b strings.Builder
	b.WriteString("c_id,c_city,c_note\n")
	for i := from; i < to; i++ {
		fmt.Fprintf(&b, "%d,%s,note %d\n", i, []string{"ulm", "bonn", "kiel"}[i%3], i)
		if i%5 == 0 && with {
			fmt.Fprintf(&b, "7777,%s,%s %d\n", []string{"bonn", "ulm"}[i%2], canary, i)
		}
	}
	return b.String()
}

func orders(with bool) string {
	var b strings.Builder
	b.WriteString("o_id,o_customer,o_day\n")
	for i := range 60 {
		fmt.Fprintf(&b, "%d,%d,2024-01-%02d\n", i, i%20, i%28+1)
		if with && i%9 == 0 {
			fmt.Fprintf(&b, "%d,7777,2024-02-01\n", 1000+i)
		}
	}
	return b.String()
}

func lineitems(with bool) string {
	var b strings.Builder
	b.WriteString("l_order,l_price\n")
	for i := range 120 {
		fmt.Fprintf(&b, "%d,%d\n", i%60, i%100)
		if with && i%18 == 0 {
			fmt.Fprintf(&b, "%d,99\n", 1000+i%60/9*9)
		}
	}
	return b.String()
}

// fill loads some generations: with the person, or without.
func (h *house) fill(with bool) {
	h.T.Helper()
	h.load("nation", "n_id,n_name\n1,Peru\n")
	h.load("customer", customers(100, 110, with)) // which the next one replaces
	h.load("customer", customers(0, 20, with), replacing)
	h.load("customer", customers(20, 40, with))
	h.load("orders", orders(with))
	h.load("orders", orders(with))
	if l := h.load("lineitem", lineitems(with), allow(1000)); l.State != job.StateSucceeded {
		h.T.Fatalf("%+v", l.Error)
	}
}

// One person's erasure: whether a person was in the data or not, what is left after
// the erasure is the same, to the last rank and code, row by row; and of what was there
// before, the erasure changes nobody else's rows. That holds for what is loaded later.
func TestOnePersonErasure(t *testing.T) {
	for _, scope := range []string{"person", "tenant"} {
		t.Run(scope, func(t *testing.T) {
			// Both houses have the same keys, since one is a copy of the other.
			with := newHouse(t, scope, "bigint")
			_, err := with.Catalog.Secrets(t.Context(), "shop", "a")
			with.Must(err)
			_ = with.DB.Close()
			dir := filepath.Join(t.TempDir(), "copy")
			with.Must(os.CopyFS(dir, os.DirFS(with.Dir)))
			with, without := open(t, with.Dir), open(t, dir)
			with.Start()
			without.Start()
			with.fill(true)
			without.fill(false)
			before := map[string][]string{}
			for _, table := range []string{"customer", "orders", "lineitem"} {
				before[table] = with.stored(table)
			}
			x, y := with.erase("7777"), without.erase("7777")
			if x.RowsErased == 0 || y.RowsErased != 0 {
				t.Errorf("%d and %d rows were erased", x.RowsErased, y.RowsErased)
			}
			compare := func() {
				t.Helper()
				for _, table := range []string{"customer", "orders", "lineitem"} {
					if diff := cmp.Diff(without.stored(table), with.stored(table)); diff != "" {
						t.Errorf("%s: %.2000s", table, diff)
					}
				}
			}
			compare()
			for table, rows := range before {
				left := slices.DeleteFunc(slices.Clone(with.stored(table)), func(row string) bool { return slices.Contains(rows, row) })
				if len(left) > 0 {
					t.Errorf("%s has rows that were not there: %.5v", table, left)
				}
			}
			// The person may come back, and others go on from the ranks that they had.
			for _, h := range []*house{with, without} {
				h.load("customer", customers(15, 25, true))
				h.load("orders", orders(true))
			}
			compare()
		})
	}
}

// After an erasure nothing of the person is in any file: not in older generations that
// are still kept, uploads, rejected rows, or the store.
func TestNothingOfAPersonStays(t *testing.T) {
	h := newHouse(t, "tenant", "varchar")
	h.Start()
	id := "unit-" + canary
	h.load("customer", "c_id,c_city,c_note\n"+id+",ulm,"+canary+"\nx,bonn,other\n")
	h.load("customer", "c_id,c_city,c_note\n"+id+",bonn,"+canary+"2\ny,bonn,other\n", replacing)
	h.load("orders", "o_id,o_customer,o_day\n1,"+id+",2024-01-01\n2,y,2024-01-01\nbad"+canary+","+id+",2024-01-01\n", allow(1))
	failed := h.load("customer", "c_id,c_city,c_note\n,ulm,"+canary+"\n")
	if failed.State != job.StateFailed {
		t.Fatal(failed.State)
	}
	if len(h.Holding(canary)) == 0 {
		t.Fatal("the canary is nowhere")
	}
	copied := filepath.Join(h.Dir, controldb.CopiesDir, "before-some-upgrade.db")
	h.Must(os.MkdirAll(filepath.Dir(copied), 0o700))
	h.Must(os.WriteFile(copied, []byte(canary), 0o600))
	old := h.Number(`SELECT count(*) FROM segments WHERE path LIKE 'tenants/%'`)
	e := h.erase(id)
	if found := h.Holding(canary); len(found) > 0 {
		t.Errorf("a canary is left in %v", found)
	}
	if e.RowsErased != 2 { // of the current generation
		t.Errorf("%d rows were erased, want 2", e.RowsErased)
	}
	if n := h.Number(`SELECT count(*) FROM segments WHERE path LIKE 'tenants/%'`); n != 2 || old != 3 {
		t.Errorf("%d segments are on record of %d", n, old)
	}
	if n := h.Number(`SELECT count(*) FROM loads WHERE tenant = 'a' AND sha256 <> ''`); n != 0 {
		t.Errorf("%d digests of uploads are left", n)
	}
	if n := h.Number(`SELECT count(*) FROM erasures WHERE units IS NOT NULL`); n != 0 {
		t.Error("pseudonyms are left")
	}
	if len(h.Removed()) < 3 {
		t.Errorf("the engine was told of %v", h.Removed())
	}
	info, err := os.Stat(filepath.Join(h.Dir, "control.db-wal"))
	if err == nil && info.Size() > 64<<10 {
		t.Errorf("the write-ahead log has %d bytes", info.Size())
	}
	// An upload of before is not taken for one that is known.
	_, err = h.Jobs.Create(t.Context(), job.Request{Dataset: "shop", Tenant: "a", Table: "customer", Format: "csv", LoadID: failed.LoadID, By: loader},
		strings.NewReader("c_id,c_city,c_note\n,ulm,"+canary+"\n"))
	ingesttest.WantCode(t, err, privacy.CodeIdempotencyMismatch)
}

// Every erasure publishes a generation and takes all older ones out of use, whether or
// not it matches anybody, and even where there was nothing.
func TestAnErasureThatMatchesNobodyLooksTheSame(t *testing.T) {
	h := newHouse(t, "tenant", "bigint")
	h.Start()
	e := h.erase("1")
	if g := h.head(); g.ID != e.Generation || len(g.Segments) != 0 {
		t.Errorf("of nothing: %+v", g)
	}
	h.fill(true)
	leaves := func() (n int64) { return h.Number(`SELECT count(*) FROM log_leaves`) }
	var grew [2]int64
	for i, unit := range []string{nobody, "7777"} {
		before, was := h.head(), leaves()
		e := h.erase(unit)
		g := h.head()
		if grew[i] = leaves() - was; g.ID != e.Generation || len(g.Segments) != len(before.Segments) || g.Version != before.Version {
			t.Errorf("%s: %+v", unit, g)
		}
		for j, seg := range g.Segments {
			if seg.ID == before.Segments[j].ID {
				t.Errorf("%s: segment %d was not written anew", unit, j)
			}
		}
		if gone, err := h.Catalog.Erased(t.Context(), []string{before.ID}); err != nil || !gone {
			t.Errorf("%s: %t, %v", unit, gone, err)
		}
		if gone, err := h.Catalog.Erased(t.Context(), []string{g.ID}); err != nil || gone {
			t.Errorf("%s: %t, %v", unit, gone, err)
		}
	}
	if grew[0] != grew[1] || grew[0] == 0 {
		t.Errorf("%d and %d leaves", grew[0], grew[1])
	}
}

// The log has nothing of a request but ids of ours and a commitment, which opens with
// the nonce that the tenant got and with no other.
func TestWhatTheLogHasOfAnErasure(t *testing.T) {
	h := newHouse(t, "tenant", "varchar")
	h.Start()
	units := []string{"zoe", "adam", "zoe"}
	e := h.ask(units...)
	h.finished(e.ID)
	var leaf string
	h.Must(h.DB.QueryRowContext(t.Context(), `SELECT CAST(leaf AS TEXT) FROM log_leaves WHERE CAST(leaf AS TEXT) LIKE '%"act":"accept"%' AND CAST(leaf AS TEXT) LIKE '%erasure%'`).Scan(&leaf))
	if !strings.Contains(leaf, `"commitment":"`+e.Commitment+`"`) || strings.Contains(leaf, "zoe") || strings.Contains(leaf, e.Nonce) {
		t.Error(leaf)
	}
	if found := h.Holding(e.Nonce); len(found) > 0 {
		t.Errorf("the nonce is kept in %v", found)
	}
	var nonce [32]byte
	if _, err := hex.Decode(nonce[:], []byte(e.Nonce)); err != nil {
		t.Fatal(err)
	}
	if erase.Commitment(nonce, []string{"adam", "zoe"}) != e.Commitment {
		t.Error("the commitment does not open")
	}
	nonce[0]++
	if erase.Commitment(nonce, units) == e.Commitment {
		t.Error("any nonce opens it")
	}
	later, err := h.Get(t.Context(), "a", e.ID)
	if err != nil || later.Nonce != "" || later.Units != 3 {
		t.Errorf("%+v, %v", later, err)
	}
}

func TestWhoMayEraseWhat(t *testing.T) {
	h := newHouse(t, "tenant", "bigint")
	ctx := context.Background()
	many := slices.Repeat([]string{"1"}, erase.MaxUnits+1)
	for name, c := range map[string]struct {
		edit func(*erase.Request)
		code privacy.Code
	}{
		"another role":       {func(r *erase.Request) { r.By = admin }, privacy.CodeForbidden},
		"another tenant":     {func(r *erase.Request) { r.Tenant = "b" }, privacy.CodeForbidden},
		"the operator":       {func(r *erase.Request) { r.By, r.Tenant = operator, "" }, privacy.CodeForbidden},
		"no units":           {func(r *erase.Request) { r.Units = nil }, privacy.CodeInvalidRequest},
		"too many":           {func(r *erase.Request) { r.Units = many }, privacy.CodeInvalidRequest},
		"an empty id":        {func(r *erase.Request) { r.Units = []string{"1", ""} }, privacy.CodeInvalidRequest},
		"a long id":          {func(r *erase.Request) { r.Units = []string{strings.Repeat("1", erase.MaxUnit+1)} }, privacy.CodeInvalidRequest},
		"no UTF-8":           {func(r *erase.Request) { r.Units = []string{"\xff"} }, privacy.CodeInvalidRequest},
		"NUL":                {func(r *erase.Request) { r.Units = []string{"1\x00"} }, privacy.CodeInvalidRequest},
		"not of the type":    {func(r *erase.Request) { r.Units = []string{"1", "seven"} }, privacy.CodeInvalidRequest},
		"white space":        {func(r *erase.Request) { r.Units = []string{" "} }, privacy.CodeInvalidRequest},
		"an unknown dataset": {func(r *erase.Request) { r.Dataset = "other" }, privacy.CodeUnknownDataset},
	} {
		t.Run(name, func(t *testing.T) {
			r := erase.Request{Dataset: "shop", Tenant: "a", Units: []string{"1"}, By: loader}
			c.edit(&r)
			_, err := h.Create(ctx, r)
			ingesttest.WantCode(t, err, c.code)
			if strings.Contains(err.Error(), "seven") {
				t.Errorf("%v quotes an id", err)
			}
		})
	}
	_, err := h.Get(ctx, "a", "ers_none")
	ingesttest.WantCode(t, err, privacy.CodeNotFound)
	h.Must(h.Catalog.Leave(ctx, "shop", "a", admin))
	_, err = h.Create(ctx, erase.Request{Dataset: "shop", Tenant: "a", Units: []string{"1"}, By: loader})
	ingesttest.WantCode(t, err, privacy.CodeForbidden)
}

// Ids are read as a load reads them.
func TestIdsAreReadAsInLoads(t *testing.T) {
	for unit, ids := range map[string][2]string{
		"bigint":  {"0042", " 42 "},
		"varchar": {"Z\u00fcrich", "Zu\u0308rich"},
		"integer": {"42", "+42"},
	} {
		t.Run(unit, func(t *testing.T) {
			h := newHouse(t, "person", unit)
			h.Start()
			h.load("customer", "c_id,c_city,c_note\n"+ids[0]+",ulm,x\n")
			if e := h.erase(ids[1]); e.RowsErased != 1 {
				t.Errorf("%d rows were erased", e.RowsErased)
			}
		})
	}
}

// A tenant that left a dataset may erase from what it left there.
func TestErasingAfterLeaving(t *testing.T) {
	h := newHouse(t, "tenant", "bigint")
	h.Start()
	h.load("customer", customers(0, 10, true))
	h.Must(h.Catalog.Leave(t.Context(), "shop", "a", admin))
	if e := h.erase("7777"); e.RowsErased != 2 || len(h.Holding(canary)) > 0 {
		t.Errorf("%+v", e)
	}
}

// TestErasingFromADatasetCalledRejects leaves the rejected rows of other datasets, which
// lie in the directory of that name.
func TestErasingFromADatasetCalledRejects(t *testing.T) {
	h := newHouse(t, "tenant", "bigint")
	h.Start()
	h.Must(h.Put(strings.NewReplacer("dataset: shop", "dataset: rejects").Replace(shopOf(1, "tenant", "bigint"))))
	h.Join("rejects", "a", 1)
	other := h.load("customer", "c_id,c_city,c_note\n1,ulm,x\n"+canary+",ulm,x\n", allow(1))
	h.load("customer", "c_id,c_city,c_note\n1,ulm,y\n", func(r *job.Request) { r.Dataset = "rejects" })
	e, err := h.Create(t.Context(), erase.Request{Dataset: "rejects", Tenant: "a", Units: []string{"1"}, By: loader})
	h.Must(err)
	if e := h.finished(e.ID); e.State != erase.StateSucceeded || e.RowsErased != 1 {
		t.Fatalf("%+v", e)
	}
	rows, err := h.Jobs.Rejects(t.Context(), "a", other.ID)
	h.Must(err)
	defer func() { _ = rows.Close() }()
	if text, err := io.ReadAll(rows); err != nil || !strings.Contains(string(text), canary) {
		t.Errorf("the other's rejected rows are %q, %v", text, err)
	}
}
