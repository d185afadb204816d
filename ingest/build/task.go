package build

import (
	"context"
	"sync/atomic"

	"github.com/noised/noised/ingest/code"
	"github.com/noised/noised/ingest/duck"
	"github.com/noised/noised/ingest/upload"
	"github.com/noised/noised/privacy"
)

// Do writes the segment that spec asks for, and of a load the reject file. It
// adds to seen while rows pass. Counts are told of a load that failed, too, as far
// as it came.
func Do(ctx context.Context, spec Spec, seen *atomic.Int64) (Counts, error) {
	if err := spec.check(); err != nil {
		return Counts{}, privacy.Internal(err, "worker spec")
	}
	t := &task{spec: spec, seen: seen}
	var err error
	switch spec.Task {
	case TaskMerge:
		err = t.merge(ctx)
	case TaskErase:
		err = t.erase(ctx)
	case TaskName:
		err = t.name(ctx)
	default:
		err = t.load(ctx)
	}
	return t.result, err
}

// task is one run of a spec.
type task struct {
	spec   Spec
	result Counts
	seen   *atomic.Int64 // rows that passed the pseudonym function

	carriers  []*code.Carrier // of the columns of codes; nil where texts pass as they are
	rejects   []Reject        // at most MaxRejects
	malformed int64           // records without the form of their format
	owned     int64           // good rows, once for each unit that they belong to
	excess    int64           // of those, the ones beyond what their unit may have
	crowded   bool            // some unit is known to have more rows than it may
	ownerless bool            // no row of the upload can have a unit: the parent table is empty
}

// upload is the file to load.
func (t *task) upload() *upload.Upload {
	u := &upload.Upload{
		Path: t.spec.Input, Format: t.spec.Format, Encoding: t.spec.Encoding, MaxBytes: t.spec.MaxBytes,
		Wanted: t.wanted(), Dir: t.spec.Dir, Reject: t.reject,
	}
	if t.spec.Sealed != nil {
		u.Open, u.Memory = t.spec.Sealed.Upload.Open, int64(t.spec.MemoryMB)<<20/heldShare
	}
	return u
}

// heldShare is the share of a load's memory, beyond it, that a sealed upload may take
// while it is read.
const heldShare = 2

// open starts DuckDB within the task's limits.
func (t *task) open(ctx context.Context, readable ...string) (*duck.DB, error) {
	return duck.Open(ctx, duck.Options{
		Dir: t.spec.Dir, Readable: append(readable, duck.Readable(t.spec.Earlier)...), Threads: t.spec.Threads, MemoryMB: t.spec.MemoryMB,
		Key: t.spec.Key, Seen: t.seen, Encryption: t.spec.Encryption,
	})
}

// environment translates err when it is about this machine and not about the
// file; otherwise it returns nil.
func (t *task) environment(ctx context.Context, err error) error {
	return duck.Environment(ctx, t.spec.Dir, err)
}

// ours translates an error of a step that no file should be able to make fail.
func (t *task) ours(ctx context.Context, err error, step string) error {
	return duck.Ours(ctx, t.spec.Dir, err, step)
}
