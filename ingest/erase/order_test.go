package erase_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/noised/noised/ingest/erase"
	"github.com/noised/noised/ingest/ingesttest"
	"github.com/noised/noised/ingest/job"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/containment"
)

// What was sent before an erasure is loaded before it, and then erased from; what is
// sent after it is loaded after it, and stays.
func TestLoadsOfBeforeAndAfter(t *testing.T) {
	h := newHouse(t, "tenant", "bigint")
	var before []job.Load
	for i := range 3 {
		before = append(before, h.send("customer", customers(10*i, 10*i+10, true)))
	}
	e := h.ask("7777")
	after := h.send("customer", "c_id,c_city,c_note\n7777,ulm,back\n")
	if len(h.Holding(canary)) != 3 {
		t.Fatal("the uploads do not wait")
	}
	h.Start()
	if e = h.finished(e.ID); e.State != erase.StateSucceeded || e.RowsErased != 6 {
		t.Fatalf("%+v", e)
	}
	if found := h.Holding(canary); len(found) > 0 {
		t.Errorf("a canary is left in %v", found)
	}
	h.Wait(after, func(s job.State) bool { return s == job.StateSucceeded })
	for _, l := range before {
		if l = h.Latest(l); l.State != job.StateSucceeded {
			t.Errorf("%+v", l)
		}
	}
	if rows := h.stored("customer"); !strings.Contains(strings.Join(rows, "\n"), "back") {
		t.Error("what was sent after the erasure is not there")
	}
}

// While something is suspended that an erasure touches, it waits.
func TestSuspendedErasuresWait(t *testing.T) {
	h := newHouse(t, "tenant", "bigint")
	stop := h.Start()
	h.load("customer", customers(0, 10, true))
	stop()
	waiting, before := h.ask("1"), h.head()
	_, err := h.Held.Suspend(t.Context(), containment.KindDataset, "shop", "a test", operator)
	h.Must(err)
	_, err = h.Create(t.Context(), erase.Request{Dataset: "shop", Tenant: "a", Units: []string{"1"}, By: loader})
	ingesttest.WantCode(t, err, privacy.CodeSuspended)
	h.Start()
	tried := time.Now().Add(200 * time.Millisecond)
	h.Eventually("its attempts", func() bool { return time.Now().After(tried) })
	if h.head().ID != before.ID || h.Number(`SELECT count(*) FROM erasures WHERE id = ? AND state IN ('pending', 'running')`, waiting.ID) != 1 {
		t.Error("it did not wait")
	}
	h.Must(h.Held.Lift(t.Context(), containment.KindDataset, "shop", operator))
	if waiting = h.finished(waiting.ID); waiting.State != erase.StateSucceeded {
		t.Errorf("%+v", waiting)
	}
	if e := h.erase("7777"); e.RowsErased != 2 {
		t.Errorf("%+v", e)
	}
}

// The privacy unit may change between a request and its turn: then nobody knows who is
// meant, and nothing is published.
func TestAnotherUnitSinceTheRequest(t *testing.T) {
	h := newHouse(t, "tenant", "bigint")
	stop := h.Start()
	h.load("customer", customers(0, 10, true))
	stop()
	e := h.ask("7777")
	h.Must(h.Put(shopOf(2, "person", "bigint")))
	h.Join("shop", "a", 2)
	h.Start()
	if e = h.finished(e.ID); e.State != erase.StateSucceeded || e.RowsErased != 2 {
		t.Fatalf("of data under the unit of before: %+v", e)
	}
	other := newHouse(t, "tenant", "bigint")
	waiting := other.ask("7777")
	other.Must(other.Put(shopOf(2, "person", "bigint")))
	other.Join("shop", "a", 2)
	other.Start()
	if waiting = other.finished(waiting.ID); waiting.State != erase.StateFailed || waiting.Error.Code != privacy.CodeConflict || other.head().ID != "" {
		t.Errorf("%+v", waiting)
	}
}

func TestAnErasureOfADeletedTenantEnds(t *testing.T) {
	h := newHouse(t, "tenant", "bigint")
	e := h.ask("1")
	h.Must(h.Catalog.DeleteTenant(t.Context(), "a", operator))
	h.Start()
	h.Eventually("its end", func() bool {
		return h.Number(`SELECT count(*) FROM erasures WHERE id = ? AND state = 'failed'`, e.ID) == 1
	})
	if owners, err := h.TenantsOf(t.Context(), e.ID); err != nil || owners != nil {
		t.Errorf("%v, %v", owners, err)
	}
}

func TestPagesOfErasures(t *testing.T) {
	h := newHouse(t, "tenant", "bigint")
	var ids []string
	for range 3 {
		ids = append([]string{h.ask("1").ID}, ids...)
	}
	first, next, err := h.List(t.Context(), "a", "", 2)
	h.Must(err)
	second, end, err := h.List(t.Context(), "a", next, 2)
	h.Must(err)
	if len(first) != 2 || len(second) != 1 || end != "" || first[0].ID != ids[0] || second[0].ID != ids[2] {
		t.Errorf("%v, then %v", first, second)
	}
	for range erase.MaxOpen - 3 {
		h.ask("1")
	}
	_, err = h.Create(t.Context(), erase.Request{Dataset: "shop", Tenant: "a", Units: []string{"1"}, By: loader})
	ingesttest.WantCode(t, err, privacy.CodeRateLimited)
}

// serve is a server process: it loads and erases until it is killed.
func serve(args []string) int {
	return ingesttest.RunServer(args[0], func(o job.Options) (*job.Service, error) {
		jobs, _, err := services(o, nil)
		return jobs, err
	})
}

// A server that is killed at any moment of an erasure leaves the old generation or the
// new one, and the next server brings the erasure to its end.
func TestKilledWhileErasing(t *testing.T) {
	h := newHouse(t, "tenant", "bigint")
	stop := h.Start()
	h.fill(true)
	stop()
	all := h.stored("customer")
	times := 6
	if testing.Short() {
		times = 2
	}
	for range times {
		e, before := h.ask("7777"), h.head()
		server := h.StartServer()
		<-time.NewTimer(time.Duration(rand.Int64N(int64(1500 * time.Millisecond)))).C
		server.Kill()
		g := h.head()
		if g.ID != before.ID && g.Load != e.ID {
			t.Fatalf("%+v", g)
		}
		rows := h.stored("customer") // all files of it are there
		if g.ID != before.ID && strings.Contains(strings.Join(rows, "\n"), canary) || g.ID == before.ID && len(rows) > len(all) {
			t.Fatal("the generation is neither the old one nor the new one")
		}
		stop := h.Start()
		if e = h.finished(e.ID); e.State != erase.StateSucceeded || h.head().Load != e.ID {
			t.Fatalf("%+v", e)
		}
		stop()
		if found := h.Holding(canary); len(found) > 0 {
			t.Fatalf("a canary is left in %v", found)
		}
		if n, files := len(h.head().Segments), len(h.Files("tenants/a/shop")); n != files {
			t.Fatalf("%d segments and %d files", n, files)
		}
		again := h.Start()
		h.load("customer", customers(0, 20, true), replacing)
		again()
	}
}
