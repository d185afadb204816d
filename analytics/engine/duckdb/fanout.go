package duckdb

import (
	"context"
	"fmt"
	"sync"

	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/sqlgen"
	"github.com/noised/noised/privacy"
)

// maxFanOut is the largest number of rows of public tables, together, that a
// join may make of one row of private tables. It is enough for a map from one
// code to many, and too few to make a run slow for the sake of one row.
const maxFanOut = 1 << 12

// Permits refuses a plan whose joins with public tables multiply rows without
// measure. Bounding does not mind: what a unit contributes is bounded after
// the join. But whoever asks could have a run take hours, and fail, if and only
// if some row passes a filter that picks out one person, and a failure has no
// noise. So a plan is refused by how many rows one row could meet, whether or
// not there is a row that does.
//
// It reads public tables alone, and its answer depends on them and the plan.
// Segments of private tables are not needed, and not opened.
func (e *Engine) Permits(ctx context.Context, in engine.Input) error {
	in.Segments = public(in)
	if len(in.Plan.Sources) < 2 || len(in.Segments) == 0 {
		return nil
	}
	if err := in.Check(); err != nil {
		return err
	}
	var paths []string
	for _, s := range in.Segments {
		paths = append(paths, s.Path)
	}
	sorted, err := pathsOf(paths)
	if err != nil {
		return privacy.Internal(err, "engine input")
	}
	open, err := e.instances.acquire(sorted)
	if err != nil {
		return privacy.Internal(err, "opening segments")
	}
	defer e.instances.release(open)
	return open.checkFanOut(ctx, in)
}

func public(in engine.Input) []engine.Segment {
	var out []engine.Segment
	for _, s := range in.Segments {
		if s.Tenant == "" {
			out = append(out, s)
		}
	}
	return out
}

// checkFanOut multiplies how many rows of each public table one row can meet.
func (in *instance) checkFanOut(ctx context.Context, of engine.Input) error {
	if len(of.Plan.Sources) < 2 {
		return nil
	}
	tables := make(map[string][]string)
	for _, s := range public(of) {
		catalog, ok := in.catalogs[s.Path]
		if !ok {
			return privacy.Internal(fmt.Errorf("a segment is not attached"), "engine input")
		}
		tables[s.Table] = append(tables[s.Table], catalog)
	}
	statements, err := sqlgen.FanOuts(of.Plan, tables)
	if err != nil {
		return err
	}
	rows := int64(1)
	for _, sql := range statements {
		n, err := in.fanOut(ctx, sql)
		if err != nil {
			return wrap(ctx, err)
		}
		if n > maxFanOut/rows {
			return tooManyPartners(of.Plan)
		}
		rows *= max(n, 1)
	}
	return nil
}

func tooManyPartners(p *plan.Bound) error {
	return privacy.Errorf(privacy.CodeQueryNotPermitted, "a join in which one row can meet more than %d rows of public tables is not permitted", maxFanOut).
		Suggest("join public tables on columns that tell their rows apart, each of them once")
}

// fanOuts remembers answers: the files of an instance do not change.
type fanOuts struct {
	mu    sync.Mutex
	bySQL map[string]int64
}

// maxFanOuts is the number of answers that are remembered.
const maxFanOuts = 1000

func (in *instance) fanOut(ctx context.Context, sql string) (int64, error) {
	in.fan.mu.Lock()
	defer in.fan.mu.Unlock()
	if n, known := in.fan.bySQL[sql]; known {
		return n, nil
	}
	c, err := in.db.connect()
	if err != nil {
		return 0, err
	}
	defer c.close()
	n, err := c.number(ctx, sql)
	if err != nil {
		return 0, err
	}
	if in.fan.bySQL == nil || len(in.fan.bySQL) >= maxFanOuts {
		in.fan.bySQL = make(map[string]int64)
	}
	in.fan.bySQL[sql] = n
	return n, nil
}

// number runs a statement whose result is one whole number.
func (c *connection) number(ctx context.Context, sql string) (int64, error) {
	done, interrupted := make(chan struct{}), make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(interrupted)
		keepInterrupting(done, c)
	})
	n, err := c.fetchNumber(sql)
	close(done)
	if !stop() {
		<-interrupted
	}
	return n, err
}

func (c *connection) fetchNumber(sql string) (int64, error) {
	result, err := c.query(sql)
	if err != nil {
		return 0, err
	}
	defer result.close()
	if len(result.types) != 1 || result.types[0] != physicalInt64 {
		return 0, fmt.Errorf("the result is not a number")
	}
	ch, more, err := result.next()
	switch {
	case err != nil:
		return 0, err
	case !more:
		return 0, fmt.Errorf("there is no number")
	}
	defer ch.close()
	return view[int64](ch.vector(0, physicalInt64), 1)[0], nil
}
