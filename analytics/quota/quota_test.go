package quota_test

import (
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/quota"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb/controltest"
)

var operator = privacy.Principal{ID: "key_op", Role: privacy.RoleOperator}

func to(n int64) *int64 { return &n }

// TestQuotas: what is set holds, here at once and elsewhere soon; what is not set
// is the default; and nothing is unlimited that nobody said is.
func TestQuotas(t *testing.T) {
	ctx, at := t.Context(), time.Unix(1e9, 0)
	now := func() time.Time { return at }
	db := controltest.Open(t, filepath.Join(t.TempDir(), "control.db"))
	cat := catalog.New(db, now)
	if _, err := cat.CreateTenant(ctx, "a", "", operator); err != nil {
		t.Fatal(err)
	}
	defaults := quota.Limits{100, 10, 1, 4, 50}
	here, err := quota.New(db, now, defaults)
	if err != nil {
		t.Fatal(err)
	}
	elsewhere, err := quota.New(db, now, defaults)
	if err != nil {
		t.Fatal(err)
	}
	holds := func(s *quota.Service, want quota.Limits) {
		t.Helper()
		if got, err := s.Of(ctx, "a"); err != nil || got != want {
			t.Errorf("the limits are %v, %v, want %v", got, err, want)
		}
	}
	put := func(own quota.Own) {
		t.Helper()
		if err := here.Put(ctx, "a", own, operator); err != nil {
			t.Fatal(err)
		}
	}
	holds(here, defaults)
	holds(elsewhere, defaults)
	put(quota.Own{quota.Queries: to(9), quota.StoredBytes: to(quota.Unlimited), quota.LoadsRunning: to(0)})
	set := quota.Limits{quota.Unlimited, 10, 0, 9, 50}
	holds(here, set)
	at = at.Add(time.Second)
	holds(elsewhere, set)
	if _, d, err := here.Own(ctx, "a"); err != nil || d != defaults {
		t.Errorf("the defaults are %v, %v", d, err)
	}
	put(quota.Own{quota.RequestsPerSecond: to(7)}) // in place of what was set
	holds(here, quota.Limits{100, 10, 1, 4, 7})

	for _, own := range []quota.Own{{to(-2)}, {quota.Queries: to(1<<60 + 1)}} {
		if err := here.Put(ctx, "a", own, operator); privacy.CodeOf(err) != privacy.CodeInvalidRequest {
			t.Errorf("%v", err)
		}
	}
	if err := here.Put(ctx, "nobody", quota.Own{}, operator); privacy.CodeOf(err) != privacy.CodeNotFound {
		t.Errorf("%v", err)
	}
	if _, _, err := here.Own(ctx, "nobody"); privacy.CodeOf(err) != privacy.CodeNotFound {
		t.Errorf("%v", err)
	}
	if _, err := quota.New(db, now, quota.Limits{-5}); privacy.CodeOf(err) != privacy.CodeInvalidRequest {
		t.Errorf("%v", err)
	}

	// A tenant that is created again has what others have.
	if err := cat.DeleteTenant(ctx, "a", operator); err != nil {
		t.Fatal(err)
	}
	if _, err := cat.CreateTenant(ctx, "a", "", operator); err != nil {
		t.Fatal(err)
	}
	at = at.Add(time.Second)
	holds(here, defaults)
}

// TestExceeded: a refusal names the quota, and says what can be done.
func TestExceeded(t *testing.T) {
	l := quota.Limits{1, 2, 3, 4, 5}
	for _, k := range quota.Kinds() {
		want := privacy.CodeRateLimited
		if k == quota.StoredBytes {
			want = privacy.CodeTooLarge
		}
		if e := l.Exceeded(k); e.Code != want || !strings.Contains(e.Message, "the quota "+k.String()+" is") {
			t.Errorf("%s: %s: %s", k, e.Code, e.Message)
		}
		if !l.Admits(k, l[k]) || l.Admits(k, l[k]+1) || !quota.None().Admits(k, 1<<62) {
			t.Errorf("%s is not what it says", k)
		}
	}
}

// TestGauge: of many who take at once, as many get as there are.
func TestGauge(t *testing.T) {
	var g quota.Gauge
	var all sync.WaitGroup
	got := make(chan bool, 100)
	for range 100 {
		all.Go(func() { got <- g.Take("a", 1, 7) })
	}
	all.Wait()
	close(got)
	n := 0
	for ok := range got {
		if ok {
			n++
		}
	}
	if n != 7 || g.Take("a", 1, 7) || !g.Take("b", 3, 4) || g.Take("b", 2, 4) || !g.Take("b", 1, 4) || !g.Take("b", 1, quota.Unlimited) {
		t.Errorf("%d got one", n)
	}
	if left := g.Add("a", -7); left != 0 {
		t.Errorf("%d are left", left)
	}
}
