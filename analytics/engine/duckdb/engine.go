// Package duckdb is the embedded engine: it reads segments, which are DuckDB
// files, in place.
//
// Every set of files that some run was authorised to read has an instance of
// its own, with exactly those files attached read-only and external access and
// configuration locked; a run cannot reach a file of another set. Instances are
// cached, because opening one costs far more than a query.
//
// A run reads all segments at once. For each (in a join, for each tenant), a
// goroutine runs its SELECT on a connection of its own, decodes DuckDB's vectors into typed
// slices and numbers the keys; package bounding merges the streams and bounds
// each unit. Nothing is allocated per row, and of each segment no more than two
// blocks of rows and DuckDB's own buffer of about a megabyte are in memory.
//
// Errors are internal and carry no text of DuckDB's: its messages quote values.
package duckdb

import (
	"context"
	"errors"
	"time"

	"github.com/noised/noised/analytics/bounding"
	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/privacy"
)

// Engine runs bounded plans. It is safe for concurrent use.
type Engine struct {
	options   Options
	instances *instances
}

// New returns an engine. It opens nothing until the first run.
func New(o Options) (*Engine, error) {
	o = o.withDefaults()
	return &Engine{options: o, instances: newInstances(o)}, nil
}

// Close waits for the runs under way and closes every instance. Later runs
// fail.
func (e *Engine) Close() error {
	e.instances.close()
	return nil
}

// Forget closes what is open of segments that no later run will ask for, so that
// deleting their files frees the disk. Runs under way keep theirs to their end.
func (e *Engine) Forget(paths ...string) { e.instances.forget(paths) }

// Run computes the exact partials of a plan over its segments. When ctx ends,
// it stops reading and returns an internal error that wraps the context's.
func (e *Engine) Run(ctx context.Context, in engine.Input) (*engine.Partials, error) {
	if err := in.Check(); err != nil {
		return nil, err
	}
	var paths []string
	for _, s := range in.Segments {
		paths = append(paths, s.Path)
	}
	sorted, err := pathsOf(paths)
	if err != nil {
		return nil, privacy.Internal(err, "engine input")
	}
	open, err := e.instances.acquire(sorted)
	if err != nil {
		return nil, privacy.Internal(err, "opening segments")
	}
	defer e.instances.release(open)

	fanOut, err := open.checkFanOut(ctx, in)
	if err != nil {
		return nil, err
	}
	r, err := newRun(e.options, in, open.instance, capOf(fanOut, in))
	if err != nil {
		return nil, err
	}
	result, err := r.execute(ctx)
	if err != nil {
		return nil, wrap(ctx, err)
	}
	return result, nil
}

// wrap prefers the caller's reason for stopping over its consequences.
func wrap(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return privacy.Internal(context.Cause(ctx), "engine run")
	}
	var known *privacy.Error
	if errors.As(err, &known) {
		return known
	}
	return privacy.Internal(err, "engine run")
}

// interruptEvery is how often a run that is being stopped is interrupted again:
// DuckDB forgets an interrupt that comes just before a statement starts.
const interruptEvery = 10 * time.Millisecond

// execute runs all streams to their end and takes them down in any case.
func (r *run) execute(parent context.Context) (*bounding.Result, error) {
	ctx, cancel := context.WithCancel(parent)
	defer cancel()
	done, interrupted := make(chan struct{}), make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(interrupted)
		r.interrupt(done)
	})
	for _, s := range r.streams {
		r.producers.Go(func() { s.produce(ctx) })
	}
	sources := make([]bounding.Source, len(r.streams))
	for i, s := range r.streams {
		sources[i] = bounding.Source{Tenant: s.tenant, Stream: s}
	}
	result, err := bounding.Run(ctx, r.plan, r.salt, sources)
	if err != nil {
		cancel()
	}
	r.producers.Wait()
	close(done)
	if !stop() {
		<-interrupted
	}
	for _, s := range r.streams {
		r.instance.giveBack(s.catalog, s.reader, err == nil)
	}
	return result, err
}

// interrupt fails the statements of a run that is being stopped, until all its
// producers have ended.
func (r *run) interrupt(done <-chan struct{}) {
	var all []*connection
	for _, s := range r.streams {
		all = append(all, s.reader.conn)
	}
	keepInterrupting(done, all...)
}

func keepInterrupting(done <-chan struct{}, all ...*connection) {
	tick := time.NewTicker(interruptEvery)
	defer tick.Stop()
	for {
		for _, c := range all {
			c.interrupt()
		}
		select {
		case <-done:
			return
		case <-tick.C:
		}
	}
}
