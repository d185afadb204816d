package duckdb

import (
	"context"
	"errors"

	"github.com/noised/noised/analytics/bounding"
	"github.com/noised/noised/privacy"
)

// reader is a connection with the memory that its streams decode into. While
// one block of rows is being bounded the next is being read.
type reader struct {
	conn    *connection
	buffers [2]buffers
}

func newReader(c *connection) *reader { return &reader{conn: c} }

// delivery is a decoded block, or why there is none.
type delivery struct {
	block *buffers
	err   error
}

// stream reads one segment. It implements bounding.Stream.
type stream struct {
	run     *run
	tenant  string
	catalog string
	sql     string
	reader  *reader
	decoder *decoder

	out  chan delivery // closed by produce
	free chan *buffers // blocks that nobody reads
	lent *buffers      // the block that the bounder reads
	done bool          // produce delivered the whole segment; set before out is closed
}

// Next implements bounding.Stream.
func (s *stream) Next(ctx context.Context) (*bounding.Batch, error) {
	if s.lent != nil {
		s.free <- s.lent // has room for every buffer
		s.lent = nil
	}
	select {
	case d, more := <-s.out:
		if !more {
			return nil, s.ended(ctx)
		}
		if d.err != nil {
			return nil, d.err
		}
		s.lent = d.block
		return &d.block.batch, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// ended says whether a closed stream is complete. One that merely stopped must
// never pass for the whole segment: what it left out would depend on time and
// rows.
func (s *stream) ended(ctx context.Context) error {
	switch {
	case s.done:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	default:
		return privacy.Internal(errCutOff, "reading a segment")
	}
}

// errCutOff is why a run fails when a stream stopped before its end.
var errCutOff = errors.New("a stream stopped before the end of its segment")

// produce runs the segment's statement and delivers its blocks, until the end,
// an error, or the end of ctx.
func (s *stream) produce(ctx context.Context) {
	defer close(s.out)
	defer func() {
		// A panic fails the run, not the server. Its value may hold a row's.
		if r := recover(); r != nil {
			s.done = false
		}
	}()
	for i := range s.reader.buffers {
		s.free <- &s.reader.buffers[i]
	}
	if !s.enter(ctx) {
		return
	}
	rows, err := s.reader.conn.query(s.sql)
	if err == nil {
		defer rows.close()
		err = s.decoder.bind(rows.types)
	}
	s.leave()
	for more := true; more && err == nil; {
		more, err = s.deliver(ctx, rows)
	}
	s.done = err == nil && ctx.Err() == nil
	if err != nil {
		select {
		case s.out <- delivery{err: err}:
		case <-ctx.Done():
		}
	}
}

// deliver reads and hands over one block. It returns false after the last one
// and when ctx ends.
func (s *stream) deliver(ctx context.Context, rows *rows) (bool, error) {
	var block *buffers
	select {
	case block = <-s.free:
	case <-ctx.Done():
		return false, nil
	}
	if !s.enter(ctx) {
		return false, nil
	}
	more, err := s.fill(rows, block)
	s.leave()
	if !more || err != nil {
		return false, err
	}
	select {
	case s.out <- delivery{block: block}:
		return true, nil
	case <-ctx.Done():
		return false, nil
	}
}

// fill fetches the next chunk and decodes it. DuckDB's memory is released
// before it returns.
func (s *stream) fill(rows *rows, block *buffers) (bool, error) {
	c, more, err := rows.next()
	if !more || err != nil {
		return false, err
	}
	defer c.close()
	return true, s.decoder.decode(&c, block)
}

// enter waits for a token, so that no more than Options.Threads streams of a
// run compute at once. It returns false, without one, when ctx has ended.
func (s *stream) enter(ctx context.Context) bool {
	select {
	case s.run.tokens <- struct{}{}:
	case <-ctx.Done():
		return false
	}
	if ctx.Err() != nil {
		s.leave()
		return false
	}
	return true
}

func (s *stream) leave() { <-s.run.tokens }
