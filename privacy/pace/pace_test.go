package pace

import (
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

const ms = time.Millisecond

func TestLeft(t *testing.T) {
	for _, c := range []struct {
		name                string
		elapsed, slot, want time.Duration
	}{
		{"off", 3 * ms, 0, 0},
		{"at the start", 0, 100 * ms, 100 * ms},
		{"fast", 3 * ms, 100 * ms, 97 * ms},
		{"just in time", 95 * ms, 100 * ms, 5 * ms},
		{"in the closed part", 95*ms + 1, 100 * ms, 105*ms - 1},
		{"on a boundary: that one is over", 100 * ms, 100 * ms, 100 * ms},
		{"in the third slot", 230 * ms, 100 * ms, 70 * ms},
		{"the shortest slot closes a quarter", 8 * ms, 10 * ms, 12 * ms},
		{"a clock that was set back", -time.Hour, 100 * ms, 100 * ms},
	} {
		if got := Left(c.elapsed, c.slot); got != c.want {
			t.Errorf("%s: Left(%s, %s) = %s, want %s", c.name, c.elapsed, c.slot, got, c.want)
		}
	}
}

func TestLeftEndsOnTheFirstOpenBoundary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		slot := time.Duration(rapid.Int64Range(int64(MinSlot), int64(MaxSlot)).Draw(t, "slot"))
		elapsed := time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "elapsed"))
		left := Left(elapsed, slot)
		if at := elapsed + left; at%slot != 0 || at < slot {
			t.Fatalf("ends at %s, which is no boundary", at)
		}
		if left < Guard(slot) {
			t.Fatalf("waits %s, less than the guard", left)
		}
		if left-slot >= Guard(slot) {
			t.Fatalf("waits %s, although the boundary before could be met", left)
		}
	})
}

// All runs that fit into the first slot end at the same time.
func TestLeftHidesWhatFitsIntoASlot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		slot := time.Duration(rapid.Int64Range(int64(MinSlot), int64(MaxSlot)).Draw(t, "slot"))
		fits := rapid.Int64Range(0, int64(slot-Guard(slot)))
		a, b := time.Duration(fits.Draw(t, "a")), time.Duration(fits.Draw(t, "b"))
		if a+Left(a, slot) != b+Left(b, slot) {
			t.Fatal("the end tells two runs apart")
		}
	})
}

func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		for _, d := range []time.Duration{0, ms, 5 * ms, 97 * ms, 105 * ms} {
			Wait(d, 100*ms, nil)
			if got := time.Since(began); got != d {
				t.Errorf("Wait(%s) took %s", d, got)
			}
			began = time.Now()
		}
		gone := make(chan struct{})
		time.AfterFunc(30*ms, func() { close(gone) })
		Wait(97*ms, 100*ms, gone)
		if got := time.Since(began); got != 30*ms {
			t.Errorf("a caller that hung up after 30ms was waited for %s", got)
		}
	})
}
