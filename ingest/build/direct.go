package build

import (
	"context"
	"errors"

	"github.com/noised/noised/ingest/duck"
	"github.com/noised/noised/ingest/upload"
)

// direct writes the segment straight from the source where every row of it is
// good and belongs to the unit that it names, without staging what is only
// sorted: that takes a third of the time of a load. It reports false, and has
// written nothing, where a row would have to be looked at again.
func (t *task) direct(ctx context.Context, d *duck.DB, src *upload.Source) (done bool, err error) {
	if src.Relation == "" || t.spec.Meta.Public || t.spec.Parent != nil || t.spec.MaxRows > 0 || len(t.spec.Earlier) > 0 {
		return false, nil
	}
	query, err := t.directSQL(src)
	if err != nil {
		return false, err
	}
	err = t.fill(ctx, d, func() (err error) {
		t.result.RowsStored, err = t.ranked(ctx, d, query, false, func(int64, uint64) error { return errExcess })
		return err
	})
	if err == nil {
		t.result.RowsRead, t.result.RowsLoaded = t.result.RowsStored, t.result.RowsStored
		return true, t.writeRejects()
	}
	if known := t.environment(ctx, err); known != nil {
		return false, known
	}
	t.seen.Store(0)
	if t.crowded = errors.Is(err, errExcess); !t.crowded && src.Rewrite != nil {
		src.Relation = "" // a row is bad: only the scanner knows its line
	}
	return false, nil
}
