package turns_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/noised/noised/analytics/turns"
)

// line is a queue and those who stand in it, whose turns come one at a time.
type line struct {
	t      testing.TB
	q      *turns.Queue
	served chan string
	back   chan func()
}

func newLine(t testing.TB, slots int) *line {
	return &line{t: t, q: turns.New(slots), served: make(chan string), back: make(chan func())}
}

// ask stands in line as "tenant/principal", and returns when that is so.
func (l *line) ask(ctx context.Context, name string) {
	tenant, principal, _ := strings.Cut(name, "/")
	before := l.q.Waiting()
	go func() {
		back, err := l.q.Take(ctx, turns.Who{Tenant: tenant, Principal: principal})
		if err != nil {
			return
		}
		l.served <- name
		l.back <- back
	}()
	for l.q.Waiting() == before { // it waits, since all slots are taken
		runtime.Gosched()
	}
}

// order serves everybody in line and returns their order.
func (l *line) order(first func(), n int) []string {
	first()
	var out []string
	for range n {
		out = append(out, <-l.served)
		(<-l.back)()
	}
	return out
}

func (l *line) hold(name string) func() {
	l.t.Helper()
	tenant, principal, _ := strings.Cut(name, "/")
	back, err := l.q.Take(l.t.Context(), turns.Who{Tenant: tenant, Principal: principal})
	if err != nil {
		l.t.Fatal(err)
	}
	return back
}

// TestOrder: tenants take turns, and principals within one; a principal's own
// requests keep their order.
func TestOrder(t *testing.T) {
	for _, c := range []struct{ asked, want string }{
		{"a/1 a/2 a/3", "a/1 a/2 a/3"},
		{"a/1 a/1 a/1 a/1 b/1 b/1 c/1", "a/1 b/1 c/1 a/1 b/1 a/1 a/1"},
		{"a/1 a/1 a/1 a/2 a/2 b/1", "a/1 b/1 a/2 a/1 a/2 a/1"},
		{"/1 /1 /1 /2", "/1 /2 /1 /1"}, // principals of no tenant are tenants of their own
	} {
		l := newLine(t, 1)
		first := l.hold("first/1")
		asked := strings.Fields(c.asked)
		for _, name := range asked {
			l.ask(t.Context(), name)
		}
		if got := strings.Join(l.order(first, len(asked)), " "); got != c.want {
			t.Errorf("%s were served as %s, want %s", c.asked, got, c.want)
		}
	}
}

// TestOneThatFloodsWaitsForItself: ten tenants with one request each wait for a few
// of a thousand that came before them, not for all.
func TestOneThatFloodsWaitsForItself(t *testing.T) {
	l := newLine(t, 1)
	first := l.hold("flood/1")
	const flood, polite = 1000, 10
	for range flood {
		l.ask(t.Context(), "flood/1")
	}
	for i := range polite {
		l.ask(t.Context(), string(rune('a'+i))+"/1")
	}
	order := l.order(first, flood+polite)
	if last := slices.IndexFunc(order[polite+1:], func(name string) bool { return name != "flood/1" }); last >= 0 {
		t.Errorf("a polite tenant was served as number %d", last+polite+1)
	}
}

// TestWhoHoldsFewestIsFirst: a tenant that holds slots waits for one that holds
// none, whoever came first.
func TestWhoHoldsFewestIsFirst(t *testing.T) {
	l := newLine(t, 3)
	backs := []func(){l.hold("a/1"), l.hold("a/2"), l.hold("b/1")}
	l.ask(t.Context(), "a/3")
	l.ask(t.Context(), "b/2")
	l.ask(t.Context(), "c/1")
	backs[0]() // a and b hold one each now, c none
	if got := <-l.served; got != "c/1" {
		t.Errorf("%s was served", got)
	}
	(<-l.back)()
	for range 2 {
		<-l.served
		(<-l.back)()
	}
	backs[1]()
	backs[2]()
}

// TestOneSlotIsLeftToOthers: a tenant whose runs take long waits for one of them to
// end, and another tenant does not.
func TestOneSlotIsLeftToOthers(t *testing.T) {
	l := newLine(t, 3)
	first, second := l.hold("a/1"), l.hold("a/2")
	l.ask(t.Context(), "a/3")
	l.hold("b/1")()
	second()
	if got := <-l.served; got != "a/3" {
		t.Errorf("%s was served", got)
	}
	(<-l.back)()
	first()
}

// TestWhoLeavesTakesNothing: a request whose time is up leaves the line, and its
// turn is another's.
func TestWhoLeavesTakesNothing(t *testing.T) {
	l := newLine(t, 1)
	first := l.hold("a/1")
	ctx, cancel := context.WithCancel(t.Context())
	left := make(chan error)
	go func() {
		_, err := l.q.Take(ctx, turns.Who{Tenant: "b", Principal: "1"})
		left <- err
	}()
	for l.q.Waiting() == 0 {
		runtime.Gosched()
	}
	l.ask(t.Context(), "c/1")
	cancel()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("who left got %v", err)
	}
	if got := l.order(first, 1); got[0] != "c/1" {
		t.Errorf("%v was served", got)
	}
}

// TestSlotsAreNeverShared: whoever asks and leaves, at any time, no more hold a
// slot than there are, and none is lost.
func TestSlotsAreNeverShared(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		slots := rapid.IntRange(1, 4).Draw(rt, "slots")
		q := turns.New(slots)
		var mu sync.Mutex
		held, most := 0, 0
		var all sync.WaitGroup
		for _, n := range rapid.SliceOfN(rapid.IntRange(0, 8), 1, 40).Draw(rt, "requests") {
			ctx, cancel := context.WithCancel(context.Background())
			if n == 0 {
				cancel()
			}
			all.Go(func() {
				defer cancel()
				back, err := q.Take(ctx, turns.Who{Tenant: string(rune('a' + n%3)), Principal: string(rune('0' + n))})
				if err != nil {
					return
				}
				mu.Lock()
				held++
				most = max(most, held)
				mu.Unlock()
				mu.Lock()
				held--
				mu.Unlock()
				back()
				back() // again: nothing happens
			})
		}
		all.Wait()
		if most > slots || q.Waiting() != 0 {
			rt.Fatalf("%d held %d slots, %d wait", most, slots, q.Waiting())
		}
		for i := range slots {
			if _, err := q.Take(context.Background(), turns.Who{Tenant: string(rune('a' + i))}); err != nil {
				rt.Fatal(err)
			}
		}
	})
}
