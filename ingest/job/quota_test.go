package job_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/noised/noised/analytics/quota"
	"github.com/noised/noised/ingest/job"
	"github.com/noised/noised/privacy"
)

// allowance grants every tenant the same.
type allowance struct{ quota.Limits }

func (a *allowance) Of(context.Context, string) (quota.Limits, error) { return a.Limits, nil }

// allow makes a new service on the same data with quotas, which a test may change.
func (h *house) allow() *allowance {
	h.T.Helper()
	a := &allowance{quota.None()}
	h.Serve(func(o *job.Options) { o.Quotas = a })
	return a
}

func wantQuota(t *testing.T, what string, err error, k quota.Kind, code privacy.Code) {
	t.Helper()
	if e := privacy.AsError(err); privacy.CodeOf(err) != code || !strings.Contains(e.Message, "the quota "+k.String()) {
		t.Errorf("%s: %v", what, err)
	}
}

// TestUploadsBeyondTheQuotaAreRefused: by what they announce, by what they send,
// and by what others of the tenant send meanwhile.
func TestUploadsBeyondTheQuotaAreRefused(t *testing.T) {
	h := newHouse(t)
	a := h.allow()
	a.Limits[quota.StoredBytes] = 1000
	_, err := h.Jobs.Create(t.Context(), request(func(r *job.Request) { r.Length = 1001 }), unread{t})
	wantQuota(t, "announced", err, quota.StoredBytes, privacy.CodeTooLarge)
	_, err = h.Jobs.Create(t.Context(), request(), strings.NewReader(strings.Repeat("x", 1001)))
	wantQuota(t, "sent", err, quota.StoredBytes, privacy.CodeTooLarge)

	body, feed := io.Pipe()
	done := make(chan error)
	go func() {
		_, err := h.Jobs.Create(t.Context(), request(func(r *job.Request) { r.LoadID = "slow" }), body)
		done <- err
	}()
	_, _ = feed.Write([]byte(strings.Repeat("x", 600)))
	_, _ = feed.Write(nil) // the first bytes were read
	_, err = h.Jobs.Create(t.Context(), request(), strings.NewReader(strings.Repeat("x", 600)))
	wantQuota(t, "beside another", err, quota.StoredBytes, privacy.CodeTooLarge)
	_ = feed.Close()
	h.Must(<-done)
	_, err = h.Jobs.Create(t.Context(), request(), strings.NewReader(strings.Repeat("x", 600)))
	wantQuota(t, "beside one that waits", err, quota.StoredBytes, privacy.CodeTooLarge)
	if l, err := h.Jobs.Create(t.Context(), request(func(r *job.Request) { r.LoadID = "slow" }), strings.NewReader(strings.Repeat("x", 600))); err != nil || !l.Existing {
		t.Errorf("the same again: %v, %v", l, err)
	}
	if n := len(h.Files("spool")); n != 1 {
		t.Errorf("%d uploads are left", n)
	}
	h.Send(request(func(r *job.Request) { r.LoadID = "rest" }), strings.Repeat("x", 400))
}

// TestLoadsThatWait: as many as the quota says.
func TestLoadsThatWait(t *testing.T) {
	h := newHouse(t)
	h.allow().Limits[quota.LoadsWaiting] = 2
	h.Send(request(), "1")
	second := h.Send(request(), "2")
	_, err := h.Jobs.Create(t.Context(), request(), unread{t})
	wantQuota(t, "a third", err, quota.LoadsWaiting, privacy.CodeRateLimited)
	if _, err := h.Jobs.Cancel(t.Context(), "a", second.ID); err != nil {
		t.Fatal(err)
	}
	h.Send(request(), "3")
}

// TestPublishingBeyondTheQuotaFails: what an upload becomes may be larger than it;
// the load fails, nothing of it stays, and what was there does. Who stores too much
// may replace it by less.
func TestPublishingBeyondTheQuotaFails(t *testing.T) {
	h := newHouse(t)
	a := h.allow()
	h.Start()
	first := h.Load(request(), twoRows)
	data, _, err := h.Catalog.Stored(t.Context(), h.DB, "a")
	h.Must(err)
	a.Limits[quota.StoredBytes] = data + 1000
	l := h.Send(request(), twoRows)
	failed := h.Wait(l, job.State.Finished)
	if failed.State != job.StateFailed || failed.Error.Code != privacy.CodeTooLarge || !strings.Contains(failed.Error.Message, "stored_bytes") {
		t.Errorf("it %s: %+v", failed.State, failed.Error)
	}
	h.Eventually("its file to go", func() bool { return len(h.Files("tenants/a/ratings")) == 1 })
	if g, _, err := h.Catalog.Head(t.Context(), "ratings", "a"); err != nil || g.ID != first.Generation {
		t.Errorf("the data in force changed: %v", err)
	}
	a.Limits[quota.StoredBytes] = data - 1
	_, err = h.Jobs.Create(t.Context(), request(), unread{t})
	wantQuota(t, "adding to too much", err, quota.StoredBytes, privacy.CodeTooLarge)
	h.Load(request(func(r *job.Request) { r.Write = job.WriteReplace }), twoRows)

	// Replaced files wait to be removed, and may be as much again.
	a.Limits[quota.StoredBytes] = data
	_, err = h.Jobs.Create(t.Context(), request(func(r *job.Request) { r.Write = job.WriteReplace }), unread{t})
	wantQuota(t, "replacing over and over", err, quota.StoredBytes, privacy.CodeTooLarge)
}

// TestLoadsOfATenantAtATime: however many slots are free.
func TestLoadsOfATenantAtATime(t *testing.T) {
	h := newHouse(t)
	other := strings.Replace(fmt.Sprintf(ratings, 1), "dataset: ratings", "dataset: others", 1)
	h.Must(h.Put(other))
	h.Must(h.Catalog.Accept(t.Context(), "others", "a", 1, admin))
	h.join("b", 1)
	h.allow().Limits[quota.LoadsRunning] = 0
	held := h.Send(request(), twoRows)
	stop := h.Start()
	h.Send(request(func(r *job.Request) { r.Dataset = "others" }), twoRows)
	stop()
	if l, err := h.Jobs.Get(t.Context(), "a", held.ID); err != nil || l.State != job.StatePending {
		t.Errorf("a load beyond the quota %s, %v", l.State, err)
	}
	h.allow().Limits[quota.LoadsRunning] = 1
	h.Start()
	h.Wait(held, func(s job.State) bool { return s == job.StateSucceeded })
}
