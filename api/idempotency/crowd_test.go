package idempotency

import (
	"strconv"
	"testing"
	"time"

	"github.com/noised/noised/privacy"
)

// keyed is a request under the nth key.
func keyed(n int) Request {
	r := post
	r.Key = strconv.Itoa(n)
	return r
}

// A principal has so many keys a day and no more. Those that it has are honoured, others
// are not concerned, and a key that is refused was not used.
func TestKeysOfADayAreBounded(t *testing.T) {
	f := newFixture(t)
	f.crowd.most = 3
	for n := range 3 {
		if err := f.begin(t, keyed(n)).Finish(t.Context(), made); err != nil {
			t.Fatal(err)
		}
	}
	another := New(f.db, func() time.Time { return f.now }, time.Minute) // of another process
	another.crowd.most = 3
	for _, s := range []*Store{f.Store, f.Store, another, another} {
		if _, _, err := s.Begin(t.Context(), keyed(3)); privacy.CodeOf(err) != privacy.CodeRateLimited {
			t.Errorf("a key too many: %v", err)
		}
		if _, stored, err := s.Begin(t.Context(), keyed(0)); err != nil || stored == nil || stored.Status != made.Status {
			t.Errorf("a key of before: %+v, %v", stored, err)
		}
	}
	var n int
	if err := f.db.QueryRowContext(t.Context(), `SELECT count(*) FROM idempotency`).Scan(&n); err != nil || n != 3 {
		t.Errorf("%d records, %v", n, err)
	}
	other := keyed(3)
	other.Principal = "key_2"
	f.begin(t, other)
	f.now = f.now.Add(Retention)
	f.begin(t, keyed(3))
}

// Keys that were freed are no keys that were used, once they are counted anew.
func TestFreedKeysCountNoMore(t *testing.T) {
	f := newFixture(t)
	f.crowd.most = 3
	for n := range 3 {
		if err := f.begin(t, keyed(n)).Abandon(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	f.wantCode(t, keyed(3), privacy.CodeRateLimited)
	f.now = f.now.Add(countAgainIfFull)
	f.begin(t, keyed(3))
}
