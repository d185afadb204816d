package lockout

import (
	"fmt"
	"testing"
	"time"
)

type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func newTest(tries int) (*Lockout, *clock) {
	c := &clock{now: time.Unix(1_800_000_000, 0)}
	return New(tries, c.Now), c
}

func TestWaitsDoubleAndEnd(t *testing.T) {
	l, c := newTest(100)
	a := l.Begin("192.0.2.1:999", []byte("ann"))
	for i := range claimTries - 1 {
		a.Failed()
		if w := a.Wait(); w != 0 {
			t.Fatalf("after %d failures it waits %v", i+1, w)
		}
	}
	for _, want := range []time.Duration{1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300} {
		a.Failed()
		if w := a.Wait(); w != want*time.Second {
			t.Fatalf("it waits %v, want %v", w, want*time.Second)
		}
		c.now = c.now.Add(want * time.Second)
		if w := a.Wait(); w != 0 {
			t.Fatalf("after its time it waits %v", w)
		}
	}
	c.now = c.now.Add(2*forget + time.Second)
	a.Failed()
	if w := a.Wait(); w != 0 {
		t.Errorf("what failed long ago still counts: %v", w)
	}
}

func TestNobodyIsLockedOutByWhatOthersDoElsewhere(t *testing.T) {
	l, _ := newTest(10)
	for range 1000 {
		l.Begin("192.0.2.1:5", []byte("ann")).Failed()
	}
	if w := l.Begin("192.0.2.2:5", []byte("ann")).Wait(); w != 0 {
		t.Errorf("the same claim from another address waits %v", w)
	}
	if w := l.Begin("192.0.2.1:6", []byte("bob")).Wait(); w == 0 {
		t.Error("another claim from that address does not wait")
	}
	if w := l.Begin("[::ffff:192.0.2.1]:6", []byte("bob")).Wait(); w == 0 {
		t.Error("the address in its other form does not wait")
	}
}

func TestWhoWasGoodPassesWhereOthersFail(t *testing.T) {
	l, c := newTest(10)
	good := l.Begin("127.0.0.1:1", []byte("good"))
	good.Succeeded()
	for i := range 100 {
		l.Begin("127.0.0.1:2", fmt.Append(nil, "guess", i)).Failed()
	}
	if w := good.Wait(); w != 0 {
		t.Errorf("it waits %v", w)
	}
	if w := l.Begin("127.0.0.1:3", []byte("new")).Wait(); w == 0 {
		t.Error("a claim that was never good does not wait")
	}
	for range claimTries + 1 { // it is revoked, and tried all the same
		good.Failed()
	}
	if good.Wait() == 0 {
		t.Error("what was good once may fail for ever")
	}
	c.now = c.now.Add(longWait)
	good.Succeeded()
	if w := good.Wait(); w != 0 {
		t.Errorf("a success leaves a wait of %v", w)
	}
}

func TestHalfANetworkOfIPv6IsOneSender(t *testing.T) {
	l, _ := newTest(3)
	for i := range 3 {
		l.Begin(fmt.Sprintf("[2001:db8:1:1::%x]:9", i+1), fmt.Append(nil, i)).Failed()
	}
	if l.Begin("[2001:db8:1:1:ffff::1]:9", []byte("x")).Wait() == 0 {
		t.Error("another address of the same network does not wait")
	}
	if w := l.Begin("[2001:db8:1:2::1]:9", []byte("x")).Wait(); w != 0 {
		t.Errorf("another network waits %v", w)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	l, _ := newTest(1)
	last := func(i int) Attempt {
		return l.Begin(fmt.Sprintf("10.%d.%d.%d:1", i>>16, i>>8&255, i&255), fmt.Append(nil, i))
	}
	const n = 5 * maxEntries
	for i := range n {
		last(i).Failed()
	}
	if got := len(l.young) + len(l.old); got > 2*maxEntries+2 {
		t.Errorf("%d entries are kept", got)
	}
	if last(n-1).Wait() == 0 {
		t.Error("the newest failure is forgotten")
	}
}
