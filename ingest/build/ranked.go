package build

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/noised/noised/ingest/duck"
	"github.com/noised/noised/ingest/rank"
	"github.com/noised/noised/privacy"
)

// chunksAhead is the number of chunks that wait for being written while others
// are ranked.
const chunksAhead = 32

// unitMemoryShare is the part of a worker's memory that one unit's rows may take.
const unitMemoryShare = 3

var errCrowded = privacy.Errorf(privacy.CodeLoadRejected, "one unit has more rows than fit the memory that this server grants to one load")

// ranked moves the rows of a query to the segment, ranked, and tells excess of
// those beyond what their unit may have. The query gives units and columns, and
// before them the ids of rows where withIDs says so. Ranking and writing go on at
// the same time.
func (t *task) ranked(ctx context.Context, d *duck.DB, query string, withIDs bool, excess func(id int64, unit uint64) error) (stored int64, err error) {
	to, err := d.Append(ctx, segmentDB, "rows")
	if err != nil {
		return 0, err
	}
	w := newWriter(to)
	stored, err = t.rankInto(ctx, d, query, withIDs, w, excess)
	if writing := w.close(); err == nil {
		err = writing
	}
	if err != nil {
		return 0, errors.Join(err, to.Abandon())
	}
	return stored, to.Close(ctx)
}

// rankInto ranks the rows of a query and hands them to a writer.
func (t *task) rankInto(ctx context.Context, d *duck.DB, query string, withIDs bool, w *writer, excess func(id int64, unit uint64) error) (stored int64, err error) {
	ordered, err := t.ordered(query, withIDs)
	if err != nil {
		return 0, err
	}
	rows, err := d.Chunks(ctx, ordered)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	o := rank.Options{
		Salt: t.spec.Salt, Groupings: t.spec.Meta.Ranks, IDs: withIDs, Earlier: len(t.spec.Earlier) > 0, Cap: int(t.unitCap()), Memory: t.spec.MemoryMB << 20 / unitMemoryShare,
		Spare: rows.NewChunk, Empty: w.empty, Excess: excess,
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

// writer appends chunks in a goroutine of its own.
type writer struct {
	to     *duck.Appender
	filled chan *duck.Chunk
	free   chan *duck.Chunk
	failed chan struct{} // closed when err is set
	err    error
	done   sync.WaitGroup
}

func newWriter(to *duck.Appender) *writer {
	w := &writer{to: to, filled: make(chan *duck.Chunk, chunksAhead), free: make(chan *duck.Chunk, chunksAhead+1), failed: make(chan struct{})}
	w.done.Go(w.run)
	return w
}

func (w *writer) run() {
	for c := range w.filled {
		if w.err == nil {
			if err := w.to.Add(c); err != nil {
				w.err = err
				close(w.failed)
			}
		}
		select {
		case w.free <- c:
		default:
			c.Close()
		}
	}
}

// empty returns a chunk to fill.
func (w *writer) empty() (*duck.Chunk, error) {
	select {
	case c := <-w.free:
		c.Reset()
		return c, nil
	default:
		return w.to.NewChunk(), nil
	}
}

// put hands a filled chunk over.
func (w *writer) put(c *duck.Chunk) error {
	select {
	case w.filled <- c:
		return nil
	case <-w.failed:
		c.Close()
		return fmt.Errorf("writing rows: %w", w.err)
	}
}

// close waits until everything is appended.
func (w *writer) close() error {
	close(w.filled)
	w.done.Wait()
	close(w.free)
	for c := range w.free {
		c.Close()
	}
	return w.err
}
