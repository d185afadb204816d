package build

import (
	"context"
	"errors"

	"github.com/noised/noised/ingest/duck"
	"github.com/noised/noised/ingest/rank"
	"github.com/noised/noised/privacy"
)

// unitMemoryShare is the part of a worker's memory that one unit's rows may take.
const unitMemoryShare = 3

var errCrowded = privacy.Errorf(privacy.CodeLoadRejected, "one unit has more rows than fit the memory that this server grants to one load")

// ranked moves the rows of a query to the segment, ranked, and tells excess of
// those beyond what their unit may have. The query gives units and columns, and
// before them the ids of rows where withIDs says so. Sorting, ranking and
// writing go on at the same time.
func (t *task) ranked(ctx context.Context, d *duck.DB, query string, withIDs bool, excess func(id int64, unit uint64) error) (stored int64, err error) {
	err = t.write(ctx, d, func(w *writer) (err error) {
		stored, err = t.rankInto(ctx, d, query, withIDs, w, excess)
		return err
	})
	return stored, err
}

// rankInto ranks the rows of a query and hands them to a writer.
func (t *task) rankInto(ctx context.Context, d *duck.DB, query string, withIDs bool, w *writer, excess func(id int64, unit uint64) error) (stored int64, err error) {
	ordered, err := t.ordered(query, withIDs)
	if err != nil {
		return 0, err
	}
	sorted, err := d.Chunks(ctx, ordered)
	if err != nil {
		return 0, err
	}
	rows := sorted.Ahead(chunksAhead)
	defer func() { err = errors.Join(err, rows.Close()) }()
	o := rank.Options{
		Salt: t.spec.Salt, Groupings: t.spec.Meta.Ranks, IDs: withIDs, Earlier: len(t.spec.Earlier) > 0, Cap: int(t.unitCap()), Memory: t.spec.MemoryMB << 20 / unitMemoryShare,
		Spare: rows.NewChunk, Empty: w.empty, Excess: excess,
		Numbered: w.numbered(),
		Put: func(c *duck.Chunk) error {
			stored += int64(c.Rows)
			return w.put(c)
		},
	}
	for _, c := range t.spec.Columns {
		o.Columns = append(o.Columns, c.Name)
	}
	r, err := rank.New(o)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	for {
		chunk, err := rows.Next()
		if err != nil {
			return 0, err
		}
		if chunk == nil {
			break
		}
		if err := r.Add(chunk); err != nil {
			return 0, crowded(err)
		}
	}
	return stored, r.End()
}

func crowded(err error) error {
	if errors.Is(err, rank.ErrCrowded) {
		return errCrowded
	}
	return err
}
