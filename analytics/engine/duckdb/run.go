package duckdb

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/noised/noised/analytics/bounding"
	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/engine/duckdb/attached"
	"github.com/noised/noised/analytics/engine/duckdb/native"
	"github.com/noised/noised/analytics/engine/duckdb/places"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/sqlgen"
	"github.com/noised/noised/privacy"
)

// run is one execution of a plan.
type run struct {
	plan     *plan.Bound
	salt     [16]byte
	hash     bounding.ValueHash
	instance *attached.Instance
	domains  []*places.Declared // per key; shared by the workers, read only
	parts    []part
	next     atomic.Int64 // of the parts
	threads  int

	mu   sync.Mutex
	open map[*native.Connection]struct{} // whose statements run
}

// newRun cuts a run into parts. It reads no row.
func newRun(o Options, in engine.Input, on *attached.Instance, limit sqlgen.Cap) (*run, error) {
	r := &run{
		plan: in.Plan, salt: in.Salt, hash: bounding.NewValueHash(in.Salt), instance: on,
		threads: o.Threads, open: make(map[*native.Connection]struct{}),
	}
	for _, k := range in.Plan.Keys {
		d, err := places.NewDeclared(k)
		if err != nil {
			return nil, privacy.Internal(err, "engine input")
		}
		r.domains = append(r.domains, d)
	}
	relations, err := on.Relations(in)
	if err != nil {
		return nil, err
	}
	for i := range relations {
		relations[i].Cap = limit
	}
	r.parts = o.parts(in.Plan, relations, on.Rows)
	return r, nil
}

// execute bounds all parts, and ends its statements in any case.
func (r *run) execute(parent context.Context) (*bounding.Result, error) {
	workers, ctx := errgroup.WithContext(parent)
	done, interrupted := make(chan struct{}), make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(interrupted)
		native.KeepDoing(done, r.interrupt)
	})
	all := make([]*bounding.Bounder, max(1, min(r.threads, len(r.parts))))
	for i := range all {
		w := newWorker(r)
		all[i] = w.bounder
		workers.Go(func() error { return w.work(ctx) })
	}
	err := workers.Wait()
	close(done)
	if !stop() {
		<-interrupted
	}
	if err != nil {
		return nil, err
	}
	return bounding.Merge(all...), nil
}

// interrupt fails the statements that run.
func (r *run) interrupt() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.open {
		c.Interrupt()
	}
}

// borrow returns a reader, and has it interrupted when the run is stopped.
func (r *run) borrow(statement string) (*attached.Reader, error) {
	reader, err := r.instance.Borrow(statement)
	if err != nil {
		return nil, privacy.Internal(err, "opening a segment")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open[reader.Conn] = struct{}{}
	return reader, nil
}

func (r *run) giveBack(statement string, reader *attached.Reader, clean bool) {
	r.mu.Lock()
	delete(r.open, reader.Conn)
	r.mu.Unlock()
	r.instance.GiveBack(statement, reader, clean)
}

// worker bounds one part after another.
type worker struct {
	run     *run
	bounder *bounding.Bounder
	numbers *places.Numbering
}

func newWorker(r *run) *worker {
	return &worker{run: r, bounder: bounding.New(r.plan, r.salt), numbers: places.NewNumbering(r.plan, r.salt)}
}

// errPanic is why a run fails whose worker panicked. It does not say with what,
// for that may hold a row's value.
var errPanic = errors.New("a worker panicked")

// work takes parts while there are any.
func (w *worker) work(ctx context.Context) (err error) {
	defer func() {
		if recover() != nil { // its value may hold a row's
			err = privacy.Internal(errPanic, "engine run")
		}
	}()
	for {
		i := int(w.run.next.Add(1)) - 1
		if i >= len(w.run.parts) {
			return nil
		}
		if err := w.bound(ctx, w.run.parts[i]); err != nil {
			return err
		}
	}
}

// bound takes the rows of one part.
func (w *worker) bound(ctx context.Context, p part) error {
	sources := make([]bounding.Source, 0, len(p.relations))
	var streams []*stream
	clean := false
	defer func() {
		for _, s := range streams {
			s.close(clean)
		}
	}()
	for _, of := range p.relations {
		s, err := w.open(of, p)
		if err != nil {
			return err
		}
		streams = append(streams, s)
		var rows bounding.Stream = s
		if p.ahead {
			if rows, err = w.readAll(ctx, s); err != nil {
				return err
			}
			s.close(true)
		}
		sources = append(sources, bounding.Source{Tenant: of.Tenant, Stream: rows, Numbers: &w.numbers.Taught})
	}
	if err := w.bounder.Add(ctx, sources); err != nil {
		return err
	}
	clean = true
	return nil
}
