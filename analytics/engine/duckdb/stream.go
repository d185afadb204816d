package duckdb

import (
	"context"
	"slices"

	"github.com/noised/noised/analytics/bounding"
	"github.com/noised/noised/analytics/engine/duckdb/attached"
	"github.com/noised/noised/analytics/engine/duckdb/native"
	"github.com/noised/noised/analytics/sqlgen"
)

// stream reads the rows of one statement. It implements bounding.Stream. Whoever
// asks for the next block reads and decodes it, and nobody reads ahead.
type stream struct {
	run       *run
	statement string // what its reader is good for
	reader    *attached.Reader
	decoder   *decoder
	rows      *native.Rows
	chunk     native.Chunk // which the last batch refers to
}

// open starts the statement of one relation, for a part.
func (w *worker) open(of sqlgen.Relation, p part) (*stream, error) {
	st, err := sqlgen.Generate(w.run.plan, of)
	if err != nil {
		return nil, err
	}
	name := of.Catalog + p.place
	if p.ahead {
		name = "ahead" // too many for a reader of each to be kept
	}
	s := &stream{run: w.run, statement: name, decoder: newDecoder(w, st.Layout, of.Tenant)}
	if s.reader, err = w.run.borrow(s.statement); err != nil {
		return nil, err
	}
	if s.rows, err = s.reader.Conn.Query(st.SQL); err == nil {
		err = s.decoder.bind(s.rows.Types)
	}
	if err != nil {
		s.close(false)
		return nil, err
	}
	return s, nil
}

// Next implements bounding.Stream.
func (s *stream) Next(ctx context.Context) (*bounding.Batch, error) {
	s.chunk.Close()
	c, more, err := s.rows.Next()
	s.chunk = c
	// A statement that was interrupted must never pass for one that has ended:
	// what it left out would depend on time and rows.
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil || !more {
		return nil, err
	}
	return s.decoder.decode(&s.chunk, buffersOf(s.reader)), nil
}

// close ends the statement. It may be called again.
func (s *stream) close(clean bool) {
	if s.reader == nil {
		return
	}
	s.chunk.Close()
	if s.rows != nil {
		s.rows.Close()
	}
	s.run.giveBack(s.statement, s.reader, clean)
	s.reader = nil
}

// readAll reads what is left of a stream. The bounder learns its keys at once, as
// other streams go on numbering where this one ended.
func (w *worker) readAll(ctx context.Context, s *stream) (*readAhead, error) {
	out := &readAhead{}
	for {
		b, err := s.Next(ctx)
		if err != nil || b == nil {
			return out, err
		}
		w.bounder.Learn(&w.numbers.Taught, b.Learned)
		kept := bounding.Batch{Units: slices.Clone(b.Units), Keys: slices.Clone(b.Keys), Values: slices.Clone(b.Values)}
		for d, values := range kept.Values {
			kept.Values[d] = slices.Clone(values)
		}
		out.batches = append(out.batches, kept)
	}
}

// readAhead is a stream whose rows are in memory.
type readAhead struct{ batches []bounding.Batch }

// Next implements bounding.Stream.
func (r *readAhead) Next(context.Context) (*bounding.Batch, error) {
	if len(r.batches) == 0 {
		return nil, nil
	}
	b := &r.batches[0]
	r.batches = r.batches[1:]
	return b, nil
}
