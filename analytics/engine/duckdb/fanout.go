package duckdb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/engine/duckdb/attached"
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
	sorted, err := attached.PathsOf(paths)
	if err != nil {
		return privacy.Internal(err, "engine input")
	}
	open, err := e.instances.Acquire(attached.Streaming, sorted)
	if err != nil {
		return privacy.Internal(err, "opening segments")
	}
	defer e.instances.Release(open)
	_, err = checkFanOut(ctx, open.Instance, in)
	return err
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

// checkFanOut returns how many rows of all public tables together one row can
// meet, 1 in a plan that joins none.
func checkFanOut(ctx context.Context, in *attached.Instance, of engine.Input) (int64, error) {
	if len(of.Plan.Sources) < 2 {
		return 1, nil
	}
	tables := make(map[string][]string)
	for _, s := range public(of) {
		catalog, ok := in.Catalogs[s.Path]
		if !ok {
			return 0, privacy.Internal(fmt.Errorf("a segment is not attached"), "engine input")
		}
		tables[s.Table] = append(tables[s.Table], catalog)
	}
	statements, err := sqlgen.FanOuts(of.Plan, tables)
	if err != nil {
		return 0, err
	}
	rows := int64(1)
	for _, sql := range statements {
		n, err := in.Fact(ctx, sql, func() (string, error) { return sql, nil })
		if err != nil {
			return 0, wrap(ctx, err)
		}
		if n[0] > maxFanOut/rows {
			return 0, tooManyPartners(of.Plan)
		}
		rows *= max(n[0], 1)
	}
	return rows, nil
}

// A unit has at most maxUnitRows rows in a segment (loads leave out more), and
// may have maxJoinedRows once they are joined: a few seconds' work.
const (
	maxUnitRows   = 1 << 20
	maxJoinedRows = 1 << 22
)

// capOf limits the rows of a unit that are joined where public tables make many
// of each, or there are many segments, so that one unit cannot make a run fail.
// It depends on public tables and on the number of loads alone, and the choice
// of rows on the unit's own.
func capOf(fanOut int64, in engine.Input) sqlgen.Cap {
	segments, most := make(map[[2]string]int64), int64(1)
	for _, s := range in.Segments {
		at := [2]string{s.Tenant, s.Table}
		segments[at]++
		most = max(most, segments[at])
	}
	if len(in.Plan.Sources) < 2 || fanOut*most*maxUnitRows <= maxJoinedRows {
		return sqlgen.Cap{}
	}
	key := sha256.Sum256(append([]byte("rows of a join"), in.Salt[:]...))
	return sqlgen.Cap{Rows: maxJoinedRows / fanOut, Key: hex.EncodeToString(key[:16])}
}

func tooManyPartners(p *plan.Bound) error {
	return privacy.Errorf(privacy.CodeQueryNotPermitted, "a join in which one row can meet more than %d rows of public tables is not permitted", maxFanOut).
		Suggest("join public tables on columns that tell their rows apart, each of them once")
}
