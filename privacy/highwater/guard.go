package highwater

import (
	"context"
	"database/sql"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/translog"
)

// Guard keeps a store's mark up with its log. It is the store's witness, and is
// safe for concurrent use.
type Guard struct {
	file  *File
	log   translog.Reader // sees what is committed
	store string

	mu      sync.Mutex
	reached Mark   // on disk, and on this store's log
	missed  int64  // the largest size that could not be recorded
	running bool   // a batch is being recorded
	next    *batch // to be recorded after it
	failing atomic.Bool
}

// batch is one write of the mark, for everybody whose commits it covers.
type batch struct {
	size int64 // that the mark must cover
	done chan struct{}
	err  error // to be read when done
}

// linger is how long writes of the mark keep apart when commits come faster than
// they can be marked one by one: both wait for the same disk, and a mark that
// covers more commits leaves it to them.
const linger = 3 * time.Millisecond

// patience is how long a write of the mark may take before the store stops
// answering reads, too. A write takes a millisecond; for so long, what it is
// about to cover can be read. Where the mark's disk hangs or another process
// holds the lock, that would go on for as long.
const patience = 100 * time.Millisecond

// Start checks a store against its mark and then keeps the mark up with it:
// every commit from then on is witnessed. CodeNotFound if there is no mark,
// CodeConflict if it is damaged or the store does not match it. A store that is
// ahead of its mark was stopped between a commit and its mark; it moves the mark
// first. Call it before the store is shared.
func Start(ctx context.Context, f *File, db *controldb.DB) (*Guard, error) {
	head, err := Head(ctx, db)
	if err != nil {
		return nil, err
	}
	g := &Guard{file: f, log: db.ReadOnly(), store: head.Store}
	if err := g.record(ctx, head.Size); err != nil {
		return nil, err
	}
	db.SetWitness(g)
	return g, nil
}

// Observe implements controldb.Witness. It refuses a store that has become
// shorter than its mark under the running server, and has the mark follow what
// grows it. A transaction that appends nothing waits all the same for what it
// may have read.
func (g *Guard) Observe(ctx context.Context, tx *sql.Tx) (func(context.Context) error, error) {
	size, err := translog.Size(ctx, tx)
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	reached := g.reached
	g.mu.Unlock()
	if size == reached.Size {
		return nil, nil
	}
	if size < reached.Size {
		return nil, unavailable(rolledBack(size, reached))
	}
	return func(ctx context.Context) error { return g.reach(ctx, size) }, nil
}

// Ready implements controldb.Witness.
func (g *Guard) Ready(ctx context.Context) error {
	if !g.failing.Load() {
		return nil
	}
	size, err := translog.Size(ctx, g.log)
	if err != nil {
		return unavailable(err)
	}
	return g.reach(ctx, size)
}

// reach returns when the mark covers a size of the log. Whoever finds the mark
// being written joins the next write, so that many commits share one.
func (g *Guard) reach(ctx context.Context, size int64) error {
	g.mu.Lock()
	if size <= g.reached.Size && !g.failing.Load() {
		g.mu.Unlock()
		return nil
	}
	if !g.running && g.next == nil {
		g.running = true
		g.mu.Unlock()
		b := &batch{size: size, done: make(chan struct{})}
		g.run(ctx, b)
		return b.err
	}
	if g.next == nil { // and so one is running, which has it follow
		g.next = &batch{done: make(chan struct{})}
	}
	b := g.next
	b.size = max(b.size, size)
	g.mu.Unlock()
	<-b.done // soon: a write takes a millisecond, and waits ten seconds at most
	return b.err
}

// run records a batch, and has the next one follow if there is one. It may be
// covered already, since a write covers all that was committed when it began.
func (g *Guard) run(ctx context.Context, b *batch) {
	watch := time.AfterFunc(patience, func() { g.overdue(b) })
	defer watch.Stop()
	err := g.record(ctx, b.size)
	g.mu.Lock()
	if err != nil {
		b.err = unavailable(err)
		g.missed = max(g.missed, b.size)
	}
	g.failing.Store(err != nil || g.missed > g.reached.Size)
	if err == nil && g.next != nil && g.next.size <= g.reached.Size {
		close(g.next.done)
		g.next = nil
	}
	g.running = false
	follow := g.next != nil
	close(b.done)
	g.mu.Unlock()
	if follow {
		ctx := context.WithoutCancel(ctx)
		time.AfterFunc(linger, func() { g.runNext(ctx) })
	}
}

// overdue has everybody wait for a batch that takes too long, those who only read
// as well.
func (g *Guard) overdue(b *batch) {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-b.done: // just in time
	default:
		g.failing.Store(true)
	}
}

func (g *Guard) runNext(ctx context.Context) {
	g.mu.Lock()
	b := g.next
	g.running, g.next = true, nil
	g.mu.Unlock()
	g.run(ctx, b)
}

// record moves the mark to all that is committed, which must be a size of the
// log at least. A mark that somebody else moved must lie on this log too:
// otherwise two copies of the store are in use, and each spends what the other
// spent.
func (g *Guard) record(ctx context.Context, size int64) error {
	return g.file.locked(ctx, os.O_RDWR, func(file *os.File) error {
		found, slot, err := g.file.read(file)
		if err != nil {
			return err
		}
		g.mu.Lock()
		known := found == g.reached
		g.mu.Unlock()
		if !known {
			if err := Check(ctx, g.log, g.store, found); err != nil {
				return err
			}
		}
		if found.Size < size {
			if found, err = g.head(ctx, size); err != nil {
				return err
			}
			if err := write(file, found, slot); err != nil {
				return err
			}
		}
		g.mu.Lock()
		g.reached = found
		g.mu.Unlock()
		return nil
	})
}

// head returns the mark of what is committed now. It is less than it was only if
// the store's file was replaced by an older one.
func (g *Guard) head(ctx context.Context, size int64) (Mark, error) {
	now, root, err := translog.Head(ctx, g.log)
	if err != nil {
		return Mark{}, err
	}
	if now < size {
		return Mark{}, rolledBack(now, Mark{Size: size})
	}
	return Mark{Store: g.store, Size: now, Root: root}, nil
}

// unavailable hides from callers why the mark cannot be moved; the operator's
// log has it.
func unavailable(cause error) error {
	return privacy.Errorf(privacy.CodeUnavailable, "the server cannot record what was spent, and answers nothing until it can").Because(cause)
}
