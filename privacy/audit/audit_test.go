package audit_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/audit"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/controldb/controltest"
)

type fixture struct {
	*audit.Recorder
	t  testing.TB
	db *controldb.DB
	at time.Time
}

func open(t testing.TB, change ...func(*audit.Options)) *fixture {
	t.Helper()
	db := controltest.Open(t, filepath.Join(t.TempDir(), "control.db"))
	f := &fixture{t: t, db: db, at: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	o := audit.Options{DB: db, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return f.at }}
	for _, c := range change {
		c(&o)
	}
	f.Recorder = audit.New(o)
	return f
}

func (f *fixture) search(s audit.Search) []audit.Refusal {
	f.t.Helper()
	if s.Limit == 0 {
		s.Limit = 500
	}
	items, _, err := f.Search(f.t.Context(), s)
	if err != nil {
		f.t.Fatal(err)
	}
	return items
}

// count is how many rows there are, without what waits to be written.
func (f *fixture) count() (n int) {
	f.t.Helper()
	if err := f.db.QueryRowContext(f.t.Context(), `SELECT count(*) FROM refusals`).Scan(&n); err != nil {
		f.t.Fatal(err)
	}
	return n
}

func TestWhatIsRecordedIsFound(t *testing.T) {
	f := open(t, func(o *audit.Options) {
		o.Owners = map[string]audit.Owners{"load": func(_ context.Context, id string) ([]string, error) {
			if id == "load_of_b" {
				return []string{"b"}, nil
			}
			return nil, nil
		}}
	})
	first := audit.Refusal{At: f.at, Principal: "key_a", Tenant: "a", Operation: "getLoad", Code: privacy.CodeNotFound,
		Params: map[string]string{"load": "load_of_b"}, Address: "loopback", Request: "req_1"}
	second := audit.Refusal{At: f.at.Add(time.Hour), Principal: "key_b", Tenant: "b", Operation: "getTenantBudget", Code: privacy.CodeForbidden,
		Params: map[string]string{"tenant": "c"}, Request: "req_2"}
	f.Record(first)
	f.Record(second)
	first.Concerned, second.Concerned = []string{"a", "b"}, []string{"b", "c"}
	ignoreID := cmpopts.IgnoreFields(audit.Refusal{}, "ID")
	for _, c := range []struct {
		s    audit.Search
		want []audit.Refusal
	}{
		{audit.Search{}, []audit.Refusal{second, first}},
		{audit.Search{Tenant: "a"}, []audit.Refusal{first}},
		{audit.Search{Tenant: "b"}, []audit.Refusal{second, first}},
		{audit.Search{Tenant: "b", Since: f.at.Add(time.Minute)}, []audit.Refusal{second}},
		{audit.Search{Tenant: "c"}, []audit.Refusal{second}},
		{audit.Search{Tenant: "d"}, nil},
		{audit.Search{Principal: "key_a"}, []audit.Refusal{first}},
		{audit.Search{Operation: "getTenantBudget"}, []audit.Refusal{second}},
		{audit.Search{Code: privacy.CodeNotFound}, []audit.Refusal{first}},
		{audit.Search{From: second.At}, []audit.Refusal{second}},
		{audit.Search{To: second.At}, []audit.Refusal{first}},
	} {
		if d := cmp.Diff(c.want, f.search(c.s), ignoreID); d != "" {
			t.Errorf("%+v (-want +got):\n%s", c.s, d)
		}
	}
}

func TestPages(t *testing.T) {
	f := open(t)
	for i := range 7 {
		f.Record(audit.Refusal{At: f.at, Tenant: []string{"a", "b"}[i%2], Code: privacy.CodeForbidden, Request: fmt.Sprint(i)})
	}
	var seen []string
	cursor := ""
	for page := 0; page == 0 || cursor != ""; page++ {
		items, next, err := f.Search(t.Context(), audit.Search{Tenant: "a", Cursor: cursor, Limit: 2})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range items {
			seen = append(seen, r.Request)
		}
		cursor = next
	}
	if !slices.Equal(seen, []string{"6", "4", "2", "0"}) {
		t.Errorf("the pages of a have %v", seen)
	}
	of := f.search(audit.Search{Tenant: "b"})[0].ID
	for _, cursor := range []string{"ref_none", of} { // what a never got is unknown to it
		if _, _, err := f.Search(t.Context(), audit.Search{Tenant: "a", Cursor: cursor, Limit: 2}); privacy.CodeOf(err) != privacy.CodeInvalidRequest {
			t.Errorf("cursor %s: %v", cursor, err)
		}
	}
}

// TestRunWritesInTimeAndAtTheEnd: refusals are on disk within a few windows, and
// all of them when the recorder stops in order.
func TestRunWritesInTimeAndAtTheEnd(t *testing.T) {
	f := open(t)
	ctx, stop := context.WithCancel(t.Context())
	var run sync.WaitGroup
	run.Go(func() { _ = f.Run(ctx) })
	f.Record(audit.Refusal{At: f.at, Code: privacy.CodeForbidden})
	deadline := time.Now().Add(5 * time.Minute)
	for f.count() == 0 {
		if time.Now().After(deadline) {
			t.Fatal("nothing was written")
		}
		<-time.After(audit.Window / 4)
	}
	for range 700 {
		f.Record(audit.Refusal{At: f.at, Principal: "key_1", Code: privacy.CodeForbidden})
	}
	stop()
	run.Wait()
	if n := f.count(); n != 701 {
		t.Errorf("%d refusals are on disk, want 701", n)
	}
}

// TestAFullQueueLeavesAGap: what finds no room is counted, the count is a row that
// everybody finds, and one principal cannot drown the others.
func TestAFullQueueLeavesAGap(t *testing.T) {
	f := open(t, func(o *audit.Options) { o.Queue = 400 })
	for range 1000 {
		f.Record(audit.Refusal{At: f.at, Principal: "key_loud", Tenant: "a", Code: privacy.CodeRateLimited})
	}
	f.Record(audit.Refusal{At: f.at, Principal: "key_quiet", Tenant: "b", Code: privacy.CodeForbidden})
	all := f.search(audit.Search{})
	if len(all) != 102 || f.count() != 102 {
		t.Errorf("%d rows, want 100 of the loud one, the quiet one's and a gap", len(all))
	}
	got := f.search(audit.Search{Tenant: "b", Code: privacy.CodeForbidden})
	if len(got) != 2 || got[0].Code != audit.CodeGap && got[1].Code != audit.CodeGap {
		t.Fatalf("b finds %+v, want its refusal and the gap", got)
	}
	if gap := f.search(audit.Search{Code: audit.CodeGap}); len(gap) != 1 || gap[0].Missing != 900 {
		t.Errorf("the gap is %+v, want 900 missing", gap)
	}
	f.Record(audit.Refusal{At: f.at, Principal: "key_loud", Tenant: "a", Code: privacy.CodeForbidden})
	if n := len(f.search(audit.Search{})); n != 103 {
		t.Errorf("%d rows after one more, want room for it and no further gap", n)
	}
}

// TestKnockingWithoutEndIsCounted: of one principal a burst is kept and then some a
// second; the rest becomes few gaps.
func TestKnockingWithoutEndIsCounted(t *testing.T) {
	f := open(t, func(o *audit.Options) { o.Burst = 50 })
	knock := func(n int) {
		for range n {
			f.Record(audit.Refusal{At: f.at, Code: privacy.CodeUnauthenticated})
		}
	}
	knock(70)
	f.at = f.at.Add(time.Second)
	knock(70)
	f.Record(audit.Refusal{At: f.at, Principal: "key_1", Code: privacy.CodeForbidden})
	if n := len(f.search(audit.Search{Code: privacy.CodeUnauthenticated})); n != 61 {
		t.Errorf("%d rows, want 50, ten for the second and a gap", n)
	}
	if gap := f.search(audit.Search{Code: audit.CodeGap}); len(gap) != 1 || gap[0].Missing != 80 {
		t.Errorf("the gap is %+v, want 80 missing", gap)
	}
	if n := len(f.search(audit.Search{Code: privacy.CodeForbidden})); n != 2 {
		t.Errorf("%d rows of another principal and gaps, want 2", n)
	}
}

func TestOldRefusalsGo(t *testing.T) {
	f := open(t, func(o *audit.Options) { o.Keep = 24 * time.Hour })
	for i := range 2500 {
		f.Record(audit.Refusal{At: f.at, Principal: fmt.Sprint(i % 4), Tenant: "a", Code: privacy.CodeForbidden})
	}
	if err := f.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.at = f.at.Add(25 * time.Hour)
	f.Record(audit.Refusal{At: f.at, Tenant: "a", Code: privacy.CodeForbidden})
	ctx, stop := context.WithCancel(t.Context())
	stop()
	_ = f.Run(ctx) // only writes: it was told to stop
	if n := f.count(); n != 2501 {
		t.Fatalf("%d rows", n)
	}
	ctx, stop = context.WithTimeout(t.Context(), 5*time.Minute)
	defer stop()
	var run sync.WaitGroup
	run.Go(func() { _ = f.Run(ctx) })
	for f.count() != 1 && ctx.Err() == nil {
		<-time.After(10 * time.Millisecond)
	}
	stop()
	run.Wait()
	var left int
	if err := f.db.QueryRowContext(t.Context(), `SELECT count(*) FROM refusal_tenants`).Scan(&left); err != nil || left != 1 || f.count() != 1 {
		t.Errorf("%d rows and %d tenants are left, %v, want one of each", f.count(), left, err)
	}
}

// TestNamesOnly: nothing is kept of what is no name and no id, and no key.
func TestNamesOnly(t *testing.T) {
	secret := "noised_" + "abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrst"
	for in, want := range map[string]string{
		"insteval": "insteval", "load_0123456789abcdefghjkmnpqrs": "load_0123456789abcdefghjkmnpqrs", "dept-1": "dept-1",
		"":                                  audit.Unnamed,
		"SELECT person FROM visits":         audit.Unnamed,
		"'; DROP TABLE x":                   audit.Unnamed,
		"Ann Smith":                         audit.Unnamed,
		secret:                              audit.Unnamed,
		"load_01234567890123456789012345\n": audit.Unnamed,
	} {
		if got := audit.Name(in); got != want {
			t.Errorf("Name(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestAddressClass(t *testing.T) {
	for in, want := range map[string]string{
		"127.0.0.1:80": "loopback", "[::1]:80": "loopback", "10.1.2.3:4": "private", "[::ffff:192.168.0.1]:9": "private", "8.8.8.8:53": "public", "": "", "nonsense": "",
	} {
		if got := audit.AddressClass(in); got != want {
			t.Errorf("AddressClass(%q) = %q, want %q", in, got, want)
		}
	}
}

// TestOnlyRefusalsAreRefusals: the codes behind which rows may be are those of the
// server's own failures and of a load that its rows made fail. A code that is added
// must be thought about here.
func TestOnlyRefusalsAreRefusals(t *testing.T) {
	for _, code := range []privacy.Code{privacy.CodeInternal, privacy.CodeUnavailable, privacy.CodeLoadRejected} {
		if audit.Refused(code) {
			t.Errorf("%s counts as a refusal", code)
		}
	}
	for _, code := range []privacy.Code{privacy.CodeSQLSyntax, privacy.CodeQueryNotPermitted, privacy.CodeUnknownDataset, privacy.CodeUnknownColumn,
		privacy.CodeBudgetExhausted, privacy.CodePrivacyParameters, privacy.CodeUnauthenticated, privacy.CodeForbidden, privacy.CodeSuspended,
		privacy.CodeInvalidRequest, privacy.CodeNotFound, privacy.CodeConflict, privacy.CodeUnsupportedMediaType, privacy.CodeNotAcceptable,
		privacy.CodeRateLimited, privacy.CodeContractInvalid, privacy.CodeTooLarge, privacy.CodeIdempotencyMismatch} {
		if !audit.Refused(code) {
			t.Errorf("%s does not count as a refusal", code)
		}
	}
}

// BenchmarkRecord is what a refusal costs the request that is refused.
func BenchmarkRecord(b *testing.B) {
	f := open(b, func(o *audit.Options) { o.Queue, o.Burst = 1<<30, 1<<30 })
	ctx, stop := context.WithCancel(b.Context())
	var run sync.WaitGroup
	run.Go(func() { _ = f.Run(ctx) })
	r := audit.Refusal{At: f.at, Principal: "key_a", Tenant: "a", Operation: "getLoad", Code: privacy.CodeNotFound, Params: map[string]string{"load": "load_1"}}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		f.Record(r)
		if i%1000 == 999 { // writing it is not the request's
			b.StopTimer()
			if err := f.Flush(b.Context()); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
		}
	}
	b.StopTimer()
	stop()
	run.Wait()
}
