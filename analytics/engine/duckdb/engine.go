// Package duckdb is the embedded engine: it reads segments, which are DuckDB
// files, in place.
//
// A run reaches exactly the files that it was authorised to read: see package attached.
//
// A run is cut into parts, each of which has all rows of some units: a range of
// pseudonyms, which are spread evenly, and under scope tenant those of one tenant.
// Workers take one part after another. For each segment (in a join, for each
// tenant), a part runs a SELECT on a connection of its own, whose rows are decoded
// from DuckDB's vectors into typed slices when package bounding, which merges them and
// bounds each unit, asks for the next. Nothing is allocated per row. A worker
// keeps a block of rows and DuckDB's buffer per segment, or all rows of a part that
// has many segments: see parts.
//
// A plan that stored ranks bound is not streamed: it is an aggregate over all of
// its segments, a few statements in all, which DuckDB computes with all threads.
// Its instances are others than those of streams, which have one thread and none
// of the optimizer's rules that would lose the order of rows. See aggregate.
//
// Errors are internal and carry no text of DuckDB's: its messages quote values.
package duckdb

import (
	"context"
	"errors"

	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/engine/duckdb/attached"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

// Engine runs bounded plans. It is safe for concurrent use.
type Engine struct {
	options   Options
	instances *attached.Cache
}

// New returns an engine. It opens nothing until the first run.
func New(o Options) (*Engine, error) {
	o = o.withDefaults()
	return &Engine{options: o, instances: attached.NewCache(o.settings())}, nil
}

// Close waits for the runs under way and closes every instance. Later runs
// fail.
func (e *Engine) Close() error {
	e.instances.Close()
	return nil
}

// Forget closes what is open of segments that no later run will ask for, so that
// deleting their files frees the disk. Runs under way keep theirs to their end.
func (e *Engine) Forget(paths ...string) { e.instances.Forget(paths) }

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
	sorted, err := attached.PathsOf(paths)
	if err != nil {
		return nil, privacy.Internal(err, "engine input")
	}
	if in.Plan.Strategy.Bounding != plan.BoundStream {
		if result, done, err := e.aggregate(ctx, in, sorted); done || err != nil {
			return result, err
		}
	}
	open, err := e.instances.Acquire(attached.Streaming, sorted)
	if err != nil {
		return nil, privacy.Internal(err, "opening segments")
	}
	defer e.instances.Release(open)

	fanOut, err := checkFanOut(ctx, open.Instance, in)
	if err != nil {
		return nil, err
	}
	r, err := newRun(e.options, in, open.Instance, capOf(fanOut, in))
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
