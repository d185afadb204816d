package audit

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/keyring"
)

// How refusals gather before they are written.
const (
	Window = 100 * time.Millisecond
	Batch  = 256
)

// DefaultKeep is how long refusals stay when Options do not say.
const DefaultKeep = 400 * 24 * time.Hour

// maxQueue is how many refusals may wait to be written.
const maxQueue = 8192

// How many refusals of one principal are kept: so many at once, and then one for
// every tenth of a second. What knocks without end must not fill the disk.
const (
	maxBurst = 8192
	interval = 100 * time.Millisecond
)

// gapEvery is the least time between two gaps, unless somebody looks.
const gapEvery = 10 * time.Second

// Owners finds the tenants that own the object of an id, none where there is no
// such object.
type Owners func(ctx context.Context, id string) ([]string, error)

// Options configure a Recorder. DB, Log and Now are required.
type Options struct {
	DB     *controldb.DB
	Log    *slog.Logger
	Now    func() time.Time
	Keep   time.Duration     // how long refusals stay; 0 for DefaultKeep
	Owners map[string]Owners // by the prefix of ids, such as "load"
	Keys   *keyring.Ring     // under which what callers wrote is sealed; nil: it is stored plain
	Queue  int               // how many refusals may wait; 0 for 8,192
	Burst  int               // how many of one principal are kept at once; 0 for 8,192
}

// Recorder records refusals and finds them again. It is safe for concurrent use.
type Recorder struct {
	o       Options
	wake    chan struct{} // has a token when a batch is full
	writing sync.Mutex    // held while a batch is written, so that Flush waits for it

	mu      sync.Mutex
	waiting []Refusal
	share   map[string]int // of each principal in waiting
	lost    int64          // refusals that were not kept, since a gap was written
	gap     time.Time      // when that was
	kept    allowances
}

// New returns a Recorder. Refusals are written while Run runs, and by Flush.
func New(o Options) *Recorder {
	if o.Keep == 0 {
		o.Keep = DefaultKeep
	}
	if o.Queue == 0 {
		o.Queue = maxQueue
	}
	if o.Burst == 0 {
		o.Burst = maxBurst
	}
	return &Recorder{kept: allowances{ahead: time.Duration(o.Burst-1) * interval, until: map[string]time.Time{}}, o: o, wake: make(chan struct{}, 1), share: map[string]int{}}
}

// Record takes a refusal to be written soon. It never waits and never fails: with
// a full queue, or when the principal had its share, it counts. It keeps r.Params, which must not change any more.
func (a *Recorder) Record(r Refusal) {
	r.ID = privacy.NewID("ref")
	a.mu.Lock()
	if len(a.waiting) >= a.o.Queue || a.share[r.Principal] >= max(a.o.Queue/4, 1) || !a.kept.take(r.Principal, a.o.Now()) {
		a.lost++
		a.mu.Unlock()
		return
	}
	a.waiting = append(a.waiting, r)
	a.share[r.Principal]++
	full := len(a.waiting) >= Batch
	a.mu.Unlock()
	if full {
		select {
		case a.wake <- struct{}{}:
		default: // it knows
		}
	}
}

// Run writes refusals as they come, and removes old ones, until ctx ends; then it
// writes what is left.
func (a *Recorder) Run(ctx context.Context) error {
	tick, prune := time.NewTicker(Window), time.NewTicker(pruneEvery)
	defer tick.Stop()
	defer prune.Stop()
	a.removeOld(ctx)
	for {
		select {
		case <-ctx.Done():
			return a.Flush(context.WithoutCancel(ctx))
		case <-tick.C:
		case <-a.wake:
		case <-prune.C:
			a.removeOld(ctx)
		}
		if err := a.flush(ctx, false); err != nil && ctx.Err() == nil {
			a.o.Log.Error("refusals cannot be recorded; trying again", "cause", err.Error())
		}
	}
}

// Flush writes everything that was recorded before it was called.
func (a *Recorder) Flush(ctx context.Context) error { return a.flush(ctx, true) }

// flush is Flush; a gap is written if it is time for one, or at once if asked.
func (a *Recorder) flush(ctx context.Context, gap bool) error {
	a.writing.Lock()
	defer a.writing.Unlock()
	a.mu.Lock()
	due := len(a.waiting) // what comes later is the next call's, or this one might never end
	a.mu.Unlock()
	for written := 0; ; {
		batch, lost := a.next(due-written, gap)
		if len(batch) == 0 && lost == 0 {
			return nil
		}
		written += len(batch)
		for i := range batch {
			a.complete(ctx, &batch[i])
		}
		if lost > 0 {
			batch = append(batch, Refusal{ID: privacy.NewID("ref"), At: a.o.Now(), Code: CodeGap, Missing: lost, Concerned: []string{everybody}})
		}
		if err := a.write(ctx, batch); err != nil {
			return err
		}
		a.done(len(batch), lost)
	}
}

// next returns the refusals to write now, at most so many, which stay in the queue
// until they are written, and how many were lost if that is to be written.
func (a *Recorder) next(most int, gap bool) (batch []Refusal, lost int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if most > 0 {
		batch = append(batch, a.waiting[:min(most, Batch)]...)
	}
	if gap || a.o.Now().Sub(a.gap) >= gapEvery {
		lost = a.lost
	}
	return batch, lost
}

// done takes what was written out of the queue.
func (a *Recorder) done(written int, lost int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lost -= lost
	if lost > 0 {
		written--
		a.gap = a.o.Now()
		a.o.Log.Warn("refusals came faster than they could be recorded", "missing", lost)
	}
	for _, r := range a.waiting[:written] {
		if a.share[r.Principal]--; a.share[r.Principal] == 0 {
			delete(a.share, r.Principal)
		}
	}
	rest := copy(a.waiting, a.waiting[written:])
	clear(a.waiting[rest:])
	a.waiting = a.waiting[:rest]
}

// complete adds the tenants that a refusal concerns: the caller's own, the one
// that is named, and the owners of what was asked for. Where these cannot be
// found now the row is without them: that it is there matters more.
func (a *Recorder) complete(ctx context.Context, r *Refusal) {
	concerned := append([]string{r.Tenant, r.Params["tenant"]}, r.Concerned...)
	for _, value := range r.Params {
		prefix, _, isID := strings.Cut(value, "_")
		find := a.o.Owners[prefix]
		if !isID || find == nil {
			continue
		}
		owners, err := find(ctx, value)
		if err != nil {
			a.o.Log.Warn("the owner of what was asked for cannot be found", "request", r.Request, "cause", err.Error())
		}
		concerned = append(concerned, owners...)
	}
	r.Concerned = nil
	seen := map[string]bool{"": true, Unnamed: true}
	for _, tenant := range concerned {
		if !seen[tenant] {
			seen[tenant] = true
			r.Concerned = append(r.Concerned, tenant)
		}
	}
}
