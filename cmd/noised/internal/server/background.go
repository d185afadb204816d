package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// recoverEvery is how often pending charges that lost their process are looked
// for. One that is cut off waits at most this long after its lease has ended.
const recoverEvery = 30 * time.Second

// startBackground starts what goes on beside requests: load jobs, watching files and
// other servers on the directory, and finishing charges that a crash left.
func (m *Main) startBackground() {
	ctx, stop := context.WithCancel(context.Background())
	m.stop = stop
	m.goDo("uses of keys", func() error {
		m.parts.keys.RecordUses(ctx, func(err error) { m.Log.Warn("the last uses of keys could not be written; trying again", "error", err) })
		return nil
	})
	if m.parts.tokens != nil {
		m.goDo("issuers", func() error { m.parts.tokens.Run(ctx); return nil })
	}
	if m.watcher != nil {
		m.goDo("certificates", func() error { m.watcher.Run(ctx); return nil })
	}
	m.goDo("copies from before upgrades", func() error { return m.sweepCopies(ctx) })
	m.goDo("files that went", func() error { m.parts.letGo(ctx); return nil })
	m.goDo("load jobs", func() error { return m.parts.jobs.Run(ctx) })
	m.goDo("suspensions", func() error {
		m.parts.containment.Watch(ctx, func(err error) {
			m.Log.Warn("suspensions of other servers cannot be seen; nothing is stored meanwhile", "error", err)
		})
		return nil
	})
	m.goDo("alerts", func() error { return m.parts.anomalies.Run(ctx) })
	if m.parts.webhook != nil {
		m.goDo("webhook", func() error { return m.parts.webhook.Run(ctx) })
	}
	m.goDo("audit", func() error { return m.parts.audit.Run(ctx) })
	m.goDo("policies", func() error {
		told := make(chan os.Signal, 1)
		if m.Config.PolicyDir != "" { // elsewhere the signal ends the program, as ever
			signal.Notify(told, syscall.SIGHUP)
			defer signal.Stop(told)
		}
		m.parts.policies.Watch(ctx, told)
		return nil
	})
	if m.parts.flags != nil {
		m.goDo("flags", func() error { m.parts.flags.Watch(ctx); return nil })
	}
	m.goDo("recovery", func() error { return m.recoverCharges(ctx) })
}

// recoverCharges finishes charges that lost their process, until ctx ends.
func (m *Main) recoverCharges(ctx context.Context) error {
	tick := time.NewTicker(recoverEvery)
	defer tick.Stop()
	for {
		if err := m.parts.queries.Recover(ctx); err != nil && ctx.Err() == nil {
			m.Log.Error("finishing pending charges failed; trying again", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// goDo runs a part of the server. Its failure stops the server.
func (m *Main) goDo(what string, f func() error) {
	m.work.Add(1)
	go func() {
		defer m.work.Done()
		err := f()
		if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, http.ErrServerClosed) {
			return
		}
		select {
		case m.failed <- fmt.Errorf("%s: %w", what, err):
		default: // the first failures are reported
		}
	}()
}
