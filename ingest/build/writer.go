package build

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/noised/noised/ingest/code"
	"github.com/noised/noised/ingest/duck"
)

// chunksAhead is the number of chunks that wait for being written while others
// are made.
const chunksAhead = 32

// write moves the chunks that from puts to the rows of the segment, with their
// codes; all, or none when it fails.
func (t *task) write(ctx context.Context, d *duck.DB, from func(*writer) error) error {
	coder, err := code.New(t.spec.Meta, t.spec.Columns)
	if err != nil {
		return err
	}
	carried := coder.Carry(t.carriers)
	to, err := d.Append(ctx, segmentDB, "rows")
	if err != nil {
		return err
	}
	w := newWriter(to, coder)
	w.carried = carried
	err = from(w)
	if writing := w.close(); err == nil {
		err = writing
	}
	if err != nil {
		return errors.Join(err, to.Abandon())
	}
	return to.Close(ctx)
}

// writer appends chunks in a goroutine of its own.
type writer struct {
	to      *duck.Appender
	coder   *code.Coder
	carried []code.Carried
	filled  chan *duck.Chunk
	free    chan *duck.Chunk
	failed  chan struct{} // closed when err is set
	err     error
	done    sync.WaitGroup
}

func newWriter(to *duck.Appender, coder *code.Coder) *writer {
	w := &writer{to: to, coder: coder, filled: make(chan *duck.Chunk, chunksAhead), free: make(chan *duck.Chunk, chunksAhead+1), failed: make(chan struct{})}
	w.done.Go(w.run)
	return w
}

func (w *writer) run() {
	for c := range w.filled {
		if w.err == nil {
			w.coder.Fill(c)
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
