package build

import (
	"context"
	"errors"
	"fmt"

	"github.com/noised/noised/ingest/duck"
	"github.com/noised/noised/ingest/segment"
)

// Rows beyond what their unit may have, with that unit; and the ids of those
// rows that no unit keeps. Which rows a unit loses is a matter of their unit
// ranks, and so of that unit's rows and the salt.
const (
	excessTable  = stageDB + ".main.excess"
	droppedTable = "dropped"
)

// errExcess ends a pass that would need the ids of rows.
var errExcess = errors.New("a unit has too many rows")

// rankGood moves the good rows to the segment and notes which ones are left
// out. Hardly any unit has too many rows unless the contract bounds them: only
// then, or when one has, are the ids of rows carried along.
func (t *task) rankGood(ctx context.Context, d *duck.DB) (err error) {
	if t.spec.MaxRows == 0 && !t.crowded {
		t.result.RowsStored, err = t.ranked(ctx, d, t.goodRows(""), false, func(int64, uint64) error { return errExcess })
		if !errors.Is(err, errExcess) {
			return err
		}
	}
	if err := d.Exec(ctx, fmt.Sprintf("CREATE TABLE %s (id BIGINT, %s UBIGINT)", excessTable, segment.UnitColumn)); err != nil {
		return err
	}
	to, err := d.Append(ctx, stageDB, "excess")
	if err != nil {
		return err
	}
	x := &excess{to: to, chunk: to.NewChunk()}
	t.result.RowsStored, err = t.ranked(ctx, d, t.goodRows("id, "), true, x.add)
	if ending := x.close(ctx); err == nil {
		err = ending
	}
	if err != nil {
		return err
	}
	t.excess = x.rows
	return t.countDropped(ctx, d)
}

// goodRows is the query of the good rows as they are to be stored.
func (t *task) goodRows(before string) string {
	query := "SELECT " + before + segment.UnitColumn
	for _, column := range t.kept() {
		query += ", " + column
	}
	return query + " FROM (" + t.good() + ")"
}

// countDropped counts the rows that no unit keeps: those are rejected.
func (t *task) countDropped(ctx context.Context, d *duck.DB) error {
	if t.excess == 0 {
		return nil
	}
	var rejected int64
	err := d.Exec(ctx, fmt.Sprintf("CREATE TEMP TABLE %s AS %s", droppedTable, t.dropped()))
	if err == nil {
		err = d.Ints(ctx, "SELECT count(*) FROM "+droppedTable, &rejected)
	}
	t.result.RowsRejected += rejected
	return err
}

// excess writes the table of rows that are left out.
type excess struct {
	to    *duck.Appender
	chunk *duck.Chunk
	at    int
	rows  int64
}

func (x *excess) add(id int64, unit uint64) error {
	if x.at == duck.ChunkRows() {
		if err := x.flush(); err != nil {
			return err
		}
	}
	duck.View[int64](x.chunk.Columns[0], x.at+1)[x.at] = id
	duck.View[uint64](x.chunk.Columns[1], x.at+1)[x.at] = unit
	x.at++
	x.rows++
	return nil
}

func (x *excess) flush() error {
	x.chunk.Resize(x.at)
	err := x.to.Add(x.chunk)
	x.chunk.Reset()
	x.at = 0
	return err
}

func (x *excess) close(ctx context.Context) error {
	err := x.flush()
	x.chunk.Close()
	if err != nil {
		return errors.Join(err, x.to.Abandon())
	}
	return x.to.Close(ctx)
}
