package ingesttest

import (
	"context"
	"strings"
	"time"

	"github.com/noised/noised/ingest/job"
)

// Eventually waits for something that another process or goroutine does.
func (h *House) Eventually(what string, done func() bool) {
	h.T.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(5 * time.Minute)
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			h.T.Fatalf("waited in vain for %s", what)
		}
	}
}

// Send records a load.
func (h *House) Send(r job.Request, body string) job.Load {
	h.T.Helper()
	l, err := h.Jobs.Create(context.Background(), r, strings.NewReader(body))
	h.Must(err)
	return l
}

// Latest is a load as it is on record by now.
func (h *House) Latest(l job.Load) job.Load {
	h.T.Helper()
	l, err := h.Jobs.Get(context.Background(), l.Tenant, l.ID)
	h.Must(err)
	return l
}

// Wait returns a load once it has reached a state that ok accepts.
func (h *House) Wait(l job.Load, ok func(job.State) bool) job.Load {
	h.T.Helper()
	h.Eventually("load "+l.ID, func() bool {
		l = h.Latest(l)
		return ok(l.State)
	})
	return l
}

// Ended returns a load once it has ended, well or not.
func (h *House) Ended(l job.Load) job.Load {
	h.T.Helper()
	return h.Wait(l, job.State.Finished)
}

// Load records a load and waits for its success.
func (h *House) Load(r job.Request, body string) job.Load {
	h.T.Helper()
	l := h.Ended(h.Send(r, body))
	if l.State != job.StateSucceeded {
		h.T.Fatalf("the load %s: %+v", l.State, l.Error)
	}
	return l
}
