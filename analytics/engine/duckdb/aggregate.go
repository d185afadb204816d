package duckdb

import (
	"context"
	"errors"
	"sync"

	"github.com/noised/noised/analytics/bounding"
	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/engine/duckdb/attached"
	"github.com/noised/noised/analytics/engine/duckdb/native"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/sqlgen"
	"github.com/noised/noised/privacy"
)

// maxRelations is the number of tables that one statement reads. The time to
// plan a statement grows faster than they do, and so a run over many tenants is
// a few statements, whose sums are added here.
const maxRelations = 64

// aggregate computes a plan that stored ranks bound. It is false, and has read
// no private row, where a row can meet several of public tables: a limit of rows
// is no limit of what a join makes of them. That depends on public tables and
// the plan alone, and the plan can then be streamed within the same limits.
//
// If it fails it is tried again as carefully as can be: see purpose.
func (e *Engine) aggregate(ctx context.Context, in engine.Input, paths []string) (*bounding.Result, bool, error) {
	result, done, err := e.aggregateIn(ctx, attached.Aggregating, in, paths)
	if err != nil && ctx.Err() == nil && privacy.CodeOf(err) == privacy.CodeInternal {
		return e.aggregateIn(ctx, attached.Carefully, in, paths)
	}
	return result, done, err
}

func (e *Engine) aggregateIn(ctx context.Context, p attached.Purpose, in engine.Input, paths []string) (*bounding.Result, bool, error) {
	open, err := e.instances.Acquire(p, paths)
	if err != nil {
		return nil, true, privacy.Internal(err, "opening segments")
	}
	defer e.instances.Release(open)
	fanOut, err := checkFanOut(ctx, open.Instance, in)
	if err != nil || fanOut > 1 {
		return nil, err != nil, err
	}
	a, err := newAggregation(in, open.Instance)
	if err != nil {
		return nil, true, err
	}
	if err := a.run(ctx, e.options.Threads); err != nil {
		return nil, true, wrap(ctx, err)
	}
	return a.tally.result(), true, nil
}

// aggregation is one execution of a plan that stored ranks bound.
type aggregation struct {
	plan     *plan.Bound
	instance *attached.Instance
	batches  [][]sqlgen.Relation // a statement each

	mu    sync.Mutex // guards what follows
	next  int        // the batch that nobody has begun
	tally *tally
	err   error // the first
}

func newAggregation(in engine.Input, on *attached.Instance) (*aggregation, error) {
	relations, err := on.Relations(in)
	if err != nil {
		return nil, err
	}
	a := &aggregation{plan: in.Plan, instance: on}
	if a.tally, err = newTally(in.Plan, in.Salt); err != nil {
		return nil, privacy.Internal(err, "engine input")
	}
	size := max(1, maxRelations/max(1, len(in.Plan.Sources)))
	for ; len(relations) > 0; relations = relations[min(size, len(relations)):] {
		a.batches = append(a.batches, relations[:min(size, len(relations))])
	}
	return a, nil
}

// run computes all batches, at most as many at once as threads says: each
// statement has all threads of the instance, but is planned by one.
func (a *aggregation) run(parent context.Context, threads int) error {
	ctx, cancel := context.WithCancel(parent)
	defer cancel()
	var workers sync.WaitGroup
	for range min(threads, len(a.batches)) {
		workers.Go(func() {
			for {
				i, more := a.begin(ctx)
				if !more {
					return
				}
				if err := a.batch(ctx, i); err != nil {
					a.fail(err)
					cancel()
				}
			}
		})
	}
	workers.Wait()
	if a.err == nil && parent.Err() != nil {
		return parent.Err()
	}
	return a.err
}

// begin returns a batch that nobody has begun, unless ctx has ended.
func (a *aggregation) begin(ctx context.Context) (int, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if ctx.Err() != nil || a.next == len(a.batches) {
		return 0, false
	}
	a.next++
	return a.next - 1, true
}

func (a *aggregation) fail(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err == nil {
		a.err = err
	}
}

// batch computes one statement and adds its groups to the tally.
func (a *aggregation) batch(ctx context.Context, i int) error {
	st, err := sqlgen.Aggregate(a.plan, spans{ctx, a, a.batches[i]}.known(), a.batches[i]...)
	if err != nil {
		return err
	}
	reader, err := a.instance.Borrow(st.SQL)
	if err != nil {
		return err
	}
	err = reader.Conn.During(ctx, func() error { return a.fetch(reader.Conn, st, a.batches[i]) })
	a.instance.GiveBack(st.SQL, reader, err == nil && ctx.Err() == nil)
	return err
}

func (a *aggregation) fetch(c *native.Connection, st *sqlgen.Aggregation, of []sqlgen.Relation) (err error) {
	defer func() {
		if recover() != nil { // its value may hold a row's
			err = errUnread
		}
	}()
	rows, err := c.Query(st.SQL)
	if err != nil {
		return err
	}
	defer rows.Close()
	for {
		block, more, err := rows.Next()
		if err != nil || !more {
			return err
		}
		err = a.add(&block, rows.Types, st, of)
		block.Close()
		if err != nil {
			return err
		}
	}
}

func (a *aggregation) add(block *native.Chunk, types []native.Physical, st *sqlgen.Aggregation, of []sqlgen.Relation) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.tally.add(block, types, st, of)
}

// errUnread is why a run fails that panicked over a result.
var errUnread = errors.New("a result could not be read")
